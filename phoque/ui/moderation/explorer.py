"""Flag rates at any threshold: computed here from the scores of every reply, looked up by the script."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from phoque.conversation import Condition
from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.moderation import ModerationReport, called
from phoque.run.scored import ScoredReply, by_condition, grid
from phoque.stats.flags import MARKS, SWEEP, sweep
from phoque.ui.moderation import wording
from phoque.ui.parts import choices, embedded, group

Replies = Mapping[Condition, Sequence[ScoredReply]]
Interval = tuple[float, float, float]
"""A rate, and where it lies."""


def explorer(reader: Reader, _: Figure) -> str:
    """Moderator, threshold slider, bars with their numbers, and curves."""
    report, found = reader.read(ModerationReport), by_condition(reader.rows(ScoredReply))
    moderators = choices("moderator", {name: called(name) for name in report.names})
    data = {
        "thresholds": SWEEP,
        "called": {name: called(name) for name in report.names},
        "own": {name: report.classifiers[name].own_threshold for name in report.names},
        "conditions": wording.CONDITIONS,
        "n": len(found[Condition.NEUTRAL]),
        "rates": rates(report.names, found),
    }
    return (
        f'<div class="ph-flags" data-draw="flags">{embedded(data)}'
        f"{group(wording.MODERATOR, moderators)}"
        '<div class="ph-flag-slide"><label for="ph-threshold">'
        f'{escape(wording.THRESHOLD)}</label><input id="ph-threshold" type="range" min="0.01" '
        f'max="0.99" step="0.01" value="{MARKS[0]}"><output></output></div>'
        f"{group('Marks', '', ' ph-pills ph-flag-marks')}"
        '<div class="ph-flag-grid"><div class="ph-flag-bars"></div>'
        '<figure class="ph-flag-curve"><svg role="img" viewBox="0 0 100 60" '
        'preserveAspectRatio="none" aria-label="Flag rate over the threshold"></svg>'
        "<figcaption></figcaption></figure></div></div>"
    )


def rates(names: Iterable[str], found: Replies) -> dict[str, dict[Condition, list[Interval]]]:
    """What each moderator flags of each condition's replies, with all digits: the script rounds."""
    return {
        name: {
            condition: [(rate.value, rate.low, rate.high) for rate in sweep(grid(own, name))]
            for condition, own in found.items()
        }
        for name in names
    }
