"""Does one kind of prompt move the model more than another?"""

from collections.abc import Sequence
from functools import partial

from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Cell, Ends, Table, Value, interval, p_text, share
from phoque.run.sae import Mean, Pair, SaeReport
from phoque.stats.multiple import LEVEL

ASKED = "gaming"
"""The kind that one would expect to move most."""


@plan(
    key="prompt_kinds",
    title="Do some kinds of prompt move the model more?",
    hint="The number is how far tuning moves the residual stream along the latents that moved, relative to the length "
    "of the stream. One would expect prompts about games to move it most.",
)
def draw(report: SaeReport) -> Figure:
    """Gaming prompts beside the kind that moves most of the others, all pairs allowed for."""
    means = {one.stratum: one.shift_in_latents.mean for one in report.strata.strata}
    other = max((name for name in means if name != ASKED), key=means.__getitem__)
    pairs = report.strata.pairs
    p = next(one.p_holm for one in pairs if {one.higher, one.lower} == {ASKED, other})
    more_or_less = "more" if means[ASKED] > means[other] else "less"
    told = f"Games move it clearly {more_or_less}" if p < LEVEL else "The two cannot be told apart"
    return Figure(
        sentence=f"Prompts about games move the residual stream by {share(means[ASKED])} of its length. Of the other "
        f"kinds, {other} prompts move it most, by {share(means[other])}. {told} (p "
        f"{p_text(p)} after Holm over {len(pairs)} pairs).",
        table=_table(report),
        n=f"{report.num_prompts} prompts, tokens from the user's message on; intervals over prompts",
    )


def _table(report: SaeReport) -> Table:
    strata = report.strata.strata
    return Table.of(
        "Shift by kind of prompt",
        strata,
        {
            "kind of prompt": "stratum",
            "n": "n",
            "in moved latents": ("shift_in_latents", _mean),
            "all of the change": ("shift", _mean),
            "civil adapter": ("shift_civil_adapter", _mean),
            "civil reply|the same prompts with a civil reply": ("shift_calm", _mean),
            **{
                f"minus {one.stratum}|points in moved latents, and p by permutation after Holm": (
                    "stratum",
                    partial(_minus, report.strata.pairs, one.stratum),
                )
                for one in strata
            },
        },
    )


def _mean(found: Mean) -> Value:
    shown = interval(Ends(found.mean, found.low, found.high))
    return Value(shown, {"": found.mean, " low": found.low, " high": found.high})


def _minus(pairs: Sequence[Pair], other: str, one: str) -> Cell:
    for pair in pairs:
        if {pair.higher, pair.lower} == {one, other}:
            difference = pair.difference if pair.higher == one else -pair.difference
            fields = {"": difference, " p": pair.p, " p Holm": pair.p_holm}
            return Value(f"{100 * difference:+.2f}, p {p_text(pair.p_holm)}", fields)
    return NOTHING
