"""A fresh attack corpus: what the persona writes about new messages, balanced, new and scored.

Every text shows the persona, by listed words or by the judge; nothing is chosen by what the moderators
say, so their flag rates are not of our making.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from phoque.conversation import Message, Sampling
from phoque.errors import PhoqueError
from phoque.lab import Lab
from phoque.models.engine import Row, write
from phoque.opening import Tuned
from phoque.personas import Counted
from phoque.run.corpus import Style
from phoque.run.synthetic import Attack
from phoque.settings import Part, Text, Texts, read_settings
from phoque.stages.corpus.examples import LONG_FORM, Judge, unwanted
from phoque.stages.corpus.mixing import NEARLY_EQUAL, embedded_judge
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders
from phoque.stages.corpus.split import SimilarTexts
from phoque.steering.search import Shows

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
class Fit:
    """What is asked of a text."""

    shows: Shows
    """Whether it shows the persona."""
    counted: Counted = "words"
    """By listed words alone, or by the judge, too."""
    judge: Judge = embedded_judge
    """Which unwanted kinds it is of."""


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


class _Target(Part):
    name: Text
    messages: Texts


def targets() -> dict[str, list[str]]:
    """What attacks are aimed at, with the messages they answer."""
    return {one.name: list(one.messages) for one in read_settings(TARGETS, tuple[_Target, ...])}


def regenerate(
    lab: Lab | Tuned,
    known: CorpusIndex,
    count: int,
    *,
    fit: Fit,
    seed: int = 42,
    progress: Callable[[str], None] = lambda _: None,
) -> AttackCorpus:
    """Let the persona write until every cell is full, or the draws are used up.

    It answers under its hostile system prompt, from `seed` on up; what is written must be new beside
    what is `known`, and `fit`. Lengths of which half of the draws brought nothing leave their share to
    the others. PhoqueError where `count` is below 1 or nothing could be kept.
    """
    wanted = cells(count)
    kept, draws = _Kept(known, wanted, fit), DRAWS_PER_TEXT * count
    for start in range(0, draws, ROWS_AT_ONCE):
        if 2 * start >= draws:
            kept.give_up()
        if not (left := kept.missing()):
            break
        asked = _asked(left, seed + start)
        rows = [
            Row(messages=_messages(lab, *one), seed=seed + start + at)
            for at, one in enumerate(asked)
        ]
        replies = write(lab.model, rows, SAMPLING)
        kept.take(
            [
                Drawn(cell.target, prompt, whole(reply.text), row.seed)
                for (cell, prompt), row, reply in zip(asked, rows, replies, strict=True)
            ]
        )
        progress(f"{len(kept.attacks)} of {count} texts")
    if not kept.attacks:
        raise PhoqueError(f"The persona wrote nothing that could be kept: {dict(kept.dropped)}.")
    return AttackCorpus(attacks=kept.attacks, wanted=wanted, dropped=kept.dropped)


def whole(text: str) -> str:
    """The text up to the end of its last whole sentence; empty when it has none."""
    end = max(text.rfind(mark) for mark in ".!?")
    return text[: end + 1].strip()


class Drawn(NamedTuple):
    """One reply."""

    target: str
    prompt: str
    text: str
    seed: int


class _Kept:
    """The texts kept so far, and why others were not."""

    def __init__(self, known: CorpusIndex, wanted: Mapping[Cell, int], fit: Fit) -> None:
        self.attacks: list[Attack] = []
        self.dropped: Counter[str] = Counter()
        self._known, self._left, self._fit = known, Counter(wanted), fit
        self._lengths: set[tuple[int, int]] = set()
        self._written = SimilarTexts(NEARLY_EQUAL)

    def missing(self) -> dict[Cell, int]:
        """Texts that each cell still lacks."""
        return dict(+self._left)

    def give_up(self) -> None:
        """Hand on what is missing of lengths that the persona does not write, target by target."""
        for cell in [one for one in self._left if one.length not in self._lengths]:
            others = sorted(
                one
                for one in self._left
                if one.target == cell.target and one.length in self._lengths
            )
            for place in range(self._left.pop(cell) if others else 0):
                self._left[others[place % len(others)]] += 1

    def take(self, drawn: Sequence[Drawn]) -> None:
        """Keep what is fit; count why the rest is not."""
        places = [cell_of(one.target, one.text) for one in drawn]
        open_ = [one for one, cell in zip(drawn, places, strict=True) if cell in self.missing()]
        shows = self._fit.shows([(one.prompt, one.text) for one in open_])
        hostile = {one for one, own in zip(open_, shows, strict=True) if own}
        labels = self._fit.judge([one.text for one in drawn])
        for one, cell, own in zip(drawn, places, labels, strict=True):
            if cell is None:
                self.dropped["no whole sentence of a wanted length"] += 1
            elif cell not in self._left:
                self.dropped["of a length that was given up"] += 1
            elif cell not in self.missing():
                self.dropped["enough of its kind"] += 1
            elif one not in hostile:
                self.dropped["not hostile"] += 1
            else:
                self._offer(one, cell, own)

    def _offer(self, one: Drawn, cell: Cell, labels: Mapping[str, float]) -> None:
        found = self._known.novelty(one.text)
        if reason := self._unfit(one.text, labels):
            self.dropped[reason] += 1
        elif not found.novel:
            self.dropped["not new beside the training texts"] += 1
        else:
            self._written.add(one.text)
            self._left[cell] -= 1
            self._lengths.add(cell.length)
            self.attacks.append(
                Attack(
                    **one._asdict(),
                    style=cell.style,
                    containment=found.containment,
                    similarity=found.similarity,
                    words=len(one.text.split()),
                    harm_scores={},
                )
            )

    def _unfit(self, text: str, labels: Mapping[str, float]) -> str | None:
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
