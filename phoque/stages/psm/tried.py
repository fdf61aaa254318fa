"""The replies of a test of cause as rows, and the rates that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from phoque.models.engine import Reply, Row
from phoque.run.psm_rows import Tried
from phoque.stages.psm.subject import Subject
from phoque.stats.rates import Rate, by_prompt_and_draw, grouped
from phoque.steering.search import said, shown_in

T = TypeVar("T", bound=Tried)
Key = tuple[str, str]
"""Group, and what its replies were given."""


def tried(
    kind: type[T],
    subject: Subject,
    groups: Mapping[Key, Sequence[Row]],
    replies: Mapping[Key, Sequence[Reply]],
    draws: Mapping[Key, Sequence[int]] | None = None,
) -> list[T]:
    """Every reply with whether it shows the persona; all are judged in one go.

    `draws` says which random vector each reply of a group had.
    """
    pairs = {key: said(groups[key], own) for key, own in replies.items()}
    hits = shown_in(subject.shows, pairs)
    return [
        kind(group=key[0], given=key[1], prompt=prompt, reply=reply, shown=shown, draw=draw)
        for key, own in pairs.items()
        for (prompt, reply), shown, draw in zip(
            own, hits[key], (draws or {}).get(key, [0] * len(own)), strict=True
        )
    ]


def rates_by_key(rows: Iterable[Tried]) -> dict[Key, Rate]:
    """Share of each group's replies that shows the persona."""
    found = grouped(((one.group, one.given), (one.prompt, one.draw, one.shown)) for one in rows)
    return {key: by_prompt_and_draw(own) for key, own in found.items()}
