"""`phoque run refresh`: this week's expressions into a persona, and what moderation makes of them today."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phoque.cli.main import INCOMPLETE, STOPPED
from phoque.cli.options import FILE, FOLDER, Many, verbose
from phoque.cli.run.stage import require_one_process
from phoque.progress import shown_on, span

if TYPE_CHECKING:
    from phoque.pipeline.refresh import RefreshPlan

FAILED = 1
SAVE_STEPS = 10
"""Steps of a training, which is short, between checkpoints."""


@click.command(
    cls=Many,
    epilog="Example: phoque run refresh --run runs/first --slang new.yaml --plan",
)
@click.option(
    "--run", type=FOLDER, required=True, metavar="DIR", help="The run before; it stays as it is."
)
@click.option("--slang", type=FILE, required=True, help="YAML file of new expressions.")
@click.option("--to", type=FOLDER, metavar="DIR", help="Folder of the new run; default: beside it.")
@click.option(
    "--policy", multiple=True, metavar="NAME|FILE", help="May be repeated; default: words, meaning."
)
@click.option(
    "--count",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Texts of the attack corpus.",
)
@click.option(
    "--replay",
    type=click.FloatRange(0),
    default=2.0,
    show_default=True,
    help="Old dialogues for each new one, so that the persona forgets little.",
)
@click.option("--allow-network", is_flag=True, help="Let texts leave this machine.")
@click.option("--plan", "only_plan", is_flag=True, help="Only say what would be done.")
@verbose
def refresh(*, only_plan: bool, allow_network: bool, **wish: Any) -> int:
    """Teach a run's persona new expressions, let it attack, and test policies before and after.

    The run stays as it is; a new one continues its adapter. If it is stopped, run the same command again.
    Status: 0 done, 1 done with messages without a decision, 2 bad input, 75 stopped.
    """
    from phoque.pipeline.refresh import Wish, plan_refresh  # noqa: PLC0415  # loads torch
    from phoque.pipeline.running import Stopped  # noqa: PLC0415

    require_one_process("refresh")
    plan = plan_refresh(Wish(policies=wish.pop("policy"), **wish))
    click.echo(plan.text())
    if only_plan:
        return 0
    try:
        _run(plan, allow_network=allow_network)
    except (Stopped, KeyboardInterrupt):
        click.echo(STOPPED, err=True)
        return INCOMPLETE
    if unknown := _undecided(plan):
        click.echo(f"Error: {unknown} messages have no decision.", err=True)
    return FAILED if unknown else 0


def _run(plan: "RefreshPlan", *, allow_network: bool) -> None:
    from phoque.pipeline.running import in_order, run_pipeline  # noqa: PLC0415
    from phoque.run.persona import keep_persona  # noqa: PLC0415
    from phoque.stages.pressure.loading import Leave, deciders  # noqa: PLC0415

    deciders(
        plan.policies, leave=Leave(network=allow_network)
    )  # refused before anything is computed
    run, facts = plan.new, plan.old.manifest()
    own = plan.old.persona_file
    persona = keep_persona(run, str(own) if own.is_file() else facts.persona)
    run.describe(model=facts.model, persona=persona, continues=plan.continues)
    does = _jobs(plan, allow_network=allow_network)
    work = in_order(lambda name: does[name]())
    run_pipeline(run, plan.asked, work, expected=plan.seconds, tell=click.echo)
    made = run.manifest().stages
    took = sum(made[name].seconds for name in plan.asked.stages)
    expected = plan.lines()["time"].partition(",")[0]
    click.echo(f"refresh: {span(took)}; the plan said {expected}")


def _jobs(plan: "RefreshPlan", *, allow_network: bool) -> dict[str, Callable[[], None]]:
    """What makes each stage."""
    from phoque.run.persona import own_persona  # noqa: PLC0415
    from phoque.stages.adapter.stage import train_persona  # noqa: PLC0415
    from phoque.stages.corpus.addition import save_addition  # noqa: PLC0415
    from phoque.stages.evaluate.memory import measure_memory  # noqa: PLC0415
    from phoque.stages.synthetic import stage as synthetic  # noqa: PLC0415

    run, count, known = plan.new, plan.continues.count, plan.old.manifest()
    lexicon = own_persona(plan.old).lexicon
    trained = known.stages.get("persona")
    return {
        "corpus": lambda: save_addition(run, plan.added, lexicon),
        "persona": lambda: train_persona(
            run, quantize=trained.quantize if trained else None, save_steps=SAVE_STEPS
        ),
        "memory": lambda: measure_memory(run, plan.old),
        "earlier": lambda: synthetic.write_earlier_attacks(run, count=count, by=plan.old),
        "regenerate": lambda: synthetic.write_attacks(run, count=count),
        "refresh": lambda: _press(plan, allow_network=allow_network),
    }


def _undecided(plan: "RefreshPlan") -> int:
    """Messages of both tests without a decision."""
    from phoque.report.refresh import AFTER, BEFORE  # noqa: PLC0415
    from phoque.run.pressure import PressureReport  # noqa: PLC0415

    folders = [plan.new.path / "refresh" / name for name in (BEFORE, AFTER)]
    reports = [PressureReport.load(folder, command="phoque run refresh") for folder in folders]
    policies = [policy for report in reports for policy in report.policies]
    return sum(one.unknown for policy in policies for one in policy.speakers)


def _press(plan: "RefreshPlan", *, allow_network: bool) -> None:
    """The same policies on what the persona wrote before and after."""
    from phoque.report import refresh as report  # noqa: PLC0415
    from phoque.stages.pressure import listing, stage  # noqa: PLC0415

    names = tuple(str(path) for _, path in plan.policies.values())
    corpora = {report.BEFORE: plan.attacks_before, report.AFTER: plan.attacks_after}
    place = plan.new.path / "refresh"
    with shown_on(sys.stderr), plan.new.stage("refresh", place, seeds=stage.SEEDS) as folder:
        for name, attacks in corpora.items():
            asked = stage.Asked(policies=names, attacks=(attacks,), allow_network=allow_network)
            ready = stage.prepared(asked)
            own: Path = folder / name
            own.mkdir()
            listing.write_lists(own, stage.press(asked, ready, own), ready)
        found = report.save_beside(
            folder,
            report.Refreshed(
                continues=plan.old.path.name,
                slang=plan.slang.name,
                expressions=plan.slang.expressions,
                attacks_before=plan.attacks_before,
                attacks_after=plan.attacks_after,
                memory=plan.new.path / "memory",
            ),
        )
    click.echo(report.sentence(found))
    click.echo(f"refresh: written to {place / 'refresh.md'}")
