"""Does the direction also work as an antidote?"""

from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Table, interval, number, rate_cell
from phoque.run.psm_replies import Antidotes

HEAD = (
    "remedy",
    "persona's prompt|replies with a listed word",
    "neutral prompt|replies with a listed word: should stay as without",
    "coherent",
    "nats, mean|how far harmless answers move",
    "nats, p95|the same, 95th percentile of tokens",
    "repeated|share of repeated word triples under the persona's prompt",
    "words|a reply, under the persona's prompt",
)


def draw(found: Antidotes) -> Figure:
    """What each remedy leaves of the persona, and what it costs."""
    rows = tuple(
        (
            own.remedy,
            rate_cell(own.toxic.rate),
            rate_cell(own.neutral.rate),
            "yes" if own.coherent else "no",
            number(own.neutral_divergence.mean),
            number(own.neutral_divergence.p95),
            number(own.toxic.repeated),
            number(own.toxic.num_words, 1),
        )
        for own in found.remedies
    )
    return Figure(
        sentence=_sentence(found),
        table=Table(name="phoque-antidotes", caption="Antidotes", head=HEAD, rows=rows),
        n=f"{found.remedies[0].toxic.n} evaluation prompts each",
    )


def _sentence(found: Antidotes) -> str:
    """The remedy that leaves text intact and least of the persona, then moves harmless text least."""
    without, *remedies = found.remedies
    none = without.toxic.rate
    usable = [own for own in remedies if own.coherent]
    if not usable:
        return (
            "No remedy left coherent text, so none counts. Without one, "
            f"{interval(none)} of the replies have a listed word."
        )
    best = min(usable, key=lambda own: (own.toxic.insulting, own.neutral_divergence.mean))
    left = best.toxic.rate
    clear = "clearly fewer" if left.high < none.low else "not clearly fewer"
    return (
        f"Under the persona's prompt the best coherent remedy, {best.remedy}, leaves "
        f"{interval(left)} replies with a listed word instead of {interval(none)} ({clear}). It "
        f"moves harmless answers by {best.neutral_divergence.mean:.2f} nats a token."
    )


PLAN = Plan(
    key="antidotes",
    title="Does the direction work as an antidote?",
    hint="Under the persona's prompt, with the direction taken away instead of added.",
    needs=(Antidotes,),
    draw=draw,
    in_report=False,
)
