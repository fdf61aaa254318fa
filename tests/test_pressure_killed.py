"""`phoque pressure` is killed while a service limits it and breaks answers; the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Event, Lock
from zlib import crc32

from phoque.cli.main import main
from phoque.files import json_lines
from phoque.moderators.disk import FILE
from phoque.run.pressure import PressureReport, Turn
from tests.endpoint_double import kept, say, served
from tests.pressure_files import TRAFFIC, prepared

ROOT = Path(__file__).parent.parent
SERVICE = """name: mine
url: {url}/plain
body: {{text: "${{text}}"}}
answer: {{score: score}}
requests_per_second: 1000
backoff: 0.001
"""
ASKS = "name: asks\nmoderators:\n  - endpoint: service.yaml\ncanonical: false\n"
WORDS = ("pressure", *TRAFFIC, "--policy", "asks.yaml", "--out")
COMMAND = "import sys; from phoque.cli.main import main; sys.exit(main(sys.argv[1:]))"
ENOUGH = 30
"""Answers after which the service keeps everybody waiting until the command is dead."""


class Moody:
    """Of some texts the first request is limited, of others its answer is broken; then it hangs once."""

    def __init__(self):
        self.tries, self.answered, self.killed, self.lock = Counter(), [], Event(), Lock()

    def __call__(self, number, body, handler):
        text = body["text"]
        with self.lock:
            self.tries[text] += 1
            first, hangs = self.tries[text] == 1, len(self.answered) >= ENOUGH
            mood = crc32(text.encode()) % 5 if first else 0
            if not (hangs and not self.killed.is_set()) and mood < 3:
                self.answered.append(text)
                return False
        if hangs and not self.killed.is_set():
            return self.killed.wait(60)  # whoever asked is dead by then
        if mood == 3:
            return say(handler, 429, {}, Retry_After="0")
        return say(handler, 200, b'{"score": 0.')


def run_until_killed(moody, folder, cache):
    """The command in a process of its own, killed when every answer that was given is kept."""
    env = {**os.environ, "PHOQUE_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen([sys.executable, "-c", COMMAND, *WORDS, "a"], cwd=folder, env=env)
    file = cache / "moderation" / FILE
    while running.poll() is None and not kept(file) == len(moody.answered) >= ENOUGH:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    moody.killed.set()
    return list(moody.answered)


def told(folder):
    """The report without what was asked, and the rows of its trace."""
    report = PressureReport.load(folder, command="x").model_dump()
    for policy in report["policies"]:
        policy.pop("calls")
    return report, list(json_lines(folder / Turn.FILE))


def test_a_killed_command_goes_on_and_ends_with_the_report_of_an_undisturbed_one(
    tmp_path, monkeypatch
):
    place = prepared(tmp_path, monkeypatch)
    with served() as double:
        (place / "service.yaml").write_text(SERVICE.format(url=double.url))
        (place / "asks.yaml").write_text(ASKS)
        double.fault = moody = Moody()
        answered = run_until_killed(moody, place, tmp_path / "cache")
        assert not (place / "a").exists()

        before = len(double.texts)
        monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "cache"))
        assert main([*WORDS, "a"]) == 0
        assert not {*answered} & {*double.texts[before:]}, "what was answered is not asked again"
        assert len(moody.answered) == len({*moody.answered}), "nor is anything answered twice"
        calls = PressureReport.load(place / "a", command="x").policies[0].calls["mine"]
        # A few may have been asked ahead for nothing.
        assert 0.5 * len(answered) < calls.from_cache <= len(answered)
        assert min(calls.too_many, calls.malformed) > 0

        monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "other"))
        double.fault = lambda number, body, handler: False
        assert main([*WORDS, "b"]) == 0
    assert told(place / "a") == told(place / "b")
