"""Which stages are run: all, some, or those from one on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person asked for; equal for a retry."""

    stages: tuple[str, ...]
    """In the order of the pipeline."""
    anew: bool = False
    """Make them again even if they are complete: they were asked for by name."""
    seeds: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Asked for, by stage; a stage made with others is not done."""
    options: tuple[str, ...] = ()
    """What else was on the command line."""

    def asked(self) -> dict[str, Any]:
        """For the list of attempts."""
        seeds = {name: list(own) for name, own in self.seeds.items()}
        return {
            "stages": list(self.stages),
            "anew": self.anew,
            "seeds": seeds,
            "options": list(self.options),
        }


def choose(
    order: Sequence[str],
    *,
    only: Collection[str] | None = None,
    start: str | None = None,
    seeds: Mapping[str, Sequence[int]] | None = None,
    options: Sequence[str] = (),
) -> Choice:
    """The stages of `order`, those called `only`, or those from `start` on.

    Raises:
        PhoqueError: a name is no stage, or both were asked for.
    """
    if only and start:
        raise PhoqueError("Both --only and --from were given. Give one of them.")
    for name in [*(only or ()), *([start] if start else ())]:
        if name not in order:
            raise PhoqueError(f"There is no stage {name!r} to run. Known: {', '.join(order)}.")
    chosen = tuple(order[order.index(start) :] if start else order)
    chosen = tuple(name for name in chosen if not only or name in only)
    again = bool(only or start)
    return Choice(stages=chosen, anew=again, seeds=seeds or {}, options=tuple(options))


def unfinished(run: RunDirectory, choice: Choice) -> list[str]:
    """Stages of the choice that have still to be run, in order."""
    return [name for name in choice.stages if not run.complete(name, seeds=choice.seeds.get(name))]
