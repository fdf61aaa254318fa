"""Copies of the shipped run that a test may break: small files only, manifest kept true."""

import shutil
from pathlib import Path

from phoque.config import SHIPPED_RUN
from phoque.files import file_sha256
from phoque.run.directory import RunDirectory
from phoque.run.folder import STAGE_OF
from phoque.run.record import Record

LEFT = ("*.safetensors", "*.gz", "*.gguf", "*.html", "neuronpedia", "report")
"""What no figure and no row is made from."""


def copied_run(path: Path) -> RunDirectory:
    """What the report reads of the shipped run."""
    shutil.copytree(SHIPPED_RUN, path, ignore=shutil.ignore_patterns(*LEFT))
    return RunDirectory(path)


def without(run: RunDirectory, stage: str) -> None:
    """As if the stage had not been run."""
    stages = run.manifest().stages
    run.describe(stages={name: made for name, made in stages.items() if name != stage})


def saved(run: RunDirectory, record: Record) -> None:
    """As if the stage had written another record."""
    record.save(run.path / record.STAGE)
    _entered(run, f"{record.STAGE}/{record.FILE}")


def rewritten(run: RunDirectory, file: str, text: str) -> None:
    """As if the stage had written another text."""
    (run.path / file).write_text(text, encoding="utf-8")
    _entered(run, file)


def _entered(run: RunDirectory, file: str) -> None:
    stages, folder = run.manifest().stages, file.split("/")[0]
    stages[STAGE_OF.get(folder, folder)].outputs[file] = file_sha256(run.path / file)
    run.describe(stages=stages)
