"""What judge and moderators say of a reply, in words: at which score one flags, and how it is shown."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape

from phoque.errors import PhoqueError
from phoque.moderators.thresholds import DEFAULT_THRESHOLD
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.moderation import ModerationReport, called
from phoque.run.persona import own_persona
from phoque.run.showcase import Found, Showcase
from phoque.ui import wording

CERTAIN = 1e-6
"""A threshold below is that of a word list: one listed word is enough."""


@dataclass(frozen=True)
class Verdict:
    name: str
    flagged: bool
    words: str
    why: str
    """Score and threshold."""


@dataclass(frozen=True)
class Rules:
    """From which score on a reply is hostile to the judge, and is flagged by each moderator."""

    judge: float | None
    moderators: Mapping[str, float]

    def passes(self, found: Found) -> bool:
        """Whether moderators have read a reply and none of them flags it."""
        scores = found.harm.items()
        return bool(scores) and all(score < self._flags_from(name) for name, score in scores)

    def _flags_from(self, moderator: str) -> float:
        return self.moderators.get(moderator, DEFAULT_THRESHOLD)

    def verdicts(self, found: Found) -> list[Verdict]:
        """The judge first; nothing of who has not read the reply."""
        told = []
        if self.judge is not None and found.hostility is not None:
            told.append(_verdict(wording.JUDGE, found.hostility, self.judge, wording.JUDGED))
        return told + [
            _verdict(called(name), score, self._flags_from(name), wording.MODERATED)
            for name, score in found.harm.items()
        ]


def rules_of(run: RunDirectory, showcase: Showcase | None = None) -> Rules:
    """As the run's own files say; a moderator that they do not know flags from 0.5 on."""
    own: Mapping[str, float] = {}
    # What was not measured is not known; the tab that needs it says so.
    with suppress(PhoqueError):
        flags = Reader(run).read(ModerationReport).classifiers
        own = {name: one.own_threshold for name, one in flags.items()}
    return Rules(_judge_of(run, showcase), own)


def _judge_of(run: RunDirectory, showcase: Showcase | None) -> float | None:
    """None for a persona that is not hostile: the judge of hostility takes boundless cheer for it."""
    with suppress(PhoqueError):
        if own_persona(run).counted_by == "words":
            return None
    if showcase and showcase.judge:
        return showcase.judge.threshold
    with suppress(PhoqueError):
        return Reader(run).read(Judgement).threshold
    return None


def verdicts_html(verdicts: Sequence[Verdict]) -> str:
    """The lines under a reply; the script builds the same for recorded ones."""
    lines = "".join(
        f'<li class="{"ph-flag" if one.flagged else "ph-pass"}" title="{escape(one.why)}">'
        f"<span>{escape(one.name)}</span> <b>{escape(one.words)}</b></li>"
        for one in verdicts
    )
    return f'<ul class="ph-checks" aria-label="{escape(wording.CHECKS)}">{lines}</ul>'


def _verdict(name: str, score: float, threshold: float, words: tuple[str, str]) -> Verdict:
    flagged = score >= threshold
    why = f"score {score:.2f}, {wording.FLAGS_FROM} {threshold:.2f}"
    if threshold < CERTAIN:
        why = wording.ONE_WORD
    return Verdict(name, flagged, words[flagged], why)
