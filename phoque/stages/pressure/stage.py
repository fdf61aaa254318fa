"""Send the same traffic through one or more moderation policies, and report what each does with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.figures.page import stage_page
from phoque.figures.shelf import UNDER_PRESSURE
from phoque.files import file_sha256, write_text
from phoque.progress import watched
from phoque.run.channel import SHOWN, Said
from phoque.run.directory import RunDirectory
from phoque.run.pressure import PolicyReport, PressureReport, Turn
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.deciding import Decider
from phoque.stages.pressure.foresight import Foresight, Leg
from phoque.stages.pressure.loading import Leave, asking, calls_of, cost_per_message, deciders
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.policy import Policy, read_policies
from phoque.stages.pressure.recorded import add_run
from phoque.stages.pressure.texts import Pool, add_attacks, add_corpus, written_texts
from phoque.stages.pressure.traffic import Traffic, described, planned, read_traffic, usable_styles

SEEDS = (42, 43, 44)
WRITTEN = "written for this test"


@dataclass(frozen=True, kw_only=True)
class Asked:
    policies: tuple[str, ...] = ()
    decisions: Path | None = None
    """Decisions that were made elsewhere, as a policy of their own."""
    runs: tuple[Path, ...] = ()
    live: bool = False
    """Whether the runs' models write now, instead of what they wrote when the runs were made."""
    attacks: tuple[Path, ...] = ()
    """Folders of attack corpora."""
    corpus: Path | None = None
    text_column: str = "text"
    label_column: str = "hostile"
    traffic: Path | None = None
    seeds: tuple[int, ...] = SEEDS
    messages: int | None = None
    allow_network: bool = False
    ask_again: bool = False
    """Whether services are asked about everything, also where an answer is kept."""
    dry_run: bool = False
    """Whether nothing will be asked."""
    texts: bool = True
    """Whether the trace and the lists of hits quote messages."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Everything that was checked before any moderator is asked."""

    policies: dict[str, tuple[Policy, Path]]
    deciders: list[Decider]
    traffic: Traffic
    pool: Pool


def prepared(asked: Asked) -> Ready:
    """Read policies and texts and load the moderators, or PhoqueError; no moderator is asked anything."""
    if twice := [one for one in asked.seeds if asked.seeds.count(one) > 1]:
        raise PhoqueError(
            f"The seed {twice[0]} is given twice, and its messages would count double. Give each once."
        )
    policies = read_policies(asked.policies, asked.decisions)
    traffic = read_traffic(asked.traffic)
    if asked.messages:
        traffic = traffic.model_copy(update={"messages": asked.messages})
    # Before texts, which may take minutes to write: here a variable or a file may be missing.
    leave = Leave(network=asked.allow_network, ask_again=asked.ask_again, dry=asked.dry_run)
    loaded = deciders(policies, leave=leave)
    pool = pool_of(asked)
    described(traffic, pool, asked.seeds)  # refuses traffic without speakers
    return Ready(policies=policies, deciders=loaded, traffic=traffic, pool=pool)


def pool_of(asked: Asked) -> Pool:
    """The texts of runs or of a corpus, and those that are written."""
    pool = Pool()
    for run in map(RunDirectory, {one.resolve(): one for one in asked.runs}.values()):
        if asked.live:
            from phoque.stages.pressure.live import add_live  # noqa: PLC0415  # loads a model

            add_live(pool, run, asked.seeds, print)
        else:
            add_run(pool, run)
    for folder in asked.attacks:
        add_attacks(pool, folder)
    if asked.corpus:
        add_corpus(pool, asked.corpus, text=asked.text_column, label=asked.label_column)
    pool.add(written_texts(), WRITTEN)
    return pool


def press(asked: Asked, ready: Ready, folder: Path) -> PressureReport:
    """Run every policy; writes trace, beginning, report and page into a folder that is there."""
    tallies = [Tally(one.policy) for one in ready.deciders]
    beginning: list[Said] = []
    with asking(ready.deciders), (folder / Turn.FILE).open("w", encoding="utf-8") as file:
        for tally, turns in zip(tallies, _turns(asked, ready), strict=True):
            for turn in turns:
                tally.add(turn)
                if turn.seed == asked.seeds[0] and turn.number < SHOWN:
                    beginning.append(Said.of(turn))
                file.write(turn.model_dump_json(exclude_none=True) + "\n")
    report = PressureReport(
        traffic=described(ready.traffic, ready.pool, asked.seeds),
        policies=tuple(_of_policies(asked, ready, tallies)),
    )
    report.save(folder)
    Said.save_rows(folder, beginning)
    write_text(folder / "report.md", stage_page("Pressure test", UNDER_PRESSURE, report))
    return report


def _turns(asked: Asked, ready: Ready) -> Iterator[Iterable[Turn]]:
    """What becomes of all turns, policy by policy."""
    seeds, total = asked.seeds, len(asked.seeds) * ready.traffic.messages
    foresight = foresight_of(asked, ready)
    foresight.prove()
    for place, decider in enumerate(ready.deciders):
        own = range(place * len(seeds), (place + 1) * len(seeds))
        turns = (turn for leg in own for turn in foresight.rows(leg))
        yield watched(turns, f"pressure {decider.policy.name}", unit="messages", total=total)


def foresight_of(asked: Asked, ready: Ready) -> Foresight:
    """Everything that the command goes through: every seed under every policy."""
    traffic, pool = ready.traffic, ready.pool
    styles = usable_styles(traffic, pool)
    legs = [
        Leg(
            partial(Channel, decider, pool, styles, seed, texts=asked.texts),
            partial(planned, traffic, pool, seed),
        )
        for decider in ready.deciders
        for seed in asked.seeds
    ]
    return Foresight(legs)


def _of_policies(asked: Asked, ready: Ready, tallies: list[Tally]) -> Iterator[PolicyReport]:
    for decider, tally in zip(ready.deciders, tallies, strict=True):
        policy, names = decider.policy, tuple(one.name for one in decider.moderators)
        yield PolicyReport(
            name=policy.name,
            sha256=file_sha256(ready.policies[policy.name][1]),
            settings=policy.in_words(),
            threshold=policy.threshold,
            moderators=names,
            posted=tally.posted,
            measures=tally.measures(cost_per_message(decider)),
            groups=tally.groups(),
            harmless_groups=tally.harmless(),
            by_moderator=tally.by_moderator(names),
            curve=tally.curve(),
            speakers=tally.speakers(),
            calls=calls_of(decider, quote=asked.texts),
        )
