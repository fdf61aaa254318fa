"""A verdict per latent, from conditions that are each a badge: no ranking stands alone.

`VERDICTS` says what each means. A risen latent is tried toward the persona, a fallen one away from
it; where the persona vector itself does not act that way, nothing is said of a cause. A *marker* is
shown to do nothing both ways, which needs a test that could have seen something both ways.
"""

from collections.abc import Iterable, Sequence

from phoque.run.sae_evidence import RIVALS, WAYS, Cause, GeneratedReplies, Steered
from phoque.run.sae_latents import UNTESTABLE, Feature, significant

STABLE = 0.7
"""Least cosine of the same latent in another seed's dictionary."""
SHIFT_BADGES = ("fdr", "civil adapter", "half", "dose")
"""What a proven shift needs; stability over seeds is told beside it."""
NO_EFFECT = 0.25
"""Largest change of the share of replies that show the persona that still counts as none."""


def with_verdicts(features: Iterable[Feature], cause: Cause) -> list[Feature]:
    """The latents with `badges`, `verdict`, `stability` and the screen of each."""
    found = []
    for one in features:
        badges, screened = _badges(one, cause), cause.screen.latents.get(str(one.latent))
        judged = {
            "stability": _stability(one),
            "screen_toward": screened and screened.toward,
            "screen_away": screened and screened.away,
            "badges": badges,
            "verdict": _verdict(one, badges, cause),
        }
        found.append(one.model_copy(update=judged))
    return found


def effect_beyond_rivals(cells: Sequence[Steered], name: str, way: str) -> bool:
    """Whether a direction changes replies, coherently and beyond every rival of the same length.

    Toward: its interval is above the rivals' intervals. Away: it is below them.
    """
    beside = [cell for cell in cells if cell.way == way]
    return any(
        all(own.beyond(one) for one in beside if one.name in RIVALS and one.dose == own.dose)
        for own in beside
        if own.name == name and own.coherent
    )


def without_effect(told: GeneratedReplies, name: str) -> bool:
    """Whether a direction is shown to do nothing, both ways: no interval allows a change of 25 points.

    Where the text fell apart at every dose of a way, nothing is shown.
    """
    own = [cell for cell in told.cells if cell.name == name and cell.coherent]
    plain = {way: told.plain[way].trait.value for way in WAYS}
    return {cell.way for cell in own} == {*WAYS} and all(
        plain[cell.way] - NO_EFFECT <= cell.low and cell.high <= plain[cell.way] + NO_EFFECT
        for cell in own
    )


def _badges(one: Feature, cause: Cause) -> tuple[str, ...]:
    name, cells = str(one.latent), cause.generated.cells
    screened = cause.screen.latents.get(name)
    holds = {
        "fdr": one.moved,
        "civil adapter": one.beyond_civil_adapter,
        "half": one.found_on_other_half,
        "dose": abs(one.dose_spearman) > 0.99,
        "stable": _stability(one) == "stable",
        "linear": one.linear * one.effect > 0,
        "screen": screened is not None and screened.toward > cause.screen.random.high,
        "toward": effect_beyond_rivals(cells, name, "toward"),
        "away": effect_beyond_rivals(cells, name, "away"),
    }
    return tuple(badge for badge, held in holds.items() if held)


def _stability(one: Feature) -> str:
    """Found again with other seeds, moved the same way; or where that is missing."""
    if not one.seeds:
        return "one seed"
    if not all(other.cosine >= STABLE for other in one.seeds):
        return "not found again"
    alike = (significant(other.q) and other.effect * one.effect > 0 for other in one.seeds)
    return "stable" if all(alike) else "found again"


def _verdict(one: Feature, badges: Sequence[str], cause: Cause) -> str:
    if not one.moved:
        return ""
    way, proven = ("toward", "driver") if one.effect > 0 else ("away", "protective")
    if not cause.acts(way):
        return UNTESTABLE
    if not all(badge in badges for badge in SHIFT_BADGES):
        return "move unsure"
    return proven if way in badges else _without_proof(str(one.latent), cause)


def _without_proof(name: str, cause: Cause) -> str:
    if all(cell.name != name for cell in cause.generated.cells):
        return "not tried"
    both = all(map(cause.acts, WAYS))
    return "marker" if both and without_effect(cause.generated, name) else "undecided"
