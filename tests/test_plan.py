"""What a Job would be: the plan, the parcel, the price, without a network."""

import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import click
import pytest

from phoque.cli.run.all import stages
from phoque.errors import PhoqueError
from phoque.pipeline.plan import at_most, make_plan, seconds_of
from phoque.pipeline.shipping import PATHS, pack
from tests.jobs_double import WISH


def test_the_plan_names_everything_and_no_value(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    text = make_plan(replace(WISH, model="ministral", kept="repo")).text()
    for word in (
        "mistralai/Ministral-3-3B-Instruct-2512-BF16", "corpus → persona", "a10g-large",
        "3 attempts", "YOU/phoque-mine", "HF_TOKEN", "/code", "at most $18.00", "prices change",
        "read 2026-11-23", "--seeds 1 2",
    ):  # fmt: skip
        assert word in text
    assert "hf_of_a_test" not in text


@pytest.mark.parametrize(
    ("changes", "file"),
    [
        ({}, "requirements-train.txt"),
        ({"options": ("--quantize", "4bit")}, "requirements-gpu.txt"),
        ({"options": ("--quantize=4bit",)}, "requirements-gpu.txt"),
        ({"model": "ministral"}, "requirements-gpu.txt"),  # 8-bit paged AdamW
        ({"model": "org/name"}, "requirements-train.txt"),
    ],
)
def test_a_job_installs_bitsandbytes_where_it_is_needed(changes, file):
    plan = make_plan(replace(WISH, **changes))
    script = plan.request.command[-1]
    assert re.findall(r"-r (\S+)", script) == [file]
    brings = "\nbitsandbytes" in plan.parcel.files[file].read_text()
    assert brings == (file == "requirements-gpu.txt")
    assert ("--quantize" in script) == ("--quantize" in str(changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"flavor": "tpu"}, "No price is known.*a10g-large"),
        ({"timeout": "soon"}, "90m, 4h"),
        ({"timeout": "10s"}, "a minute or more"),
        ({"attempts": 0}, "1 to 20"),
        ({"run": "../x"}, "letters, digits"),
        ({"secrets": ("HF_TOKEN=hf_of_a_test",)}, "never a value"),
        ({"stages": ()}, "no stage"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(changes, says):
    with pytest.raises(PhoqueError, match=says) as refused:
        make_plan(replace(WISH, **changes))
    assert "hf_of_a_test" not in str(refused.value)


def test_limits_and_prices():
    assert [seconds_of(text) for text in ("90m", "4h", "1.5d", "600")] == [5400, 14400, 129600, 600]
    assert "$3.00: 2 x 1 h 00 min x $1.50" in at_most("a10g-large", 3600, 2)


def test_only_what_an_option_calls_a_path_is_sent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("toxic", "quick", "1", "written", "trackio", "embedded.mean", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("a")
    names = [
        "--persona", "toxic", "--preset", "quick", "--layer", "1", "--source", "written",
        "--tracker", "trackio", "--classifier", "embedded.mean",
    ]  # fmt: skip
    parcel, options = pack([*names, "own", "--source", "written=own"])
    assert options == (*names, "inputs/12-own", "--source", "written=inputs/14-own")
    assert {Path(file).name for file in parcel.inputs} == {"a.txt"}
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    assert pack(["--persona", "mine.yaml"])[1] == ("--persona", "inputs/1-mine.yaml")


def test_every_option_of_a_stage_that_is_a_path_is_sent():
    options = {
        option.opts[0]
        for stage in stages().values()
        for option in stage.own
        if isinstance(option.type, click.Path)
    }
    assert options == set(PATHS)


def test_the_parcel_runs_by_itself_and_has_what_options_name(tmp_path):
    labelled = tmp_path / "mine.csv"
    labelled.write_text("text,label\n")
    parcel, options = pack(["--surge", str(labelled), "--source", f"jigsaw={labelled}", "--x", "1"])
    assert options == ("--surge", "inputs/1-mine.csv", "--source", "jigsaw=inputs/3-mine.csv", "--x", "1")  # fmt: skip
    assert parcel.content() == parcel.content()
    with tarfile.open(fileobj=BytesIO(parcel.content())) as archive:
        archive.extractall(tmp_path / "there", filter="data")
    there = tmp_path / "there"
    assert (there / options[1]).read_text() == "text,label\n"
    assert {"training/multi_gpu.yaml", "training/fsdp.yaml"} <= set(parcel.files)
    assert not [name for name in parcel.files if "__pycache__" in name or "/." in name]
    code = "import phoque, training.__main__, phoque.cli.run.all, phoque.stages.corpus.stage; print(phoque.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=there, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(there / "phoque" / "__init__.py"), done.stderr
