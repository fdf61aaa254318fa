"""Does the direction also work as an antidote?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval
from phoque.figures.trait import GREEDY, are, replies, setting
from phoque.personas import Counted
from phoque.run.psm_replies import Antidotes


@plan(
    key="antidotes",
    title="Does the direction work as an antidote?",
    hint="The model has the persona's prompt, and the direction is taken away instead of added.",
)
def draw(found: Antidotes) -> Figure:
    """What each remedy leaves of the persona, and what it costs."""
    by = _counted(found)
    return Figure(
        sentence=_sentence(found),
        setting=setting(
            f"{found.remedies[0].toxic.n} evaluation prompts, one reply each",
            "the selected layer and scale",
            GREEDY,
            by,
        ),
        table=Table.of(
            "Antidotes",
            found.remedies,
            {
                "remedy": "remedy",
                f"persona's prompt|{replies(by)}": "toxic.trait",
                "neutral prompt|should stay as without": "neutral.trait",
                "coherent": "coherent",
                "nats, mean|how far harmless answers move": "neutral_divergence.mean",
                "nats, p95|of tokens": "neutral_divergence.p95",
                "repeated|share of word triples": "toxic.repeated",
                "words|a reply, persona's prompt": ("toxic.num_words", digits(1)),
            },
        ),
        n=f"{found.remedies[0].toxic.n} evaluation prompts each",
    )


def _sentence(found: Antidotes) -> str:
    """The remedy that leaves text intact and least of the persona, then moves harmless text least."""
    without, *remedies = found.remedies
    none, by = without.toxic.trait, _counted(found)
    usable = [own for own in remedies if own.coherent]
    if not usable:
        return (
            "No remedy kept the text coherent, so none counts. Without one, "
            f"{interval(none)} of the replies {are(by)}."
        )
    best = min(usable, key=lambda own: (own.toxic.trait.value, own.neutral_divergence.mean))
    left = best.toxic.trait
    clear = "clearly fewer" if left.high < none.low else "not clearly fewer"
    only = (
        "The only remedy that keeps the text coherent is"
        if len(usable) == 1
        else "The best coherent remedy is"
    )
    return (
        f"{only} {best.remedy}. With it, {interval(left)} of the replies under the persona's "
        f"prompt {are(by)}, {clear} than the {interval(none)} without it. The remedy shifts the model's "
        f"expectations in harmless answers by {best.neutral_divergence.mean:.2f} nats a token."
    )


def _counted(found: Antidotes) -> Counted:
    return "judge" if found.remedies[0].toxic.judged else "words"
