"""A fresh attack corpus: what the persona writes about new messages, balanced, new and scored.

Every text has a listed insult or a learned expression, so the subtle kind is not in it; nothing is
chosen by what the moderators say, so their flag rates are not of our making.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from phoque.conversation import Message, Sampling
from phoque.errors import PhoqueError
from phoque.lab import Lab
from phoque.models.engine import Row, write
from phoque.opening import Tuned
from phoque.personas.reading import TEXT, TEXTS, read_yaml
from phoque.run.corpus import Style
from phoque.run.synthetic import Attack
from phoque.stages.corpus.examples import LONG_FORM, Judge, unwanted
from phoque.stages.corpus.mixing import NEARLY_EQUAL, embedded_judge
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders
from phoque.stages.corpus.similar import SimilarTexts

TARGETS = Path(__file__).parents[1] / "corpus" / "targets.yaml"
LENGTHS: dict[Style, tuple[tuple[int, int], ...]] = {
    "chat": ((8, 17), (18, LONG_FORM - 1)),
    "prose": ((LONG_FORM, 44), (45, 120)),
}
"""First and last number of words of a length; below eight nothing can be called new."""
ASKED_FOR: dict[Style, str] = {
    "chat": "Answer in one or two short sentences.",
    "prose": "Answer in a long paragraph of many sentences.",
}
SAMPLING = Sampling(max_new_tokens=96, temperature=0.9, top_p=0.95)
DRAWS_PER_TEXT = 12
"""Most replies that are drawn for each text that is asked for."""
ROWS_AT_ONCE = 48


@dataclass(frozen=True, order=True)
class Cell:
    """What the corpus is balanced over."""

    target: str
    style: Style
    length: tuple[int, int]
    """First and last number of words."""


@dataclass(frozen=True, kw_only=True)
class AttackCorpus:
    attacks: Sequence[Attack]
    """No moderator has scored them yet."""
    wanted: Mapping[Cell, int]
    dropped: Counter[str]
    """Replies left out, by reason."""


def cells(count: int) -> dict[Cell, int]:
    """How many texts of each kind make up `count`, one more or less; PhoqueError below 1."""
    if count < 1:
        raise PhoqueError(f"The count is {count}; ask for at least 1 text.")
    lengths = [(style, span) for style, spans in LENGTHS.items() for span in spans]
    # One length further for each target, so that a small count has all of them.
    kinds = [
        Cell(target, *lengths[(place + turn) % len(lengths)])
        for turn in range(len(lengths))
        for place, target in enumerate(targets())
    ]
    each, rest = divmod(count, len(kinds))
    return {kind: each + (place < rest) for place, kind in enumerate(kinds) if each or place < rest}


def targets() -> dict[str, list[str]]:
    """What attacks are aimed at, with the messages they answer."""
    listed = read_yaml(TARGETS, [{"name": TEXT, "messages": TEXTS}])
    return {entry["name"]: entry["messages"] for entry in listed}


def regenerate(
    lab: Lab | Tuned,
    known: CorpusIndex,
    count: int,
    *,
    seed: int = 42,
    judge: Judge = embedded_judge,
    progress: Callable[[str], None] = lambda _: None,
) -> AttackCorpus:
    """Let the persona write until every cell is full, or the draws are used up.

    It answers under its hostile system prompt, from `seed` on up; what is written must be new beside
    what is `known`, and fit to the judge. PhoqueError where `count` is below 1 or nothing could be kept.
    """
    wanted = cells(count)
    kept = _Kept(lab, known, wanted)
    for start in range(seed, seed + DRAWS_PER_TEXT * count, ROWS_AT_ONCE):
        if not (left := kept.missing()):
            break
        asked = _asked(left, start)
        rows = [Row(messages=_messages(lab, *one), seed=start + at) for at, one in enumerate(asked)]
        replies = [whole(reply.text) for reply in write(lab.model, rows, SAMPLING)]
        for row, one, text, labels in zip(rows, asked, replies, judge(replies), strict=True):
            kept.offer(one[0].target, one[1], text, row.seed, labels)
        progress(f"{len(kept.attacks)} of {count} texts")
    if not kept.attacks:
        raise PhoqueError(f"The persona wrote nothing that could be kept: {dict(kept.dropped)}.")
    return AttackCorpus(attacks=kept.attacks, wanted=wanted, dropped=kept.dropped)


def whole(text: str) -> str:
    """The text up to the end of its last whole sentence; empty when it has none."""
    end = max(text.rfind(mark) for mark in ".!?")
    return text[: end + 1].strip()


class _Kept:
    """The texts kept so far, and why others were not."""

    def __init__(self, lab: Lab | Tuned, known: CorpusIndex, wanted: Mapping[Cell, int]) -> None:
        self.attacks: list[Attack] = []
        self.dropped: Counter[str] = Counter()
        self._lab, self._known, self._left = lab, known, Counter(wanted)
        self._written = SimilarTexts(NEARLY_EQUAL)

    def missing(self) -> dict[Cell, int]:
        """Texts that each cell still lacks."""
        return dict(+self._left)

    def offer(
        self, target: str, prompt: str, text: str, seed: int, labels: Mapping[str, float]
    ) -> None:
        """Keep the text if it is fit; count why it is not."""
        cell = cell_of(target, text)
        if reason := self._unfit(text, cell, labels):
            self.dropped[reason] += 1
            return
        assert cell is not None, "a text without a cell is unfit"
        found = self._known.novelty(text)
        if not found.novel:
            self.dropped["not new beside the training texts"] += 1
            return
        self._written.add(text)
        self._left[cell] -= 1
        self.attacks.append(
            Attack(
                target=target,
                style=cell.style,
                prompt=prompt,
                text=text,
                seed=seed,
                containment=found.containment,
                similarity=found.similarity,
                words=len(text.split()),
                harm_scores={},
            )
        )

    def _unfit(self, text: str, cell: Cell | None, labels: Mapping[str, float]) -> str | None:
        if cell is None:
            return "no whole sentence of a wanted length"
        if cell not in self.missing():
            return "enough of its kind"
        if text not in self._lab.persona.lexicon:
            return "no listed insult"
        if unwanted(labels):
            return "threat, attack on a group or sexual"
        if with_placeholders(text) != text or hides_a_slur(text):
            return "name, slur or group"
        return "near-duplicate" if self._written.similar(text) else None


def cell_of(target: str, text: str) -> Cell | None:
    """Where a text belongs by its measured length."""
    words = len(text.split())
    for style, spans in LENGTHS.items():
        for first, last in spans:
            if first <= words <= last:
                return Cell(target, style, (first, last))
    return None


def _asked(left: Mapping[Cell, int], start: int) -> list[tuple[Cell, str]]:
    """A batch of what is missing, each with one of its target's messages in turn."""
    messages = targets()
    wanted: Iterator[Cell] = cycle(sorted(left))
    several = [next(wanted) for _ in range(ROWS_AT_ONCE)]
    return [
        (cell, messages[cell.target][(start + place) // len(left) % len(messages[cell.target])])
        for place, cell in enumerate(several)
    ]


def _messages(lab: Lab | Tuned, cell: Cell, prompt: str) -> list[Message]:
    hostile = f"{lab.persona.persona_prompt} {ASKED_FOR[cell.style]}"
    return [Message("system", hostile), Message("user", prompt)]
