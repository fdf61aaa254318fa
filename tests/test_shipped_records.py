"""Every file of both shipped runs is read by its record; a file of another version is refused."""

import gzip
import hashlib
import importlib
import json
import pkgutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import phoque.run
from phoque.config import SHIPPED_RUNS
from phoque.errors import PhoqueError
from phoque.run.adapter import Norms, Sample
from phoque.run.claims import Claims
from phoque.run.manifest import ROOT
from phoque.run.record import VERSION_KEY, Filed, Record

RUNS = ("lab", "pluribus")
MOST_MB = 60
TABLES = (".json", ".jsonl", ".csv", ".gz")
# Read by other libraries, drawn for other programs, or written by people.
OTHERS = {"adapter_config.json", "cfg.json", "bad_plans.jsonl"}


def kinds(of: type[Filed] = Filed) -> Iterator[type[Filed]]:
    for kind in of.__subclasses__():
        if kind.__module__.startswith("phoque.run.") and "FILE" in vars(kind):
            yield kind
        yield from kinds(kind)


for module in pkgutil.iter_modules(phoque.run.__path__):
    importlib.import_module(f"phoque.run.{module.name}")
BY_FILE = {(getattr(kind, "STAGE", "") or ROOT, kind.FILE): kind for kind in kinds()}
BY_FILE |= {("control", kind.FILE): kind for kind in (Norms, Sample)}
FILES = sorted(
    file
    for run in RUNS
    for file in (SHIPPED_RUNS / run).rglob("*")
    if file.suffix in TABLES and file.name not in OTHERS and file.parent.name != "figures"
)
RECORDS = [file for file in FILES if file.suffix == ".json" and file.name != Claims.FILE]


def named(file):
    return str(file.relative_to(SHIPPED_RUNS))


def kind_of(file):
    """Its record; parts of a corpus have the files of the whole."""
    stage, *_ = *file.relative_to(SHIPPED_RUNS).parts[1:-1], ROOT
    return BY_FILE[stage, file.name]


ROWS = [file for file in FILES if not issubclass(kind_of(file), Record)]


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_shipped_file_is_read(file):
    kind = kind_of(file)
    assert (kind.load if issubclass(kind, Record) else kind.load_rows)(file.parent, command="")


@pytest.mark.parametrize("file", RECORDS, ids=named)
def test_a_file_of_another_version_is_refused_in_one_line(file, tmp_path):
    kind = kind_of(file)
    whole = json.loads(file.read_text(encoding="utf-8"))
    for told, seen in (
        ({}, "no version"),
        ({VERSION_KEY: 0}, "version 0"),
        ({VERSION_KEY: 99}, "version 99"),
    ):
        rest = {key: value for key, value in whole.items() if key != VERSION_KEY}
        (tmp_path / kind.FILE).write_text(json.dumps(told | rest), encoding="utf-8")
        with pytest.raises(PhoqueError) as refused:
            kind.load(tmp_path, command="make it")
        assert str(refused.value) == (
            f"{tmp_path.name}/{kind.FILE} cannot be read: it has {seen}, and only {kind.VERSION} is known here. "
            "Make it again with: make it"
        )


@pytest.mark.slow
def test_the_shipped_runs_take_at_most_60_mb_in_the_repository():
    files = sorted(file for file in SHIPPED_RUNS.rglob("*") if file.is_file())
    # Git keeps equal files once, each compressed by zlib.
    sizes = {
        hashlib.sha256(content).digest(): len(zlib.compress(content))
        for content in map(Path.read_bytes, files)
    }
    largest = max(files, key=lambda file: file.stat().st_size).relative_to(SHIPPED_RUNS)
    total = sum(sizes.values()) / 1e6
    assert total <= MOST_MB, f"{total:.1f} MB; the largest file is {largest}"


@pytest.mark.parametrize("file", ROWS, ids=named)
def test_rows_with_a_column_that_is_not_known_are_refused_in_one_line(file, tmp_path):
    kind = kind_of(file)
    assert not hasattr(kind, "VERSION")
    first = kind.load_rows(file.parent, command="")[0]
    rows = [first.cells() | {"of_another_version": "1"}]
    text = kind._written(rows).encode()
    (tmp_path / kind.FILE).write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    with pytest.raises(PhoqueError) as refused:
        kind.load_rows(tmp_path, command="make it")
    said = str(refused.value)
    assert said.startswith(f"{tmp_path.name}/{kind.FILE}, row 1 cannot be read: ")
    assert "of_another_version" in said
    assert said.endswith("Make it again with: make it")
