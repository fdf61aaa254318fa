"""The stages of the pipeline in order, and which of them are run: all, some, or those from one on."""

from collections.abc import Collection, Mapping, Sequence

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Asked

ORDER = ("corpus", "persona", "control", "psm", "evaluate", "sae", "moderation", "report")
NEEDS = {"moderation": ("hatecheck_path", "surge_path")}
"""Options that name files from outside, without which a stage cannot run on another machine."""
ALONE = tuple(stage for stage in ORDER if stage not in NEEDS)
"""Stages that a Job can run with nothing but the code."""


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


def by_name(only: tuple[str, ...] = (), start: str | None = None) -> tuple[str, ...]:
    """The words of a command line that choose stages by name."""
    return (*(("--only", *only) if only else ()), *(("--from", start) if start else ()))
