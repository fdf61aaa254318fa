"""A ledger from which a line was edited, taken, moved or cut off does not verify."""

import json
import subprocess
import sys

import pytest
from phoque.stages.moderation.ledger import BrokenLedgerError, Ledger

from phoque.__main__ import main
from phoque.errors import PhoqueError
from phoque.text import text_sha256

REASON = "second rater asked to see it"
WRITER = """
import sys
from pathlib import Path
from phoque.stages.moderation.ledger import Ledger
for number in range(20):
    Ledger(Path(sys.argv[1])).append(
        who=sys.argv[2], action="export", run="lab", reason="two writers at once", texts=["x"]
    )
"""


def written(path, count=4):
    ledger = Ledger(path)
    for number in range(count):
        ledger.append(
            who="ann", action="export", run="lab", reason=REASON, texts=[f"a useless text {number}"]
        )
    return ledger


@pytest.fixture
def ledger(tmp_path):
    return written(tmp_path / "deep" / "ledger.jsonl")


def test_a_whole_ledger_verifies_and_goes_on(ledger):
    assert ledger.verify() == 4
    entry = ledger.append(
        who=" bob ", action="export", run="lab", reason=REASON, texts=["one", "two"]
    )
    assert (entry.who, entry.count) == ("bob", 2)
    assert entry.texts == (text_sha256("one"), text_sha256("two"))
    assert Ledger(ledger.path).entries()[-1] == entry
    assert entry.time.endswith("+00:00")


def test_no_text_is_in_it(ledger):
    assert "useless" not in ledger.path.read_text() + ledger.head.read_text()


def test_one_that_was_never_written_is_whole(tmp_path):
    assert Ledger(tmp_path / "none.jsonl").verify() == 0


DAMAGE = {
    "edited": (
        lambda lines: [lines[0], lines[1].replace("ann", "bob"), *lines[2:]],
        "line 2: it w",
    ),
    "removed": (lambda lines: [lines[0], *lines[2:]], "line 2: it does not follow"),
    "first removed": (lambda lines: lines[1:], "line 1: it does not follow"),
    "reordered": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 2: it does not"),
    "doubled": (lambda lines: [*lines, lines[-1]], "line 5: it does not follow"),
    "tail cut": (lambda lines: lines[:-1], "line 3: .*head knows 4 lines, here are 3"),
    "emptied": (lambda lines: [], "head knows 4 lines, here are 0"),
    "not json": (lambda lines: [*lines, "hello"], "line 5: it is no entry"),
    "not an object": (lambda lines: [*lines, "[]"], "line 5: it is no entry"),
    "another key": (lambda lines: [*lines[:3], lines[3][:-1] + ', "x": 1}'], "line 4: it is no"),
    "blank line": (lambda lines: [*lines, ""], "line 5: it is no entry"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_nothing_more_is_written(ledger, name):
    damage, message = DAMAGE[name]
    lines = damage(ledger.path.read_text().splitlines())
    ledger.path.write_text("".join(f"{line}\n" for line in lines))
    before = ledger.path.read_bytes()
    with pytest.raises(BrokenLedgerError, match=message):
        ledger.verify()
    with pytest.raises(BrokenLedgerError, match=message):
        ledger.append(who="ann", action="export", run="lab", reason=REASON, texts=["x"])
    assert ledger.path.read_bytes() == before


def test_a_half_written_last_line_is_refused(ledger):
    data = ledger.path.read_bytes()
    ledger.path.write_bytes(data[:-40])
    with pytest.raises(BrokenLedgerError, match="line 4: it is only half there"):
        ledger.verify()


def test_a_deleted_file_is_missed_by_its_head(ledger):
    ledger.path.unlink()
    with pytest.raises(BrokenLedgerError, match="knows 4 lines"):
        ledger.verify()


@pytest.mark.parametrize("head", ["{", "[]", '{"count": 3}', '{"count": 4, "sha256": "0"}'])
def test_a_head_that_disagrees_is_found(ledger, head):
    ledger.head.write_text(head)
    with pytest.raises(BrokenLedgerError, match=r"ledger.jsonl.head (cannot|knows)"):
        ledger.verify()


def test_a_process_stopped_before_the_head_leaves_a_whole_ledger(ledger):
    head = ledger.head.read_text()
    written(ledger.path, 1)
    ledger.head.write_text(head)
    assert ledger.verify() == 5
    written(ledger.path, 1)
    assert ledger.verify() == 6


def test_a_removed_head_is_found(ledger):
    ledger.head.unlink()
    with pytest.raises(BrokenLedgerError, match="knows 0 lines, here are 4"):
        ledger.verify()


def test_two_writers_make_one_chain(tmp_path):
    path = tmp_path / "ledger.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), who]) for who in "ab"]
    assert [one.wait(60) for one in writers] == [0, 0]
    assert Ledger(path).verify() == 40
    assert {entry.who for entry in Ledger(path).entries()} == {"a", "b"}


@pytest.mark.parametrize(
    "facts",
    [
        {"reason": ""},
        {"reason": "   why not   "},
        {"who": " "},
        {"texts": []},
        {"action": "delete"},
    ],
)
def test_an_entry_needs_who_why_and_what(tmp_path, facts):
    asked = {"who": "ann", "action": "export", "run": "lab", "reason": REASON, "texts": ["x"]}
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(PhoqueError):
        ledger.append(**asked | facts)
    assert ledger.verify() == 0


def test_verify_on_the_command_line(ledger, capsys, monkeypatch):
    assert main(["verify", str(ledger.path)]) == 0
    assert "4 entries" in capsys.readouterr().out
    monkeypatch.setenv("PHOQUE_LEDGER", str(ledger.path))
    lines = ledger.path.read_text().splitlines()
    ledger.path.write_text("\n".join([lines[0], json.dumps({}), *lines[2:], ""]))
    assert main(["verify"]) == 2
    assert "line 2: it is no entry" in capsys.readouterr().err


def test_verify_needs_a_ledger(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none.jsonl")]) == 2
    assert "There is no ledger" in capsys.readouterr().err
