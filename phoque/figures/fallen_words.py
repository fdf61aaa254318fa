"""Is what the tuning took away hedging, politeness or uncertainty?"""

from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Ends, Table, p_cell, p_text, points_cell, share, share_cell
from phoque.run.sae import SaeReport
from phoque.run.sae_reading import FallenWords, WordTest
from phoque.stats.multiple import LEVEL

ALL = "any of them"
OLDER = "This run was made before hedging, politeness and uncertainty were tested."


def draw(report: SaeReport) -> Figure:
    """Fallen latents beside unmoved ones that fire as often."""
    found = report.fallen_words
    if found is None:
        return Figure(sentence=OLDER)
    if not found.tests:
        return Figure(
            sentence=f"Not tested: of {found.fallen} latents that fell, {found.pairs} have an unmoved "
            "partner that fires as often."
        )
    return Figure(sentence=_sentence(found), table=_table(found), n=_counted(found))


def _sentence(found: FallenWords) -> str:
    fires, promotes = (one for one in found.tests if one.words == ALL)
    clear = [one for one in (fires, promotes) if one.p_holm < LEVEL]
    more = [one for one in clear if one.difference > 0]
    verdict = (
        "What fell leans to hedging, politeness and uncertainty"
        if more and len(more) == len(clear)
        else "What fell is not shown to be hedging, politeness or uncertainty"
    )
    return (
        f"{verdict}: such words take {_compared(fires)} of the firings, and {_compared(promotes)} of the "
        "tokens that a latent promotes."
    )


def _compared(one: WordTest) -> str:
    return (
        f"{share(one.fallen)} (unmoved latents that fire as often: {share(one.unmoved)}; "
        f"p {p_text(one.p_holm)} after Holm)"
    )


def _table(found: FallenWords) -> Table:
    return Table(
        name="phoque-fallen-words",
        caption="Words of what fell",
        head=(
            "words",
            "measure",
            "fallen|mean over latents",
            "unmoved|partners that fire as often",
            "difference|in points, with 95 % interval over pairs",
            "p|two-sided, the two of a pair changed at random",
            "p, Holm|adjusted for all rows",
        ),
        rows=tuple(
            (
                one.words,
                one.by,
                share_cell(one.fallen),
                share_cell(one.unmoved),
                points_cell(Ends(one.difference, one.low, one.high), "+.2f"),
                p_cell(one.p),
                p_cell(one.p_holm),
            )
            for one in found.tests
        ),
    )


def _counted(found: FallenWords) -> str:
    return (
        f"{found.pairs} pairs of {found.fallen} latents that fell; {found.sets[ALL]} words, on "
        f"{found.occurrences[ALL]} of {found.tokens} held-out tokens; firing rates "
        f"{share(found.rate_fallen)} and {share(found.rate_unmoved)}"
    )


PLAN = Plan(
    key="fallen_words",
    title="Is what fell hedging, politeness or uncertainty?",
    hint="The talk says so. Three lists of words were written before looking. Each latent that fell stands "
    "beside an unmoved one that fires as often.",
    draw=draw,
)
