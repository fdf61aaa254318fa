"""Kill a training at random moments until it is done, and compare it with an undisturbed one.

The run needs a corpus; the reference is a run with the same corpus and a complete persona adapter.

Usage: python tools/prove_resume.py RUN REFERENCE [--kills 12] [--seed 42] [--save-steps 5]
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ADAPTER, METRICS = "persona/adapter_model.safetensors", "persona/metrics.jsonl"
ATTEMPTS = "persona/unfinished/attempts.json"
OF_THE_CLOCK = ("seconds", "tokens_per_second", "peak_memory_mb", "attempt")


def main() -> int:
    """Return 0 if adapter and curve are equal."""
    asked = parse()
    if not (asked.reference / ADAPTER).is_file():
        raise SystemExit(f"{asked.reference} has no {ADAPTER} to compare with.")
    disturb(asked)
    if status := subprocess.call(training(asked)):
        return status
    same = (asked.run / ADAPTER).read_bytes() == (asked.reference / ADAPTER).read_bytes()
    rows = curve(asked.run)
    equal = rows == curve(asked.reference)
    print(f"{asked.kills} kills; adapter equal to the byte: {same}; {len(rows)} rows of the curve")
    print(f"equal but for time, memory and number of the attempt: {equal}")
    return 0 if same and equal else 1


def disturb(asked: argparse.Namespace) -> None:
    """Start and kill it so many times."""
    chance = random.Random(asked.seed)
    for kill in range(1, asked.kills + 1):
        process = subprocess.Popen(training(asked), stdout=subprocess.DEVNULL)
        if not killed(process, asked.run, kill, chance.uniform(*asked.after)):
            raise SystemExit(
                f"Before kill {kill} it ended by itself with status {process.returncode}. After 0, "
                "give a shorter --after; else see what it says without this script."
            )
        print(f"kill {kill}: {steps(asked.run)} steps in the curve", flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--save-steps", type=int, default=5)
    parser.add_argument("--after", type=float, nargs=2, default=(3.0, 75.0), metavar="SECONDS")
    return parser.parse_args()


def training(asked: argparse.Namespace) -> list[str]:
    """The command that is killed, and that goes on."""
    run = ["-m", "training", "persona", "--run", str(asked.run)]
    return [sys.executable, *run, "--save-steps", str(asked.save_steps)]


def killed(process: subprocess.Popen[bytes], run: Path, attempt: int, seconds: float) -> bool:
    """Kill it so long after it began to train; False if it ended before."""
    while process.poll() is None and begun(run) < attempt:
        time.sleep(0.2)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    return False


def begun(run: Path) -> int:
    """How many attempts have begun to train."""
    try:
        found: dict[str, Any] = json.loads((run / ATTEMPTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return len(found["attempts"])


def steps(run: Path) -> int:
    """The last step in the curve."""
    rows = curve(run)
    return int(rows[-1]["step"]) if rows else 0


def curve(run: Path) -> list[dict[str, Any]]:
    """Rows of the curve without times; a line that was cut does not count."""
    file = run / METRICS
    text = file.read_text(encoding="utf-8").rpartition("\n")[0] if file.is_file() else ""
    rows = [json.loads(line) for line in text.splitlines()]
    return [{key: row[key] for key in row if key not in OF_THE_CLOCK} for row in rows]


if __name__ == "__main__":
    raise SystemExit(main())
