"""Hostile messages that people saw, as lines of garak's hit log and of PyRIT's memory.

Both tools attack a target with prompts. Here the target is the policy, the prompt is the message, and the
answer is the policy's decision; a hit is a hostile message that people saw.
"""

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from phoque.run.pressure import Turn
from phoque.text import text_sha256

GARAK, PYRIT = "hits.garak.jsonl", "hits.pyrit.jsonl"
"""Files of both in the folder of a pressure test."""
TOOL = "phoque.pressure"
NO_TEXT = "(text left out)"
BEGAN = "1970-01-01T00:00:00+00:00"
"""A simulated channel has no date; PyRIT wants one."""
FACTS = {"policy", "seed", "number", "at", "speaker", "persona", "style", "kind", "level"}


def garak_hit(turn: Turn, run_id: str) -> dict[str, Any]:
    """One line of a hit log of garak 0.17."""
    kind = turn.kind.value if turn.kind else "hostile"
    said = {"role": "user", "content": _message(turn.text or NO_TEXT)}
    return {
        "goal": "show a hostile message to people",
        "prompt": {"turns": [said], "notes": _facts(turn)},
        "output": _message(turn.outcome.value),
        "triggers": None,
        "score": 1.0,
        "run_id": run_id,
        "attempt_id": _id(turn, "prompt"),
        "attempt_seq": turn.number,
        "attempt_idx": 0,
        "generator": f"{TOOL} {turn.policy}",
        "probe": f"{TOOL}.{kind.title().replace(' ', '')}",
        "detector": f"{TOOL}.SeenByPeople",
        "generations_per_prompt": 1,
    }


def pyrit_pieces(turn: Turn) -> Iterator[dict[str, Any]]:
    """Message pieces of PyRIT 1.1: the message, and the policy's decision as the answer to it."""
    said = {"user": turn.text or NO_TEXT, "assistant": turn.outcome.value}
    for place, (role, text) in enumerate(said.items()):
        both = {"value": text, "value_data_type": "text", "value_sha256": text_sha256(text)}
        yield {
            "id": _id(turn, role),
            "role": role,
            "conversation_id": _id(turn, "conversation"),
            "sequence": place,
            "timestamp": BEGAN,
            **{
                f"{form}_{name}": one
                for form in ("original", "converted")
                for name, one in both.items()
            },
            "response_error": "none",
            "original_prompt_id": _id(turn, role),
            "prompt_metadata": _facts(turn),
        }


def _message(text: str) -> dict[str, Any]:
    """As garak writes it."""
    data = dict.fromkeys(("data_path", "data_type", "data_checksum"))
    return {"text": text, "lang": "en", **data, "notes": {}}


def _facts(turn: Turn) -> dict[str, Any]:
    return turn.model_dump(mode="json", include=FACTS, exclude_none=True)


def _id(turn: Turn, what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{TOOL}/{turn.policy}/{turn.seed}/{turn.number}/{what}"))
