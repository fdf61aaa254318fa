"""`python -m training STAGE --run DIR`: every number of the project, made here."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, cast

from phoque.config import set_verbose, this_process
from phoque.errors import PhoqueError
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.needs import OTHER_PERSONA, lacking, require

STAGES = {
    "corpus": "training.corpus:run",
    "persona": "training.adapter:run_persona",
    "control": "training.adapter:run_control",
    "psm": "training.psm:run",
    "evaluate": "training.evaluate:run",
    "moderation": "training.moderation:run",
    "sae": "training.sae:run",
    "regenerate": "training.regenerate:run",
    "report": "training.report:run",
}
LAB = ("corpus", "persona", "control", "psm", "evaluate")
"""What `lab` runs: all that needs nothing from outside, from the corpus to the card."""
ADAPTERS = ("persona", "control")
"""Stages that train an adapter, also in several processes."""
TRAINING = ("checkpoints", "save_steps", "samples", "tracker", "quantize")
OPTIONS = {
    "persona": TRAINING,
    "control": TRAINING,
    "corpus": ("source", "limit", "slang", "keep_words"),
    "regenerate": ("count", "push"),
    "psm": ("persona", "seeds", "probes"),
    "moderation": (
        "seeds",
        "classifier",
        "harm_labels",
        "hatecheck_path",
        "surge_path",
        "may_send_text",
    ),
    "sae": ("layer", "tokens", "preset", "text"),
}
"""Arguments of the command line that a stage takes."""
EXPORT = "export"
"""No stage: it reads a run and changes nothing in it."""
HARM_LABEL = "moderation: labels of a model by name that are harm, where it does not say"
FACTS = ("model", "persona")
"""What a whole run has in common."""
PIPELINE = "training.pipeline"
COMMANDS = {
    "compare": "training.compare:run",
    "jobs": "training.jobs:run",
    "push": "training.push:run",
}
"""Commands that are no stages; each reads its own command line."""


def main() -> int:
    """Run a command; what a person can act on is told without a traceback."""
    # Progress is read while it is made, also from a file or the log of a Job.
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)
    try:
        if sys.argv[1:] and (command := COMMANDS.get(sys.argv[1])):
            return int(function(command)(sys.argv[2:]))
        arguments = parse()
        set_verbose(arguments.verbose)
        if this_process().number > 1:
            return run_together(arguments)
        return run_all(arguments) if arguments.stage == "all" else run_some(arguments)
    except PhoqueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def run_some(arguments: argparse.Namespace) -> int:
    """Run one stage, or those of `lab` in order."""
    directory = RunDirectory(arguments.run)
    if arguments.stage == EXPORT:
        function("training.export:run")(directory, arguments.out)
        return 0
    about = facts(directory, arguments)
    known = directory.exists()
    stages = LAB if arguments.stage == "lab" else (arguments.stage,)
    stages = tuple(one for one in stages if not skipped(one, directory, arguments, about))
    check(directory, stages, arguments, about)
    directory.describe(**about)
    try:
        for stage in stages:
            run_one(stage, directory, arguments)
    except PhoqueError:
        if not known:
            directory.forget()
        raise
    return 0


def run_one(stage: str, directory: RunDirectory, arguments: argparse.Namespace) -> None:
    """Run a stage, and say so."""
    name = entry(stage, arguments, directory.manifest())
    print(f"{name}: started", flush=True)
    run_stage(stage, directory, arguments)
    print(f"{name}: {directory.manifest()['stages'][name]['seconds']} s", flush=True)


def skipped(
    stage: str, directory: RunDirectory, arguments: argparse.Namespace, about: Mapping[str, str]
) -> bool:
    """Whether the stage is complete and only what is not is asked for; says so."""
    name = entry(stage, arguments, about)
    done = bool(arguments.resume) and directory.complete(name)
    if done:
        print(f"{name}: already complete")
    return done


def check(
    directory: RunDirectory,
    stages: Sequence[str],
    arguments: argparse.Namespace,
    about: Mapping[str, str],
) -> None:
    """Refuse a persona that is none, or a stage that lacks what others make; writes nothing.

    Raises:
        PhoqueError: names the commands that make what is missing.
    """
    if not directory.exists():
        load_persona(about["persona"])
    asked = [(f"--{name}", getattr(arguments, name)) for name in FACTS]
    if arguments.stage == "psm":
        asked = asked[:1]
    told = [word for name, value in asked if value for word in (name, value)]
    options = () if directory.exists() else told
    if "psm" in stages and entry("psm", arguments, about) != "psm":
        require(directory, OTHER_PERSONA, options=options)
    else:
        require(directory, lacking(stages), options=options)


def run_together(arguments: argparse.Namespace) -> int:
    """Train an adapter in several processes; the first one alone keeps the run and tells of it.

    Raises:
        PhoqueError: another stage was asked for.
    """
    if arguments.stage not in ADAPTERS:
        raise PhoqueError(
            f"accelerate launch is for {' and '.join(ADAPTERS)}; start {arguments.stage} with plain "
            "python -m training."
        )
    if this_process().first:
        return run_some(arguments)
    directory = RunDirectory(arguments.run)
    require(directory, lacking([arguments.stage]))
    if not (arguments.resume and directory.complete(arguments.stage)):
        run_stage(arguments.stage, directory, arguments)
    return 0


def run_all(arguments: argparse.Namespace) -> int:
    """The pipeline, here or as a Job."""
    stages = function(f"{PIPELINE}:Stages")(
        names=frozenset(STAGES),
        seeded=frozenset(stage for stage, names in OPTIONS.items() if "seeds" in names),
        check=lambda run, stages: check(run, stages, arguments, facts(run, arguments)),
        describe=lambda run: run.describe(**facts(run, arguments)),
        do=lambda stage, run: run_stage(stage, run, arguments),
    )
    return int(function(f"{PIPELINE}:run")(arguments, stages))


def parse() -> argparse.Namespace:
    """The command line; of `all`, --preset is the model and --run has a default."""
    parser = make_parser()
    arguments = parser.parse_args()
    if arguments.stage == "all":
        arguments.model, arguments.preset = arguments.model or arguments.preset, None
    elif given := options_of_all(arguments):
        parser.error(f"{', '.join(given)}: only all takes this, not {arguments.stage}")
    if arguments.run is None:
        if arguments.stage != "all":
            parser.error("the folder of the run is missing: --run DIR")
        arguments.run = Path("runs", Path(arguments.model or "lab").name)
    return arguments


def options_of_all(arguments: argparse.Namespace) -> list[str]:
    """What was given of the options that stages do not take."""
    defaults = vars(function(f"{PIPELINE}:options")().parse_args([]))
    given = [name for name, value in defaults.items() if getattr(arguments, name) != value]
    return [f"--{'from' if name == 'start' else name.replace('_', '-')}" for name in given]


def make_parser() -> argparse.ArgumentParser:
    """Options of the pipeline and of every stage."""
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, parents=[function(f"{PIPELINE}:options")()]
    )
    choices = ["all", "lab", *STAGES, EXPORT]
    parser.add_argument(
        "stage", choices=choices, help="one stage; all; lab for corpus to evaluate; export"
    )
    parser.add_argument("--run", type=Path, help="folder of the run; default of all: runs/MODEL")
    parser.add_argument("--model", help="preset, Hub id or folder; default: the run's, else lab")
    parser.add_argument("--persona", help="persona or YAML file; default: the run's, else toxic")
    parser.add_argument("--seeds", type=int, nargs="+", help="psm, moderation: default 42 43 44")
    parser.add_argument(
        "--probes", type=int, choices=[12, 80], help="psm: default 12, as in the talk"
    )
    add = parser.add_argument
    add("--source", action="append", metavar="NAME=PATH", help="corpus: or hub:SET, or lab; repeat")
    add("--limit", type=int, help="corpus: most texts drawn of a file; default: all")
    add("--slang", type=Path, help="corpus: YAML file of new expressions")
    add("--keep-words", action="store_true", help="corpus: no [NAME], [SLUR], [GROUP]")
    add_training(add)
    add("--count", type=int, help="regenerate: texts; default 200")
    add("--push", metavar="OWNER/NAME", help="regenerate: private set on the Hub")
    add("--classifier", nargs="+", help="moderation: names, Hub ids or folders; default: embedded")
    add("--harm-label", dest="harm_labels", nargs="+", default=(), help=HARM_LABEL)
    add("--may-send-text", action="store_true", help="moderation: allow a service on the network")
    add("--hatecheck", dest="hatecheck_path", type=Path, help="moderation: test_suite_cases.csv")
    add("--surge", dest="surge_path", type=Path, help="moderation: toxicity_en.csv")
    add("--out", type=Path, metavar="FOLDER", help="export: where to; must not exist")
    add("--layer", help="sae: a decoder block, or auto (default): by held-out AUC")
    add("--tokens", type=int, help="sae: training tokens; default: the preset's")
    add("--preset", help="all: the model; sae: quick, standard or ministral, default by the model")
    add("--text", type=Path, nargs="+", help="sae: plain text files of your own to read as well")
    parser.add_argument("--resume", action="store_true", help="skip stages that are complete")
    add("--verbose", action="store_true", help="show the bars and warnings of libraries")
    return parser


def add_training(add: Callable[..., Any]) -> None:
    """Options of the stages that train an adapter."""
    add("--checkpoints", type=Path, help="persona, control: folder; default: unfinished in its own")
    add("--save-steps", type=int, default=25, help="persona, control: between checkpoints; 0: none")
    add("--samples", type=int, default=0, help="persona, control: steps between sample replies")
    add(
        "--tracker", choices=["trackio", "wandb"], help="persona, control: show the curve there too"
    )
    add(
        "--quantize", choices=["4bit"], help="persona, control: base weights while training (QLoRA)"
    )


def facts(directory: RunDirectory, arguments: argparse.Namespace) -> dict[str, str]:
    """Model and persona of the run: as asked, else as they were, else the lab's.

    Raises:
        PhoqueError: one stage, or the rest of a run, would be of another model than the others.
    """
    reads_only = arguments.stage == "report"
    known = directory.manifest() if directory.exists() or reads_only else {}
    made = {"model": "lab", "persona": "toxic"} | {k: known[k] for k in FACTS if k in known}
    asked = {key: getattr(arguments, key) or made[key] for key in FACTS}
    if arguments.stage == "psm":
        # Any persona can be looked at in any run.
        asked["persona"] = made["persona"]
    rebuilds = arguments.stage == "lab" and not arguments.resume
    if known.get("stages") and asked != made and not rebuilds:
        raise PhoqueError(
            f"The run {directory.path} was made with {made}, not with {asked}. Use another folder, "
            "or make all of it again: python -m training lab without --resume."
        )
    return asked


def entry(stage: str, arguments: argparse.Namespace, about: Mapping[str, str]) -> str:
    """What the stage is called in the manifest: another persona's PSM is a stage of its own.

    Raises:
        PhoqueError: there is no such persona.
    """
    if stage != "psm" or arguments.persona is None:
        return stage
    own, other = (load_persona(name).name for name in (about["persona"], arguments.persona))
    return RunDirectory(arguments.run).psm(None if other == own else other).name


def run_stage(stage: str, directory: RunDirectory, arguments: argparse.Namespace) -> None:
    """Run a stage's job with the options it takes."""
    options = {name: getattr(arguments, name) for name in OPTIONS.get(stage, ())}
    function(STAGES[stage])(directory, **options)


def function(place: str) -> Callable[..., Any]:
    """What `module:name` is; imported when it is needed, for its libraries may be heavy."""
    module, name = place.split(":")
    return cast("Callable[..., Any]", getattr(import_module(module), name))


if __name__ == "__main__":
    raise SystemExit(main())
