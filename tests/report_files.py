"""Copies of the shipped run that a test may break: small files only, manifest kept true."""

import json
import shutil
from pathlib import Path

from phoque.files import file_sha256
from phoque.run.directory import RunDirectory

SHIPPED = Path(__file__).parent.parent / "assets" / "runs" / "lab"
USED = (
    "corpus/composition.json",
    "persona/metrics.jsonl",
    "control/metrics.jsonl",
    "psm/activation_by_layer.json",
    "psm/selection.json",
    "psm/conditions.json",
    "psm/summary.json",
    "psm/dose_response.json",
    "psm/generation_results.csv",
    "evaluation/summary.json",
    "moderation/moderation_report.json",
    "sae/sae_comparison_report.json",
    "sae/prompts.csv",
    "manifest.json",
)


def copied_run(path: Path) -> RunDirectory:
    """What the report reads of the shipped run."""
    for file in USED:
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / file, path / file)
    return RunDirectory(path)


def without(run: RunDirectory, stage: str) -> None:
    """As if the stage had not been run."""
    stages = run.manifest().stages
    run.describe(stages={name: made for name, made in stages.items() if name != stage})


def rewritten(run: RunDirectory, file: str, text: str) -> None:
    """As if the stage had written another text."""
    (run.path / file).write_text(text, encoding="utf-8")
    stages = run.manifest().stages
    stage = {"evaluation": "evaluate"}.get(file.split("/")[0], file.split("/")[0])
    stages[stage].outputs[file] = file_sha256(run.path / file)
    run.describe(stages=stages)


def edited(run: RunDirectory, file: str, change) -> None:
    """As if the stage had written other numbers."""
    data = json.loads((run.path / file).read_text())
    change(data)
    rewritten(run, file, json.dumps(data))
