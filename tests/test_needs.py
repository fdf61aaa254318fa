"""A stage that lacks what others make says so in one line, and leaves nothing behind."""

import shlex

import pytest

from phoque.cli.main import main
from phoque.cli.run import STAGES
from phoque.errors import PhoqueError
from phoque.opening import open_lab
from phoque.pipeline.choice import ORDER
from phoque.run.directory import RunDirectory
from phoque.run.needs import NEEDS, PARTS, lacking
from tests.corpus_files import dialogues, save_corpus

MADE = ("corpus", "persona", "control", "psm")
CASES = [
    (stage, PARTS[part].stage)
    for stage, parts in NEEDS.items()
    for part in parts
    if stage != "export"
]


@pytest.fixture
def command(capsys):
    def run(*arguments):
        alone = arguments[0] in {"export", "report"}
        status = main([*([] if alone else ["run"]), *map(str, arguments)])
        return status, capsys.readouterr().err

    return run


def made(path, *parts):
    """A run that has parts, as far as a look at its files can tell."""
    run = RunDirectory(path)
    run.describe(model="tiny", persona="toxic")
    for part in parts:
        (run.path / part).mkdir(exist_ok=True)
        for file in PARTS[part].files:
            (run.path / part / file).write_text("{}")
    return run


def contents(path):
    return {str(file): file.is_file() and file.read_bytes() for file in path.rglob("*")}


def assert_refused(found, *expected):
    status, said = found
    assert status == 2
    assert said.count("\n") == 1
    assert said.startswith("Error: ")
    assert "Traceback" not in said
    for words in expected:
        assert words in said


def test_every_stage_says_what_it_needs():
    assert set(NEEDS) == {*STAGES, "export"} - {"corpus", "report"}
    assert set(ORDER) - set(NEEDS) == {"corpus", "report"}


@pytest.mark.parametrize(("stage", "missing"), CASES)
def test_a_stage_names_the_command_that_makes_what_is_missing(tmp_path, command, stage, missing):
    run = made(tmp_path / "a run", *(part for part in MADE if part != missing))
    before = contents(tmp_path)
    wanted = f"Make it with: phoque run {missing} --run {shlex.quote(str(run.path))}\n"
    assert_refused(command(stage, "--run", run.path), wanted)
    if stage in ORDER:
        assert_refused(command("all", "--only", stage, "--run", run.path), wanted)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("stage", [stage for stage in NEEDS if stage != "export"])
def test_a_stage_on_nothing_leaves_nothing_behind(tmp_path, command, stage):
    run = tmp_path / "runs" / "new"
    first = f"phoque run corpus --run {run} && "
    needed = {PARTS[part].stage for part in NEEDS[stage]}
    later = [part for part in MADE if part in needed][1:]
    rest = [f" && phoque run {part} --run {run}" for part in later]
    assert_refused(command(stage, "--run", run), first if later else first[:-4], *rest)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "test_suite_cases.csv"),
        (("--hatecheck", __file__, "--surge", "no.csv"), "no.csv"),
    ],
)
def test_a_labelled_set_that_is_missing_is_told_before_hours_of_work(
    tmp_path, command, monkeypatch, words, named
):
    monkeypatch.setattr("phoque.moderators.labelled.HATECHECK", tmp_path / "test_suite_cases.csv")
    found = command("all", "--model", "tiny", "--run", tmp_path / "run", *words)
    assert_refused(
        found, f"no {named} here, which the stage moderation reads", "leave the stage out"
    )
    assert not list(tmp_path.iterdir())


def test_each_file_of_a_part_is_looked_for(tmp_path, command):
    run = made(tmp_path / "run", *MADE)
    for part in MADE:
        for file in PARTS[part].files:
            content = (run.path / part / file).read_bytes()
            (run.path / part / file).unlink()
            assert_refused(
                command("evaluate", "--run", run.path),
                f"in {run.path / part} ({file} is missing). Make it with: ",
            )
            (run.path / part / file).write_bytes(content)


