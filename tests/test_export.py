"""`python -m training export`: what other programs get is what the lab runs."""

import json
import sys

import gguf
import pytest

from phoque.conversation import Condition, Message, Sampling
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.models.engine import Row, write
from phoque.models.load import load_model
from phoque.run.directory import RunDirectory
from phoque.stages.export import CONVERTER, LORA, RECORD, VECTOR, export_run
from training import __main__ as training

RECORDER = """#!{python}
import json, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--outfile") + 1])
base = pathlib.Path(sys.argv[sys.argv.index("--base") + 1])
assert (base / "config.json").is_file() and (base / "tokenizer.json").is_file()
assert (pathlib.Path(sys.argv[-1]) / "adapter_config.json").is_file()
out.write_bytes(b"GGUF")
"""
BROKEN = "#!{python}\nimport sys\nsys.exit('this adapter has no rank')\n"


@pytest.fixture
def converter(tmp_path, monkeypatch):
    """Puts a double of llama.cpp's converter on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def put(script):
        (tmp_path / "bin").mkdir()
        file = tmp_path / "bin" / CONVERTER
        file.write_text(script.format(python=sys.executable))
        file.chmod(0o755)

    return put


def test_the_exported_model_writes_what_the_lab_writes(
    tiny_run, lab, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out"
    command = ["training", "export", "--run", str(tiny_run.path), "--out", str(out)]
    before = (tiny_run.path / "manifest.json").read_bytes()
    monkeypatch.setattr(sys, "argv", command)
    assert training.main() == 0
    assert f"No {LORA}" in capsys.readouterr().out
    assert (tiny_run.path / "manifest.json").read_bytes() == before
    model = load_model(str(out), device="cpu", dtype=lab.model.model.dtype)
    record = json.loads((out / RECORD).read_text())
    assert model.digest() == record["merged_digest"] == lab.model.digest()
    prompt = lab.info.system_prompts[Condition.TOXIC]
    row = Row(messages=[Message("system", prompt), Message("user", "We lost again.")])
    expected = lab.compare("We lost again.", temperature=0, max_new_tokens=24).toxic.text
    assert write(model, [row], Sampling(max_new_tokens=24))[0].text == expected
    (vector,) = gguf.GGUFReader(out / VECTOR).tensors
    assert vector.name == f"direction.{lab.selection.layer}" == f"direction.{record['layer']}"
    assert not (out / LORA).exists()
    assert prompt in (out / "README.md").read_text()
    assert record["files"] == {
        str(file.relative_to(out)): file_sha256(file)
        for file in out.rglob("*")
        if file.is_file() and file.name != RECORD
    }
    assert training.main() == 2
    assert "exists already" in capsys.readouterr().err


def test_the_adapter_is_converted_where_llama_cpp_is(tiny_run, tmp_path, converter):
    converter(RECORDER)
    export_run(tiny_run, tmp_path / "out", lambda _: None)
    assert (tmp_path / "out" / LORA).read_bytes() == b"GGUF"
    assert LORA in json.loads((tmp_path / "out" / RECORD).read_text())["files"]


def test_a_converter_that_fails_leaves_nothing(tiny_run, tmp_path, converter):
    converter(BROKEN)
    with pytest.raises(PhoqueError, match="this adapter has no rank"):
        export_run(tiny_run, tmp_path / "out", lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_no_run_and_no_folder_say_what_to_do(tiny_run, tmp_path, monkeypatch, capsys):
    with pytest.raises(PhoqueError, match="is not a run"):
        export_run(RunDirectory(tmp_path / "none"), tmp_path / "out", lambda _: None)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(sys, "argv", ["training", "export", "--run", str(tiny_run.path)])
    assert training.main() == 2
    assert "--out" in capsys.readouterr().err
