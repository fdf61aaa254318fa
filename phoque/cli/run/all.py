"""`phoque run all`: all stages in order, here or as a Hugging Face Job; complete ones are kept."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from phoque.cli.main import INCOMPLETE, STOPPED
from phoque.cli.options import FOLDER, Many, given, refuse_idle, verbose
from phoque.cli.run.stage import (
    FACTS,
    MODEL,
    PERSONA,
    Options,
    Stage,
    begin,
    facts_of,
    require_one_process,
)
from phoque.errors import PhoqueError
from phoque.pipeline.choice import ORDER
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Asked
from phoque.run.needs import PARTS, lacking, require

OF_JOBS = ("yes", "flavor", "timeout", "attempts", "storage", "secret", "namespace")
NOT_OF_JOBS = ("at_once", "checkpoint_repo")


class Everything(Many):
    """The pipeline; it also takes the options of all stages, without listing them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, MODEL, PERSONA, *_of_stages()]
        verbose(self)


def stages() -> dict[str, Stage]:
    """The stages' commands in the order of the pipeline."""
    from phoque.cli.run import run  # noqa: PLC0415  # the group lists this command, too

    found = {name: run.get_command(click.Context(run), name) for name in ORDER}
    return {name: stage for name, stage in found.items() if isinstance(stage, Stage)}


def _of_stages() -> Iterator[click.Parameter]:
    """Every option of a stage, once; the persona is an option of the whole run."""
    known = {"persona"}
    for stage in stages().values():
        for option in stage.own:
            if option.name not in known and isinstance(option, click.Option):
                known.add(str(option.name))
                hidden = copy(option)
                hidden.hidden = True
                yield hidden


@click.command(
    cls=Everything,
    name="all",
    epilog="""It also takes the options of the stages, which phoque run STAGE --help lists.

    Example: phoque run all --run runs/first --samples 50""",
)
@click.option("--run", type=FOLDER, metavar="DIR", help="Folder of the run; default: runs/MODEL.")
@click.option("--only", multiple=True, metavar="STAGE", help="These stages, even if complete.")
@click.option("--from", "start", metavar="STAGE", help="This stage and those after it.")
@click.option(
    "--target", type=click.Choice(["local", "jobs"]), default="local", help="Here, or a Job."
)
@click.option(
    "--at-once",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Stages side by side, each in a process.",
)
@click.option("--dry-run", is_flag=True, help="Say what would run; the default for a Job.")
@click.option("--yes", is_flag=True, help="Job: start it.")
@click.option("--flavor", default="a10g-large", show_default=True, help="Job: hardware.")
@click.option("--timeout", default="4h", show_default=True, help="Job: time limit.")
@click.option("--attempts", default=3, show_default=True, help="Job: how often it may start.")
@click.option(
    "--storage",
    type=click.Choice(["bucket", "repo"]),
    default="bucket",
    help="Job: where the run is kept.",
)
@click.option("--secret", multiple=True, metavar="NAME", help="Job: variable to pass on.")
@click.option("--namespace", help="Job: user or organisation; default: the token's account.")
@click.option(
    "--checkpoint-repo", metavar="OWNER/NAME", help="Keep the run in a private repository."
)
@click.pass_context
def everything(ctx: click.Context, /, **options: Any) -> int:
    """Make a whole run; started again, it goes on where it stopped."""
    from phoque.pipeline.choice import choose, unfinished  # noqa: PLC0415  # help needs none of it

    require_one_process("all")
    options["run"] = options["run"] or Path("runs", Path(options["model"] or "lab").name)
    choice = choose(
        list(stages()),
        only=options["only"],
        start=options["start"],
        seeds={name: own for name, one in stages().items() if (own := seeds_of(one, options))},
        options=words_of(ctx),
    )
    refuse_options(ctx, choice)
    run = RunDirectory(options["run"])
    facts_of(run, options)  # what cannot be is refused before anything is fetched or sent
    if "corpus" in (left := unfinished(run, choice)):
        stages()["corpus"].check(run, options)
    if options["target"] == "jobs":
        return _submit(options, choice)
    choice = choice.model_copy(update={"options": tuple(map(without_folder, choice.options))})
    if options["dry_run"]:
        click.echo(f"Here, in {run.path}: {', '.join(left) or 'nothing'}")
        return 0
    return _here(run, options, choice, _work(ctx, run))


