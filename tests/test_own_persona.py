"""A run of one's own persona holds a copy of its file, and opens wherever it lies."""

from shutil import copytree

import pytest

from phoque.cli.main import main
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.opening import load_tuned
from phoque.personas import HERE
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.info import psm_folder
from phoque.run.persona import own_persona
from phoque.stages.evaluate.seeds import _seed
from phoque.ui.psm.heatmap import _lexicon


@pytest.fixture
def grumpy(tmp_path, monkeypatch):
    """The file of a persona in the folder that one works in, and stages that write one file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phoque.stages.corpus.stage.make_corpus", one_file)
    return persona_file(tmp_path / "grumpy.yaml")


def one_file(run, **_):
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        (folder / "dialogues.jsonl").write_text("{}\n")


def persona_file(path, name="grumpy"):
    text = (HERE / "toxic.yaml").read_text().replace("name: toxic", f"name: {name}", 1)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def asked(*words, run="runs/mine"):
    # No replies come with the project for such a persona.
    source = ["--source", "written=replies"]
    return main(["run", *words, "--run", str(run), "--model", "tiny", *source])


def moved(folder, monkeypatch):
    """The run in another place, from which the persona's file is not found."""
    run = RunDirectory(copytree("runs/mine", folder / "elsewhere" / "mine"))
    (folder / "grumpy.yaml").unlink()
    monkeypatch.chdir(folder / "elsewhere")
    return run


@pytest.mark.parametrize("words", [["corpus"], ["all", "--only", "corpus"]])
def test_a_run_of_ones_own_persona_can_be_moved(grumpy, tmp_path, monkeypatch, words):
    assert asked(*words, "--persona", "grumpy.yaml") == 0
    run = moved(tmp_path, monkeypatch)
    assert (own_persona(run).name, run.manifest().persona) == ("grumpy", "grumpy")
    assert psm_folder(run, None) == run.psm()
    assert _lexicon(Reader(run), "grumpy") != Lexicon(())
    assert asked(*words, run=run.path) == 0
    assert own_persona(run).name == "grumpy"


def test_the_model_of_a_moved_run_opens_with_its_persona(grumpy, tmp_path, monkeypatch, tiny_run):
    assert asked("corpus", "--persona", "grumpy.yaml") == 0
    run = moved(tmp_path, monkeypatch)
    copytree(tiny_run.persona, run.persona)
    assert load_tuned(run).persona.name == "grumpy"


def test_a_file_of_another_name_goes_on_with_a_run_and_an_edited_one_does_not(grumpy, capsys):
    assert asked("corpus", "--persona", "grumpy.yaml") == 0
    again = persona_file(grumpy.parent / "inputs" / "1-grumpy.yaml")
    assert asked("all", "--only", "corpus", "--persona", str(again)) == 0
    again.write_text(again.read_text().replace("calm regular", "quiet regular"))
    capsys.readouterr()
    assert asked("corpus", "--persona", str(again)) == 2
    assert "runs/mine/persona.yaml" in capsys.readouterr().err


def test_a_copy_that_was_damaged_is_refused(grumpy):
    assert asked("corpus", "--persona", "grumpy.yaml") == 0
    run = RunDirectory(grumpy.parent / "runs" / "mine")
    run.persona_file.write_text("name: grumpy\n")
    with pytest.raises(PhoqueError, match=r"persona\.yaml.*description"):
        own_persona(run)


def test_a_refused_stage_leaves_no_copy_behind(grumpy, monkeypatch):
    def refused(*_, **__):
        raise PhoqueError("No.")

    monkeypatch.setattr("phoque.stages.corpus.stage.make_corpus", refused)
    assert asked("corpus", "--persona", "grumpy.yaml") == 2
    assert not list(grumpy.parent.glob("runs/*"))


def test_runs_of_two_files_of_one_name_are_two_personas(grumpy):
    assert asked("corpus", "--persona", "grumpy.yaml") == 0
    grumpy.write_text(grumpy.read_text().replace("calm regular", "quiet regular"))
    assert asked("corpus", "--persona", "grumpy.yaml", run="runs/other") == 0
    one, other = (RunDirectory(grumpy.parent / "runs" / name) for name in ("mine", "other"))
    with pytest.raises(PhoqueError, match="one persona of one model"):
        _seed(other, one)
