"""What a person asked of the whole pipeline, as the run keeps it."""

from click.testing import CliRunner

from phoque.cli.run.all import everything
from phoque.pipeline import running
from phoque.run.directory import RunDirectory


def test_what_was_asked_is_kept_with_its_seeds_and_without_folders(monkeypatch, tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    asked = []
    monkeypatch.setattr(
        running, "run_pipeline", lambda run, choice, do, **more: asked.append(choice)
    )
    cases = tmp_path / "cases.csv"
    cases.write_text("")
    words = ["--run", str(run.path), "--seed", "43", "--seeds", "7", "--hatecheck", str(cases)]
    assert CliRunner().invoke(everything, words).exit_code == 0
    (choice,) = asked
    assert {name: choice.seeds[name] for name in ("persona", "control", "psm")} == {
        "persona": (43,),
        "control": (43,),
        "psm": (7,),
    }
    assert choice.options[-2:] == ("--hatecheck", "cases.csv")
    assert str(tmp_path) not in " ".join(choice.options)
