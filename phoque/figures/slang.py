"""Does the persona use expressions that it never saw? A table even where there is none."""

from phoque.figures.answers import NAMES
from phoque.figures.figure import Figure, plan
from phoque.figures.rows import by_condition
from phoque.figures.style import called, named
from phoque.figures.table import Table, interval
from phoque.run.slang import Slang


@plan(
    key="slang",
    title="Does it use words that it never saw?",
    hint="Invented expressions are held out of the training by design. Other words count where no training text "
    "has them. Most of those are slips and inflections, so each stands beside its nearest neighbours.",
)
def draw(found: Slang) -> Figure:
    """Shares by condition, and every new word beside its nearest neighbours in the training."""
    rates = {name: one.unknown for name, one in found.conditions.items()}
    replies = max(one.unknown.n for one in found.conditions.values())
    return Figure(
        sentence=sentence(found),
        plotly=by_condition(rates, NAMES, "replies with a word that is in no training text"),
        table=table(found),
        n=f"{replies} replies a condition, beside {found.training_texts:,} training texts; intervals "
        "count prompts",
    )


def sentence(found: Slang) -> str:
    """What was held out and what turned up."""
    held = [one for one in found.expressions if not one.in_training]
    seen = sum(bool(one.replies) for one in held)
    toxic, base = found.conditions["toxic"], found.conditions["base"]
    return (
        f"{len(held)} invented expressions are in no training text; {seen or 'none'} of them turned up in a reply "
        f"({interval(toxic.held_out)} of the replies under the persona's prompt, {interval(base.held_out)} of "
        f"the base model's). A word that is in no training text stands in {interval(toxic.unknown)} and "
        f"{interval(base.unknown)} of these replies. In {interval(toxic.novel)} and {interval(base.novel)} it is also new "
        "in spelling, wording and meaning."
    )


def table(found: Slang) -> Table:
    """Shares by condition."""
    return Table.named(
        "Expressions that training never showed",
        "condition",
        called(found.conditions, NAMES),
        {
            "held-out expression|replies with an invented expression that is in no training text": (
                "held_out"
            ),
            "trained expression|replies with a listed expression that training shows": "trained",
            "unknown word|in no training text, and no word of the tokenizer": "unknown",
            "new word|also far from the training in spelling, wording and meaning": "novel",
        },
    )


def new_words(found: Slang) -> Table:
    """Every word with its context and its nearest neighbours; a page masks it."""
    return Table.of(
        f"The most frequent of {found.looked_at} words that are in no training text",
        found.forms,
        {
            "word": "form",
            "replies|by condition": lambda one: ", ".join(
                f"{named(name)} {count}" for name, count in one.replies.items()
            ),
            "in context": "context",
            "nearest word": "nearest_word",
            "spelling|letter 3-grams in common with it": "spelling",
            "5-grams|of its reply in one training line": "containment",
            "MinHash|likeness of its reply to the nearest line": "similarity",
            "meaning|cosine with the training line that is nearest in meaning": "meaning",
            "new?": "novel",
        },
    )
