"""`python -m training STAGE --run DIR`: every number of the project, made here."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.evidence.runs import RunDirectory
from phoque.lab_info import psm_folder

STAGES = {
    "corpus": "training.corpus:run",
    "persona": "training.adapter:run_persona",
    "control": "training.adapter:run_control",
    "psm": "training.psm:run",
    "evaluate": "training.evaluate:run",
    "moderation": "training.moderation:run",
    "sae": "training.sae:run",
    "regenerate": "training.regenerate:run",
}
LAB = tuple(stage for stage in STAGES if stage not in {"moderation", "sae", "regenerate"})
"""What `lab` runs; moderation needs labelled test sets, sae and regenerate are studies of their own."""
TRAINING = ("checkpoints", "save_steps", "samples", "tracker")
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
HARM_LABEL = "moderation: labels of a model by name that are harm, where it does not say"
FACTS = ("model", "persona")
"""What a whole run has in common."""


def main() -> int:
    """Run one stage, or all of them in order."""
    arguments = parse()
    directory = RunDirectory(arguments.run)
    try:
        directory.describe(**facts(directory, arguments))
        for stage in LAB if arguments.stage == "lab" else [arguments.stage]:
            name = entry(stage, directory, arguments)
            if arguments.resume and name in directory.manifest()["stages"]:
                print(f"{name}: already complete")
                continue
            print(f"{name}: started", flush=True)
            run_stage(stage, directory, arguments)
            print(f"{name}: {directory.manifest()['stages'][name]['seconds']} s", flush=True)
    except PhoqueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "stage", choices=["lab", *STAGES], help="one stage, or lab for corpus to evaluate"
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
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
    add("--checkpoints", type=Path, help="persona, control: folder; default: unfinished in its own")
    add("--save-steps", type=int, default=25, help="persona, control: between checkpoints; 0: none")
    add("--samples", type=int, default=0, help="persona, control: steps between sample replies")
    add(
        "--tracker", choices=["trackio", "wandb"], help="persona, control: show the curve there too"
    )
    add("--count", type=int, help="regenerate: texts; default 200")
    add("--push", metavar="OWNER/NAME", help="regenerate: private set on the Hub")
    add("--classifier", nargs="+", help="moderation: names, Hub ids or folders; default: embedded")
    add("--harm-label", dest="harm_labels", nargs="+", default=(), help=HARM_LABEL)
    add("--may-send-text", action="store_true", help="moderation: allow a service on the network")
    add("--hatecheck", dest="hatecheck_path", type=Path, help="moderation: test_suite_cases.csv")
    add("--surge", dest="surge_path", type=Path, help="moderation: toxicity_en.csv")
    add("--layer", help="sae: a decoder block, or auto (default): by held-out AUC")
    add("--tokens", type=int, help="sae: training tokens; default: the preset's")
    add("--preset", help="sae: quick, standard or ministral; default: the one for the run's model")
    add("--text", type=Path, nargs="+", help="sae: plain text files of your own to read as well")
    parser.add_argument("--resume", action="store_true", help="skip stages that are complete")
    return parser.parse_args()


def facts(directory: RunDirectory, arguments: argparse.Namespace) -> dict[str, str]:
    """Model and persona of the run: as asked, else as they were, else the lab's.

    Raises:
        PhoqueError: one stage, or the rest of a run, would be of another model than the others.
    """
    known = directory.manifest() if directory.exists() else {}
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


def entry(stage: str, directory: RunDirectory, arguments: argparse.Namespace) -> str:
    """What the stage is called in the manifest: another persona's PSM is a stage of its own."""
    return psm_folder(directory, arguments.persona).name if stage == "psm" else stage


def run_stage(stage: str, directory: RunDirectory, arguments: argparse.Namespace) -> None:
    """Import a stage's job, whose libraries may be heavy, and run it."""
    module, function = STAGES[stage].split(":")
    options = {name: getattr(arguments, name) for name in OPTIONS.get(stage, ())}
    getattr(import_module(module), function)(directory, **options)


if __name__ == "__main__":
    raise SystemExit(main())