def test_another_persona_needs_no_adapters_but_a_corpus(tmp_path, command):
    run = made(tmp_path / "run")
    found = command("psm", "--run", run.path, "--persona", "melancholy")
    assert_refused(found, f"No corpus in {run.corpus}", f"phoque run corpus --run {run.path}\n")
    found = command("psm", "--run", tmp_path / "new", "--persona", "melancholy")
    assert_refused(found, f"phoque run corpus --run {tmp_path / 'new'}\n")
    assert_refused(command("psm", "--run", tmp_path / "new", "--persona", "nobody"), "no persona")
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["corpus", "--persona", "nobody"],
        ["corpus", "--source", "dota=absent.csv"],
        ["corpus", "--source", "nothing=a.csv"],
        ["corpus", "--slang", "absent.yaml"],
        ["corpus", "--model", "./no-such-model"],
        ["report"],
        ["export", "--out", "elsewhere"],
    ],
)
def test_a_refused_stage_leaves_no_run_behind(tmp_path, command, wrong, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [] if "--model" in wrong or wrong[0] in {"report", "export"} else ["--model", "tiny"]
    assert_refused(command(*wrong, *options, "--run", tmp_path / "new"))
    assert not list(tmp_path.iterdir())


def test_what_the_pipeline_makes_itself_is_not_missing(tmp_path, command):
    assert lacking(["corpus", "persona", "control", "psm", "evaluate"]) == []
    assert lacking(["control", "psm", "evaluate"]) == ["corpus", "persona"]
    found = command("all", "--only", "persona", "psm", "--run", tmp_path / "new", "--model", "tiny")
    assert_refused(found, "No corpus in", "phoque run corpus", "&& phoque run control --run")
    assert "run persona" not in found[1]
    assert not list(tmp_path.iterdir())


def test_a_job_is_not_sent_without_what_it_needs(tmp_path, command):
    asked = ["all", "--target", "jobs", "--only", "psm", "--run", tmp_path / "new", "--yes"]
    assert_refused(command(*asked), "--only corpus persona control psm")


def test_the_texts_of_a_study_are_looked_for_before_it_begins(tmp_path, command):
    run = RunDirectory(tmp_path / "run")
    made(run.path, "persona", "control", "psm")
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(4))
    (tmp_path / "rows.jsonl").write_text("{}\n")
    before = contents(tmp_path)
    found = command("sae", "--run", run.path, "--text", tmp_path / "absent.txt")
    assert_refused(found, "There is no text file")
    found = command("sae", "--run", run.path, "--text", tmp_path / "rows.jsonl")
    assert_refused(found, "is no plain text but .jsonl")
    assert contents(tmp_path) == before


def test_a_run_without_parts_does_not_open(tmp_path):
    run = made(tmp_path / "run", "persona")
    with pytest.raises(PhoqueError, match=r"No persona vector in .*phoque run psm --run"):
        open_lab(run.path)


@pytest.mark.parametrize("content", ["no JSON", "", "[]", "{}", '{"stages": []}'])
def test_a_damaged_manifest_is_told_in_one_line(tmp_path, command, content):
    (tmp_path / "manifest.json").write_text(content)
    for stage in ("persona", "corpus", "report"):
        assert_refused(command(stage, "--run", tmp_path), f"{tmp_path.name}/manifest.json")
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("option", [["--from", "psm"], ["--only", "psm"], ["--dry-run"]])
@pytest.mark.parametrize("stage", ["corpus", "psm"])
def test_a_stage_refuses_the_options_of_all(tmp_path, command, stage, option):
    found = command(stage, "--run", tmp_path, *option)
    assert_refused(found, f"No such option '{option[0]}'", f"phoque run {stage} --help")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", [[], ["--dry-run"], ["--target", "jobs"]])
@pytest.mark.parametrize(
    ("persona", "said"),
    [("toxicc", "There is no persona"), ("melancholy", "No replies come with the project")],
)
def test_a_pipeline_refuses_a_persona_that_it_could_not_train(
    tmp_path, command, persona, said, target
):
    assert_refused(command("all", "--run", tmp_path / "new", "--persona", persona, *target), said)
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_trains_nothing_takes_a_persona_without_replies(tmp_path, command):
    asked = ("--run", tmp_path / "new", "--persona", "melancholy", "--dry-run", "--only", "psm")
    assert command("all", *asked) == (0, "")
