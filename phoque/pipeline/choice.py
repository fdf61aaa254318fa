"""Which stages are run: all, some, or those from one on."""

from collections.abc import Collection, Mapping, Sequence

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Asked


def choose(
    order: Sequence[str],
    *,
    only: Collection[str] | None = None,
    start: str | None = None,
    seeds: Mapping[str, Sequence[int]] | None = None,
    options: Sequence[str] = (),
) -> Asked:
    """The stages of `order`, those called `only`, or those from `start` on."""
    if only and start:
        raise PhoqueError("Both --only and --from were given. Give one of them.")
    for name in [*(only or ()), *([start] if start else ())]:
        if name not in order:
            raise PhoqueError(f"There is no stage {name!r} to run. Known: {', '.join(order)}.")
    chosen = order[order.index(start) :] if start else order
    return Asked(
        stages=tuple(name for name in chosen if not only or name in only),
        anew=bool(only or start),
        seeds={name: tuple(own) for name, own in (seeds or {}).items()},
        options=tuple(options),
    )


def unfinished(run: RunDirectory, asked: Asked) -> list[str]:
    """Stages that were asked for and have still to be run, in order."""
    return [name for name in asked.stages if not run.complete(name, seeds=asked.seeds.get(name))]
