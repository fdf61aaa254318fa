"""Copies of the shipped run that a test may break: small files only, manifest kept true."""

import json
import shutil
from pathlib import Path

from phoque.config import SHIPPED_RUN
from phoque.files import file_sha256, read_json
from phoque.run.directory import MANIFEST, RunDirectory
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
    manifest = read_json(run.path / MANIFEST)
    del manifest["stages"][stage]
    (run.path / MANIFEST).write_text(json.dumps(manifest))


def saved(run: RunDirectory, record: Record) -> None:
    """As if the stage had written another record."""
    record.save(run.path / record.STAGE)
    _entered(run, f"{record.STAGE}/{record.FILE}")


def rewritten(run: RunDirectory, file: str, text: str) -> None:
    """As if the stage had written another text."""
    (run.path / file).write_text(text, encoding="utf-8")
    _entered(run, file)


def _entered(run: RunDirectory, file: str) -> None:
    manifest, folder = read_json(run.path / MANIFEST), file.split("/")[0]
    outputs = manifest["stages"][STAGE_OF.get(folder, folder)]["outputs"]
    outputs[file] = file_sha256(run.path / file)
    (run.path / MANIFEST).write_text(json.dumps(manifest))