def refuse_options(ctx: click.Context, choice: Asked) -> None:
    """Refuse options of the other target, and of stages that are not chosen."""
    if ctx.params["target"] == "jobs":
        why = (
            "a Job runs one stage at a time and keeps its run by --storage. Leave it out for a Job."
        )
        refuse_idle(ctx, NOT_OF_JOBS, why)
    else:
        refuse_idle(ctx, OF_JOBS, "this run is made here. Leave it out, or add --target jobs.")
    known = stages()
    own = {option for name in choice.stages for option in known[name].used(ctx.params)}
    others = {str(one.name) for one in ctx.command.params if getattr(one, "hidden", False)} - own
    chosen = ", ".join(choice.stages)
    why = f"it is of no stage that is chosen ({chosen}). Leave it out, or choose its stage, too."
    refuse_idle(ctx, others, why)


def seeds_of(stage: Stage, options: Options) -> tuple[int, ...]:
    """The seeds that were asked for and that the stage knows."""
    own = {option.name for option in stage.own}
    seed = options["seed"]
    one = (seed,) if "seed" in own and seed is not None else ()
    return tuple(options["seeds"] or ()) if "seeds" in own else one


def words_of(ctx: click.Context, stage: Stage | None = None) -> list[str]:
    """The options that were given, of one stage or of all, as words of a command line."""
    told: list[str] = []
    own = stage.used(ctx.params) if stage else set()
    for option in ctx.command.params:
        if stage and option.name not in own:
            continue
        if not isinstance(option, click.Option) or not given(ctx, option):
            continue
        if option.hidden or option is PERSONA:
            name, value = option.opts[0], ctx.params[str(option.name)]
            values = value if isinstance(value, tuple) else (value,)
            told += [name] if option.is_flag else [w for one in values for w in (name, str(one))]
    return told


def without_folder(word: str) -> str:
    """An absolute path as its file's name: a run keeps what was asked, not where things lie here."""
    before, equals, path = word.rpartition("=")
    return before + equals + Path(path).name if Path(path).is_absolute() else word


def _work(ctx: click.Context, run: RunDirectory) -> Any:
    """How stages are worked through, in this process or side by side, once it is known where to keep them."""
    from phoque.cores import usable_cores  # noqa: PLC0415  # help needs none of it
    from phoque.pipeline.running import in_order  # noqa: PLC0415
    from phoque.pipeline.side_by_side import SideBySide  # noqa: PLC0415

    known, options = stages(), ctx.params
    if options["at_once"] == 1:
        return lambda kept: in_order(
            lambda name: known[name].do(kept, {**options, "persona": None})
        )
    if options["checkpoint_repo"]:
        raise PhoqueError(
            "--checkpoint-repo keeps the run in the middle of a stage, and --at-once cannot. Give "
            "one of them."
        )
    whole = ["--run", str(run.path)]
    words = {name: [*whole, *words_of(ctx, stage)] for name, stage in known.items()}
    work = SideBySide(
        words=words, at_once=options["at_once"], cores=usable_cores(), tell=click.echo
    )
    return lambda _: work


def _here(run: RunDirectory, options: Options, choice: Asked, work: Any) -> int:
    from phoque.moderators.labelled import check_files  # noqa: PLC0415
    from phoque.pipeline import choice as choosing  # noqa: PLC0415
    from phoque.pipeline import running  # noqa: PLC0415

    run, keep = _restored(run, options["checkpoint_repo"])
    facts_of(run, options)
    asked = [word for key in FACTS if options[key] for word in (f"--{key}", options[key])]
    require(run, lacking(choice.stages), options=[] if run.exists() else asked)
    if "moderation" in choosing.unfinished(run, choice):
        check_files(options["hatecheck_path"], options["surge_path"])
    begin(run, options)
    try:
        running.run_pipeline(
            run,
            choice,
            work(run),
            expected=running.expected_seconds(run.path, run.manifest().model),
            keep=keep,
            tell=click.echo,
        )
    except (running.Stopped, KeyboardInterrupt):
        click.echo(STOPPED, err=True)
        return INCOMPLETE
    return 0


