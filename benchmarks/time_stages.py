"""Time the stages on a copy of the shipped run; takes about two hours, so `make bench` leaves it out.

Usage: python benchmarks/time_stages.py [--stages psm sae …] [--run DIR]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import Watch

from phoque.config import SHIPPED_RUN

STAGES = ("corpus", "persona", "control", "psm", "evaluate", "sae", "moderation", "report")


def main() -> None:
    """Run the stages one by one and keep what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--run", type=Path, default=SHIPPED_RUN)
    asked = parser.parse_args()
    watch, seconds = Watch("stages"), {}
    with tempfile.TemporaryDirectory() as folder:
        run = shutil.copytree(asked.run, Path(folder) / "lab")
        for stage in asked.stages:
            shutil.rmtree(run / stage, ignore_errors=True)
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "training", stage, "--run", run], check=True)
            seconds[f"{stage}, s"] = round(time.perf_counter() - start)
    watch.record(seconds)


if __name__ == "__main__":
    main()
