"""All stages in order, here or as a Hugging Face Job: `python -m training all`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from phoque.errors import PhoqueError
from phoque.hub.jobs import Jobs
from phoque.pipeline.attempts import Stopped
from phoque.pipeline.choice import Choice, choose, unfinished
from phoque.pipeline.display import expected_seconds
from phoque.pipeline.launch import Checkpoint, fetch, follow, launch
from phoque.pipeline.plan import Wish, make_plan
from phoque.pipeline.running import INCOMPLETE, run_pipeline
from phoque.pipeline.stages import NEEDS, ORDER, by_name
from phoque.run.directory import RunDirectory
from phoque.run.needs import PARTS, lacking


@dataclass(frozen=True, kw_only=True)
class Stages:
    """What the command line knows of stages."""

    names: frozenset[str]
    seeded: frozenset[str]
    """Those that take --seeds."""
    check: Callable[[RunDirectory, Sequence[str]], None]
    """Refuses stages that lack what others make."""
    describe: Callable[[RunDirectory], None]
    do: Callable[[str, RunDirectory], None]


def options() -> argparse.ArgumentParser:
    """Options that no stage takes."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add = parser.add_argument_group("all").add_argument
    add("--only", nargs="+", metavar="STAGE", help="these stages, even if they are complete")
    add("--from", dest="start", metavar="STAGE", help="this stage and those after it")
    add("--target", choices=["local", "jobs"], default="local", help="here, or a Hugging Face Job")
    add("--dry-run", action="store_true", help="say what would run; the default for jobs")
    add("--yes", action="store_true", help="jobs: start it")
    add("--flavor", default="a10g-large", help="jobs: hardware")
    add("--timeout", default="4h", help="jobs: time limit")
    add("--attempts", type=int, default=3, help="jobs: how often it is started at most")
    add("--storage", choices=["bucket", "repo"], default="bucket", help="jobs: keeps the run")
    add("--secret", action="append", default=[], metavar="NAME", help="jobs: variable to pass on")
    add("--namespace", help="jobs: user or organisation; default: whose token it is")
    add("--checkpoint-repo", metavar="OWNER/NAME", help="keep the run in a private repository")
    return parser


def stage_options(argv: list[str]) -> list[str]:
    """What a command line has for stages, as it is written there."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False, parents=[options()])
    for known in ("--run", "--model", "--preset"):
        own.add_argument(known)
    rest = own.parse_known_args(argv)[1]
    rest.remove("all")
    return rest


def run(arguments: argparse.Namespace, stages: Stages) -> int:
    """0 when all is complete, 75 where it was stopped and may go on."""
    choice = chosen(arguments, stages)
    if arguments.target == "jobs":
        return submit(arguments, choice, stages)
    directory = RunDirectory(arguments.run)
    if arguments.dry_run:
        print(f"Here, in {directory.path}: {', '.join(unfinished(directory, choice)) or 'nothing'}")
        return 0
    directory, keep = restored(directory, arguments.checkpoint_repo)
    stages.check(directory, choice.stages)
    stages.describe(directory)
    try:
        run_pipeline(
            directory,
            choice,
            lambda stage: stages.do(stage, directory),
            expected=expected_seconds(directory.path, directory.manifest()["model"]),
            keep=keep,
            tell=lambda text: print(text, flush=True),
        )
    except (Stopped, KeyboardInterrupt):
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return INCOMPLETE
    return 0


def chosen(arguments: argparse.Namespace, stages: Stages) -> Choice:
    """Stages that the command line asks for, of those that this version has."""
    return choose(
        [stage for stage in ORDER if stage in stages.names],
        only=arguments.only,
        start=arguments.start,
        seeds=dict.fromkeys(stages.seeded, arguments.seeds) if arguments.seeds else {},
        options=stage_options(sys.argv[1:]),
    )


def restored(
    directory: RunDirectory, repository: str | None
) -> tuple[RunDirectory, Callable[[], None]]:
    """Fetch what an earlier attempt kept in the repository; the run, and what keeps it there."""
    if repository is None:
        return directory, lambda: None
    checkpoint = Checkpoint(directory, repository)
    if checkpoint.restore():
        print(f"Restored from {repository}", flush=True)
    return replace(directory, keep=partial(checkpoint.keep_at_times, print)), checkpoint.keep


def submit(arguments: argparse.Namespace, choice: Choice, stages: Stages) -> int:
    """Print the plan of a Job; with --yes start it, follow it and fetch what it made."""
    plan = make_plan(wish_of(arguments, choice, stages))
    print(plan.text())
    absent = absent_files(arguments, choice)
    if arguments.dry_run or not arguments.yes:
        also = f" with {absent}" if absent else ""
        print(f"Nothing was sent or started. To start it: --yes{also}")
        return 0
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
    if arguments.run.exists():
        raise PhoqueError(f"{arguments.run} exists; results come back there. Give another --run.")
    state = launch(plan)
    print(f"Started {state.id}: {state.url}")
    print(f"From elsewhere: python -m training jobs logs {state.id}", flush=True)
    jobs = Jobs(namespace=arguments.namespace)
    state = follow(jobs, state.id, lambda line: print(line, flush=True))
    print(f"{state.id}: {state.stage}; complete: {', '.join(fetch(state, arguments.run))}")
    return 0 if state.succeeded else 1


def wish_of(arguments: argparse.Namespace, choice: Choice, stages: Stages) -> Wish:
    """A Job as the command line asks for it."""
    return Wish(
        run=arguments.run.name,
        model=arguments.model or "lab",
        stages=choice.stages,
        missing=tuple(stage for stage in ORDER if stage not in stages.names),
        choice=by_name(tuple(arguments.only or ()), arguments.start),
        options=choice.options,
        flavor=arguments.flavor,
        timeout=arguments.timeout,
        attempts=arguments.attempts,
        kept=arguments.storage,
        secrets=tuple(arguments.secret),
        owner=arguments.namespace,
    )


def absent_files(arguments: argparse.Namespace, choice: Choice) -> str:
    """Options whose files a chosen stage needs and that were not given."""
    needed = [name for stage in choice.stages for name in NEEDS.get(stage, ())]
    absent = [name for name in needed if not getattr(arguments, name)]
    return " ".join(f"--{name.removesuffix('_path')} FILE" for name in absent)
