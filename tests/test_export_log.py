"""Who took which texts and why is written down, without the texts, by one process or by several."""

import json
import subprocess
import sys

import pytest
from filelock import FileLock

from phoque.errors import PhoqueError
from phoque.stages.moderation import labels as exports
from phoque.stages.moderation.labels import log_export
from phoque.text import text_sha256

REASON = "second rater asked to see it"
WRITER = """
import sys
from phoque.stages.moderation.labels import log_export
for number in range(20):
    log_export(["x"], who=sys.argv[1], run="lab", reason="two writers at once")
"""


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "exports.jsonl"
    monkeypatch.setenv("PHOQUE_LEDGER", str(path))
    return path


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_who_what_and_why_and_holds_no_text(log):
    log_export(["a useless text", "another"], who=" ann ", run="lab", reason=REASON)
    log_export(["a third"], who="bob", run="lab", reason=REASON)
    first, second = entries(log)
    assert (first["who"], first["run"], first["reason"], first["count"]) == (
        "ann",
        "lab",
        REASON,
        2,
    )
    assert first["texts"] == [text_sha256("a useless text"), text_sha256("another")]
    assert first["time"].endswith("+00:00")
    assert second["who"] == "bob"
    assert "useless" not in log.read_text()


def test_two_writers_lose_no_line(log):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, who]) for who in "ab"]
    assert [one.wait(60) for one in writers] == [0, 0]
    assert sorted(one["who"] for one in entries(log)) == ["a"] * 20 + ["b"] * 20


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"reason": ""}, "Say why"), ({"reason": "  why not  "}, "too short"), ({"who": " "}, "name")],
)
def test_a_line_needs_who_and_why(log, facts, said):
    with pytest.raises(PhoqueError, match=said):
        log_export(["x"], **{"who": "ann", "run": "lab", "reason": REASON} | facts)
    assert not log.exists()


def test_a_log_that_cannot_be_written_says_so(log, monkeypatch):
    log.parent.parent.mkdir(exist_ok=True)
    log.parent.write_text("a file, no folder")
    with pytest.raises(PhoqueError, match="Choose another with PHOQUE_LEDGER"):
        log_export(["x"], who="ann", run="lab", reason=REASON)
    log.parent.unlink()
    log.parent.mkdir()
    monkeypatch.setattr(exports, "WAIT_SECONDS", 0.1)
    with FileLock(f"{log}.lock"), pytest.raises(PhoqueError, match="Another process holds"):
        log_export(["x"], who="ann", run="lab", reason=REASON)
