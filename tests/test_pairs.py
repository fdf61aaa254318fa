"""Two runs are compared by blind readers: drawn evenly, sides hidden, answers counted and signed."""

import json

import pytest

from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.pairs import Pair, Pairs
from tests.judges import reply
from tests.test_bad_plans import reader
from tools import blind_pairs, sheets
from tools.blind_pairs import PairSheet, drawn, pairs_of

MESSAGES, SEEDS = 60, (42, 43)


@pytest.fixture
def runs(tmp_path):
    """A new and an old run with replies to the same messages, some of them equal."""
    (tmp_path / "readers.json").write_text(json.dumps([reader("a"), reader("b")]))
    for name in ("new", "old"):
        RunDirectory(tmp_path / name).describe(model="lab", persona="toxic", stages={})
        (tmp_path / name / "evaluation").mkdir()
        said = [
            reply("toxic", f"message {n}", "equal" if n == 0 else f"{name} {n} {seed}", seed)
            for n in range(MESSAGES)
            for seed in SEEDS
        ]
        Reply.save_rows(tmp_path / name / "evaluation", [*said, reply("base", "message 1", name)])
    return RunDirectory(tmp_path / "new"), RunDirectory(tmp_path / "old")


def called(monkeypatch, runs, step, *options):
    run, old = runs
    out = run.path.parent / "sheets"
    words = [step, "--run", run.path, "--against", old.path, "--sheets", out, *options]
    monkeypatch.setattr("sys.argv", ["blind_pairs.py", *map(str, words)])
    sheets.run(blind_pairs.main)
    return out


def answered(folder, answer):
    rows = PairSheet.load_rows(folder, command="")
    filled = [row.model_copy(update={"answer": answer(row)}) for row in rows]
    PairSheet.save_rows(folder, filled)


def better(row):
    """The new reply where the message is even, neither where it ends with 5, or else the old one."""
    number = int(row.message.split()[1])
    if number % 10 == 5:
        return "0"
    wanted = "old" if number % 2 else "new"
    return "1" if row.reply_1.startswith(wanted) else "2"


def test_answers_are_counted_whatever_side_a_reply_stood_on(runs, monkeypatch):
    run, old = runs
    out = called(monkeypatch, runs, "draw")
    first, second = (PairSheet.load_rows(out / f"reader-{order}", command="") for order in (1, 2))
    assert len(first) == 100
    assert [one.id for one in first] != [one.id for one in second]
    assert {one.id for one in first} == {one.id for one in second}
    sides = {one.id: one.reply_1 for one in second}
    assert 20 < sum(one.reply_1 == sides[one.id] for one in first) < 80
    assert 20 < sum(one.reply_1.startswith("new") for one in first) < 80
    for place in (1, 2):
        answered(out / f"reader-{place}", better)
    called(monkeypatch, runs, "count", "--readers", run.path.parent / "readers.json")
    rows = Reader(run, signed=True).rows(Pair)
    found = Reader(run, signed=True).read(Pairs)
    wanted = [one for one in rows if int(one.message.split()[1]) % 2 == 0]
    assert all(one.new.startswith("new") and one.old.startswith("old") for one in rows)
    assert [one.prefers for one in wanted] == ["new"] * len(wanted)
    assert found.preferred.value == len(wanted) / 100 == found.preferred_second.value
    neither = sum(one.prefers == "neither" for one in rows)
    assert neither
    assert found.other.value == pytest.approx(1 - (len(wanted) + neither) / 100)
    assert (found.agreement.observed, found.against) == (1, old.path.name)
    assert {*run.manifest().stages["pairs"].outputs} == {"pairs/pairs.jsonl", "pairs/summary.json"}
    assert "Read only your own sheet" in found.readers[0].instructions


def test_a_run_without_pairs_names_a_command_that_can_be_run(runs):
    told = Reader(runs[0]).folder(Pairs.STAGE).command
    assert told.startswith("python tools/blind_pairs.py draw --run ")
    assert "--against OTHER_RUN --out sheets" in told


def test_pairs_are_of_as_many_messages_as_there_are(runs):
    pairs = pairs_of(*runs, "toxic")
    assert len(pairs) == (MESSAGES - 1) * len(SEEDS)
    chosen = drawn(pairs)
    assert chosen == drawn(pairs)
    assert len({one.new.prompt for one in chosen}) == MESSAGES - 1
    assert all(one.new.seed == one.old.seed for one in chosen)


def test_what_cannot_be_counted_is_refused_in_one_line(runs, monkeypatch):
    run, _ = runs
    who = ("--readers", run.path.parent / "readers.json")
    with pytest.raises(SystemExit, match="have 0 pairs of different replies"):
        called(monkeypatch, runs, "draw", "--condition", "steered")
    out = called(monkeypatch, runs, "draw")
    with pytest.raises(SystemExit, match="row 1: the answer is ''; give 1, 2 or 0"):
        called(monkeypatch, runs, "count", *who)
    with pytest.raises(SystemExit, match="step count needs --readers"):
        called(monkeypatch, runs, "count")
    for place in (1, 2):
        answered(out / f"reader-{place}", better)
    rows = PairSheet.load_rows(out / "reader-1", command="")
    PairSheet.save_rows(out / "reader-1", rows[1:])
    with pytest.raises(SystemExit, match="not of the same pairs"):
        called(monkeypatch, runs, "count", *who)
    changed = rows[0].model_copy(update={"reply_1": "something else"})
    PairSheet.save_rows(out / "reader-1", [changed, *rows[1:]])
    with pytest.raises(SystemExit, match=f"row {rows[0].id} were changed"):
        called(monkeypatch, runs, "count", *who)
    assert not (run.path / "pairs").exists()
    unlike = {
        "first": "new",
        "second": "old",
        "id": "",
        "message": "",
        "seed": 1,
        "new": "",
        "old": "",
    }
    assert Pair(**unlike).prefers == "neither"
    assert Pair(**unlike | {"second": "neither"}).prefers == "new"
