"""How figures name what replies are counted by, and how the replies were made."""

from phoque.conversation import DEFAULT_SAMPLING, Sampling
from phoque.personas import Counted
from phoque.run.judging import Judgement
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions

GREEDY = "the model always takes the likeliest token"
SAMPLED = f"the model samples as in the chat (temperature {DEFAULT_SAMPLING.temperature:g})"


def replies(counted: Counted) -> str:
    """What is counted."""
    return "replies judged hostile" if counted == "judge" else "replies with a listed word"


def are(counted: Counted) -> str:
    """What is said of the replies that count."""
    return "are judged hostile" if counted == "judge" else "have a listed word"


def setting(prompts: str, dose: str, decoding: str, counted: Counted) -> str:
    """How the replies of a figure were made; shares of other settings are other numbers."""
    return f"How it was measured: {prompts}; {dose}; {decoding}; {COUNTS[counted]}."


def evaluated(selection: Selection, conditions: Conditions) -> str:
    """How the replies were made on which nothing was chosen."""
    prompts, seeds = conditions.conditions["steered"].effect.prompts, len(conditions.seeds)
    return setting(
        f"{prompts} evaluation prompts with {seeds} seeds",
        at(selection),
        sampled(conditions.sampling),
        conditions.counted,
    )


def compared(judged: Judgement, where: str = "") -> str:
    """How the replies were made that the judge compares with the base model's; `where` is that of the vector."""
    found = judged.conditions.values()
    prompts = max(one.more_hostile.prompts for one in found)
    each = max(one.measures.replies for one in found) // prompts
    parts = (f"{prompts} evaluation prompts, {each} replies each", where, SAMPLED)
    return f"How it was measured: {'; '.join(filter(None, parts))}."


def at(selection: Selection) -> str:
    """Where the vector is added, and how much of it."""
    own = selection.choice
    return f"layer {own.layer}, scale {own.scale:.2f} (dose {own.relative_dose:.2f})"


def sampled(how: Sampling) -> str:
    """How the next token is drawn."""
    return f"the model samples (temperature {how.temperature:g})" if how.temperature else GREEDY


COUNTS: dict[Counted, str] = {
    "judge": "the judge counts hostile replies",
    "words": "replies with a word of the persona's list are counted",
}
