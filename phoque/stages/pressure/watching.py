"""Policies side by side in one channel, message by message, for a page that shows them live.

The traffic is that of `phoque pressure --run RUN`, so what a policy comes to in the end is what that
command reports of it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from phoque.run.channel import Watched
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.moderation import called
from phoque.run.pressure import Turn
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.loading import Loaded, deciders, moderator
from phoque.stages.pressure.policy import SHIPPED, Policy
from phoque.stages.pressure.stage import SEEDS, Asked, pool_of
from phoque.stages.pressure.texts import Pool
from phoque.stages.pressure.traffic import planned, read_traffic, usable_styles

AHEAD = 24
"""Messages that moderators are asked about at once: few, so that the first one comes soon."""
LOADED: Loaded = {}
"""Moderators with what they have answered so far, for all visitors."""
READING = "Reading what the run's model wrote…"
LOADING = "Loading the moderator {}…"
ASKING = "Asking the moderators about the first messages…"


def watch(run: RunDirectory, policies: Sequence[Policy], seeds: Sequence[int] = SEEDS) -> Watched:
    """Send what a run's model wrote through policies that differ in their names.

    PhoqueError where the folder is no run. Steps and messages raise one where it has no texts for a
    channel, or a moderator is not installed.
    """
    run.manifest()
    traffic, steps = read_traffic(None), _steps(run, policies)

    def turns() -> Iterator[tuple[Turn, ...]]:
        """What is left of the steps first, then every message under every policy."""
        for _ in steps:
            pass
        pool = _texts(run.path, _changed(run))
        styles = usable_styles(traffic, pool)
        found = deciders({one.name: (one, SHIPPED) for one in policies}, loaded=LOADED)
        for seed in seeds:
            channels = [Channel(one, pool, styles, seed, ahead=AHEAD) for one in found]
            own = [one.run(planned(traffic, pool, seed)) for one in channels]
            yield from zip(*own, strict=True)

    return Watched(len(seeds) * traffic.messages, turns(), steps)


def _steps(run: RunDirectory, policies: Sequence[Policy]) -> Iterator[str]:
    """Load texts and moderators, those that are not here yet; say before each what is loaded."""
    yield READING
    _texts(run.path, _changed(run))
    for source in dict.fromkeys(one for policy in policies for one in policy.moderators):
        yield LOADING.format(called(source.called))
        moderator(source, SHIPPED, LOADED)
    yield ASKING


@lru_cache(maxsize=2)
def _texts(run: Path, _stamp: int) -> Pool:
    return pool_of(Asked(runs=(run,)))


def _changed(run: RunDirectory) -> int:
    file = run.path / MANIFEST
    return file.stat().st_mtime_ns if file.is_file() else 0
