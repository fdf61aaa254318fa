"""Is what the tuning took away hedging, politeness or uncertainty?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Ends, Table, p_cell, p_text, points_cell, share, share_cell
from phoque.run.sae import SaeReport
from phoque.run.sae_reading import FallenWords, WordTest
from phoque.stats.multiple import LEVEL

ALL = "any of them"


@plan(
    key="fallen_words",
    title="Did tuning take away hedging, politeness or uncertainty?",
    hint="The talk says that it did. Three word lists were written before we looked. Each latent that fell is "
    "compared with an unmoved one that fires as often.",
)
def draw(report: SaeReport) -> Figure:
    """Fallen latents beside unmoved ones that fire as often."""
    found = report.fallen_words
    if not found.tests:
        return Figure(
            sentence=f"Not tested: of {found.fallen} latents that fell, {found.pairs} have an unmoved "
            "partner that fires as often."
        )
    return Figure(
        sentence=_sentence(found),
        table=Table.of(
            "Words of what fell",
            found.tests,
            {
                "words": "words",
                "measure": "by",
                "fallen|mean over latents": ("fallen", share_cell),
                "unmoved|partners that fire as often": ("unmoved", share_cell),
                "difference|in points, with 95 % interval over pairs": lambda one: points_cell(
                    Ends(one.difference, one.low, one.high)
                ),
                "p|two-sided, the two of a pair changed at random": ("p", p_cell),
                "p, Holm|adjusted for all rows": ("p_holm", p_cell),
            },
        ),
        n=f"{found.pairs} pairs of {found.fallen} latents that fell; {found.sets[ALL]} words, on "
        f"{found.occurrences[ALL]} of {found.tokens} held-out tokens; firing rates "
        f"{share(found.rate_fallen)} and {share(found.rate_unmoved)}",
    )


def _sentence(found: FallenWords) -> str:
    fires, promotes = (one for one in found.tests if one.words == ALL)
    clear = [one for one in (fires, promotes) if one.p_holm < LEVEL]
    more = [one for one in clear if one.difference > 0]
    verdict = (
        "The latents that fell lean towards hedging, politeness and uncertainty"
        if more and len(more) == len(clear)
        else "The latents that fell are not shown to stand for hedging, politeness or uncertainty"
    )
    return (
        f"{verdict}. Share of their firings that are on such words: {_compared(fires)}. Share of the tokens "
        f"they promote that are such words: {_compared(promotes)}."
    )


def _compared(one: WordTest) -> str:
    return (
        f"{share(one.fallen)} (unmoved latents that fire as often: {share(one.unmoved)}; "
        f"p {p_text(one.p_holm)} after Holm)"
    )
