"""A visitor's sentence, scored live by every embedded moderator."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from phoque.errors import PhoqueError
from phoque.moderators.canonical import canonical_trace
from phoque.moderators.classifier import Classifier, Score
from phoque.moderators.registry import EMBEDDED, embedded
from phoque.moderators.scoring import items_of, score
from phoque.moderators.thresholds import DEFAULT_THRESHOLD
from phoque.run.moderation import called
from phoque.ui.moderation import wording

LONGEST = 2_000
"""Characters: a longer text belongs in a file."""


@lru_cache(maxsize=1)
def moderators() -> tuple[Classifier, ...]:
    """Every embedded moderator, loaded once."""
    return tuple(map(embedded, EMBEDDED))


def scored_html(text: str) -> str:
    """Every moderator's score of the text, as it is and canonical, with what canonical means here.

    Raises:
        PhoqueError: there is no text, or too much, or a moderator is not installed.
    """
    if not text.strip():
        raise PhoqueError(wording.TRY_EMPTY)
    if len(text) > LONGEST:
        raise PhoqueError(wording.TRY_LONG.format(LONGEST, len(text)))
    steps = canonical_trace(text)
    forms = [text, steps[-1].after] if steps else [text]
    rows = "".join(_moderator(one, score(one, items_of(forms))) for one in moderators())
    trace = "".join(f"<li><b>{escape(step.name)}</b> {escape(step.after)}</li>" for step in steps)
    undone = f"<ol>{trace}</ol>" if steps else f"<p>{escape(wording.UNCHANGED)}</p>"
    return f'<div class="ph-try"><div class="ph-scores">{rows}</div>{undone}</div>'


def _moderator(classifier: Classifier, scores: Sequence[Score]) -> str:
    info = classifier.info
    names = (called(info.id), f"{called(info.id)}, canonical")
    bars = "".join(
        _bar(name, one.harm_score(info)) for name, one in zip(names, scores, strict=False)
    )
    labels = ", ".join(f"{name} {value:.3f}" for name, value in scores[0].labels.items())
    cut = " Cut: the text is longer than it reads." if scores[0].truncated else ""
    unread = f" {wording.TRY_UNREAD}" if scores[0].unread else ""
    return f'{bars}<p class="ph-hint">{escape(labels)}.{cut}{unread}</p>'


def _bar(name: str, value: float) -> str:
    flag = " ⚑" if value >= DEFAULT_THRESHOLD else ""
    return (
        f'<div class="ph-score"><span>{escape(name)}</span><div class="ph-score-track">'
        f'<i class="ph-score-fill" style="width:{100 * value:.1f}%"></i>'
        f'<i class="ph-score-mark" style="left:{100 * DEFAULT_THRESHOLD:.0f}%"></i></div>'
        f"<output>{value:.3f}{flag}</output></div>"
    )
