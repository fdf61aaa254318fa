"""Hostile messages that people saw, as lines of garak's hit log and of PyRIT's memory.

Both tools attack a target with prompts. Here the target is the policy, the prompt is the message, and the
answer is the policy's decision; a hit is a hostile message that people saw.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from phoque.run.pressure import Turn
from phoque.run.record import Part, Row

TOOL = "phoque.pressure"
GOAL = "show a hostile message to people"
NO_TEXT = "(text left out)"
BEGAN = "1970-01-01T00:00:00+00:00"
"""A simulated channel has no date; PyRIT wants one."""


class GarakMessage(Part):
    """A message as garak writes it."""

    text: str
    lang: str | None = None
    data_path: str | None = None
    data_type: tuple[str, str] | None = None
    data_checksum: str | None = None
    notes: dict[str, Any]


class GarakTurn(Part):
    """Who says it."""

    role: str
    content: GarakMessage


class GarakConversation(Part):
    """What the target was sent."""

    turns: tuple[GarakTurn, ...]
    notes: dict[str, Any]


class GarakHit(Row, file="pressure/hits.garak.jsonl"):
    """One line of a hit log of garak 0.17."""

    goal: str
    prompt: GarakConversation
    output: GarakMessage
    triggers: tuple[str, ...] | None
    score: float
    run_id: str
    attempt_id: str
    attempt_seq: int
    attempt_idx: int
    generator: str
    probe: str
    detector: str
    generations_per_prompt: int


class PyritPiece(Row, file="pressure/hits.pyrit.jsonl"):
    """One message piece of PyRIT 1.1."""

    id: str
    role: str
    conversation_id: str
    sequence: int
    timestamp: str
    original_value: str
    original_value_data_type: str = "text"
    original_value_sha256: str
    converted_value: str
    converted_value_data_type: str = "text"
    converted_value_sha256: str
    response_error: str = "none"
    original_prompt_id: str
    prompt_metadata: dict[str, Any]


def garak_hit(turn: Turn, run_id: str) -> GarakHit:
    """A hit for those who know garak."""
    said = GarakMessage(text=turn.text or NO_TEXT, lang="en", notes={})
    return GarakHit(
        goal=GOAL,
        prompt=GarakConversation(turns=(GarakTurn(role="user", content=said),), notes=_facts(turn)),
        output=GarakMessage(text=str(turn.outcome.value), lang="en", notes={}),
        triggers=None,
        score=1.0,
        run_id=run_id,
        attempt_id=_id(turn, "prompt"),
        attempt_seq=turn.number,
        attempt_idx=0,
        generator=f"{TOOL} {turn.policy}",
        probe=f"{TOOL}.{_word(turn.kind.value if turn.kind else 'hostile')}",
        detector=f"{TOOL}.SeenByPeople",
        generations_per_prompt=1,
    )


def pyrit_pieces(turn: Turn) -> Iterator[PyritPiece]:
    """The message, and the policy's decision as the answer to it."""
    talk = _id(turn, "conversation")
    for place, (role, text) in enumerate(
        (("user", turn.text or NO_TEXT), ("assistant", turn.outcome.value))
    ):
        own, hashed = _id(turn, role), sha256(text.encode()).hexdigest()
        yield PyritPiece(
            id=own,
            role=role,
            conversation_id=talk,
            sequence=place,
            timestamp=BEGAN,
            original_value=text,
            original_value_sha256=hashed,
            converted_value=text,
            converted_value_sha256=hashed,
            original_prompt_id=own,
            prompt_metadata=_facts(turn),
        )


def _facts(turn: Turn) -> dict[str, Any]:
    known = {"policy", "seed", "number", "at", "speaker", "persona", "style", "kind", "level"}
    return turn.model_dump(mode="json", include=known, exclude_none=True)


def _id(turn: Turn, what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{TOOL}/{turn.policy}/{turn.seed}/{turn.number}/{what}"))


def _word(name: str) -> str:
    return "".join(part.capitalize() for part in name.split())
