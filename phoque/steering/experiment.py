"""Write many replies under many settings, which share forward passes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from phoque.conversation import Messages, Sampling
from phoque.lexicon import Lexicon
from phoque.models.engine import Reply, Row, rows_at_once, write
from phoque.models.hooks import Injection, Interventions
from phoque.models.load import LanguageModel
from phoque.stats.rates import Rate, wilson

Key = TypeVar("Key")
Progress = Callable[[str], None]


def silent(_text: str) -> None:
    """A progress function that shows nothing."""


def rows_of(
    prompts: Sequence[Messages], interventions: Interventions = (), seed: int = 42
) -> list[Row]:
    """One row a prompt, all with the same settings."""
    return [Row(messages=prompt, seed=seed, interventions=interventions) for prompt in prompts]


def in_turn(prompts: Sequence[Messages], injections: Sequence[Injection], count: int) -> list[Row]:
    """`count` prompts for each injection; the next one takes the next prompts, in a circle."""
    return [
        Row(messages=prompts[place % len(prompts)], interventions=(one,))
        for index, one in enumerate(injections)
        for place in range(index * count, (index + 1) * count)
    ]


def write_grouped(
    model: LanguageModel,
    groups: Mapping[Key, Sequence[Row]],
    sampling: Sampling,
    progress: Progress = silent,
) -> dict[Key, list[Reply]]:
    """The replies of each group, in the order of its rows."""
    keys = [key for key, rows in groups.items() for _ in rows]
    rows = [row for own in groups.values() for row in own]
    replies: dict[Key, list[Reply]] = {key: [] for key in groups}
    size = rows_at_once(model)
    for start in range(0, len(rows), size):
        written = write(model, rows[start : start + size], sampling)
        for key, reply in zip(keys[start : start + size], written, strict=True):
            replies[key].append(reply)
        progress(f"{start + len(written)} of {len(rows)} replies")
    return replies


def listed_share(replies: Sequence[Reply], lexicon: Lexicon) -> Rate:
    """Share of replies with a word of the lexicon."""
    return wilson(sum(reply.text in lexicon for reply in replies), len(replies))