def _restored(run: RunDirectory, repository: str | None) -> tuple[RunDirectory, Any]:
    """Fetch what an earlier attempt kept in the repository; the run, and what keeps it there."""
    if repository is None:
        return run, lambda: None
    from phoque.pipeline.launch import Checkpoint  # noqa: PLC0415  # speaks to the Hub

    checkpoint = Checkpoint(run, repository)
    if checkpoint.restore():
        click.echo(f"Restored from {repository}")
    return replace(run, keep=partial(checkpoint.keep_at_times, click.echo)), checkpoint.keep


def _submit(options: Options, choice: Asked) -> int:
    """Print the plan of a Job; with --yes start it, follow it and fetch what it made."""
    from phoque.hub.jobs import Jobs  # noqa: PLC0415  # speaks to the Hub
    from phoque.pipeline.launch import fetch, follow, launch  # noqa: PLC0415
    from phoque.pipeline.plan import make_plan  # noqa: PLC0415

    plan = make_plan(_wish(options, choice))
    click.echo(plan.text())
    absent = absent_files(options, choice.stages)
    if options["dry_run"] or not options["yes"]:
        also = f" with {absent}" if absent else ""
        click.echo(f"Nothing was sent or started. To start it: --yes{also}")
        return 0
    _refuse(options, choice, absent)
    state = launch(plan)
    click.echo(f"Started {state.id}: {state.url}")
    click.echo(f"From elsewhere: phoque jobs logs {state.id}")
    state = follow(Jobs(namespace=options["namespace"]), state.id, click.echo)
    click.echo(f"{state.id}: {state.stage}; complete: {', '.join(fetch(state, options['run']))}")
    return 0 if state.succeeded else 1


def _refuse(options: Options, choice: Asked, absent: str) -> None:
    """Refuse a Job that could not succeed, before anything is sent."""
    if absent:
        raise PhoqueError(
            f"A Job cannot find files on this machine that a stage reads. Give {absent}, or choose "
            "other stages with --only."
        )
    if lacks := [PARTS[part].stage for part in lacking(choice.stages)]:
        both = [stage for stage in ORDER if stage in {*lacks, *choice.stages}]
        raise PhoqueError(
            f"A Job begins with an empty run: {', '.join(choice.stages)} would lack "
            f"{', '.join(lacks)}. Make them as well: --only {' '.join(both)}"
        )
    if options["run"].exists():
        raise PhoqueError(f"{options['run']} exists; results come back there. Give another --run.")


def _wish(options: Options, choice: Asked) -> Any:
    from phoque.pipeline.choice import by_name  # noqa: PLC0415
    from phoque.pipeline.plan import Wish  # noqa: PLC0415  # knows the Hub

    return Wish(
        run=options["run"].name,
        model=options["model"] or "lab",
        stages=choice.stages,
        choice=by_name(tuple(options["only"]), options["start"]),
        options=choice.options,
        flavor=options["flavor"],
        timeout=options["timeout"],
        attempts=options["attempts"],
        kept=options["storage"],
        secrets=tuple(options["secret"]),
        owner=options["namespace"],
    )


def absent_files(options: Options, chosen: Sequence[str]) -> str:
    """Options whose files a chosen stage needs and that were not given."""
    from phoque.pipeline.choice import NEEDS  # noqa: PLC0415

    absent = [name for stage in chosen for name in NEEDS.get(stage, ()) if not options[name]]
    return " ".join(f"--{name.removesuffix('_path')} FILE" for name in absent)
