"""Write the tables of docs/performance.md from benchmarks/results.jsonl, the latest row of each kind.

Usage: python tools/performance.py [--check]
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results.jsonl"
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- from results.jsonl: {} -->", "<!-- end -->"
KINDS = ("AVX-512 with bf16", "AVX2 by environment", "AVX2", "ARM")
"""Common kinds of CPUs, whether measured or not."""
NOT_MEASURED = "not measured"
ABOUT = (
    "bench",
    "date",
    "cpu",
    "features",
    "cores",
    "threads",
    "GB/s",
    "others before",
    "its build",
)

Row = Mapping[str, Any]


def kind_of(row: Row) -> str:
    """A row's kind of CPU by its instructions, and whether it was limited to one thread."""
    held = row.get("threads", 2) < row.get("cores", 1)
    return _cpu(row["features"]) + (f", {row['threads']} thread" if held else "")


def _cpu(features: str) -> str:
    if "limited" in features:
        return "AVX2 by environment"
    for name, kind in (("avx512_bf16", KINDS[0]), ("avx512f", "AVX-512"), ("avx2", "AVX2")):
        if name in features:
            return kind
    return "ARM" if "asimd" in features else "other"


def latest(rows: Iterable[Row], bench: str) -> dict[str, dict[str, Any]]:
    """Figures by kind of CPU; later ones replace earlier ones."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["bench"] == bench and "features" in row:
            found.setdefault(kind_of(row), {}).update(row)
    return found


def table(found: Mapping[str, Row]) -> str:
    """One column a kind of CPU, one line a figure."""
    kinds = [*dict.fromkeys((*KINDS, *found))]
    names = dict.fromkeys(name for row in found.values() for name in row)
    shown = [name for name in ("date", "cpu", "GB/s", "threads") if name in names]
    shown += [name for name in names if name not in ABOUT and not name.startswith("others")]
    lines = [["", *kinds], ["---"] * (len(kinds) + 1)]
    lines += [[name, *(_cell(found.get(kind, {}), name) for kind in kinds)] for name in shown]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row, name: str) -> str:
    value = row.get(name, NOT_MEASURED)
    if isinstance(value, list):
        return " to ".join(_text(one) for one in value)
    return _text(value)


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def filled(page: str, rows: list[Row]) -> str:
    """The page with every table made again."""
    before, *parts = page.split(START.partition("{}")[0])
    made = []
    for part in parts:
        bench, _, rest = part.partition(START.partition("{}")[2])
        after = rest.partition(END)[2]
        made.append(f"{START.format(bench)}\n\n{table(latest(rows, bench))}\n\n{END}{after}")
    return before + "".join(made)


def main() -> None:
    """Write the page, or fail if it is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    page = PAGE.read_text(encoding="utf-8")
    made = filled(page, rows)
    if arguments.check and made != page:
        raise SystemExit("docs/performance.md is not up to date. Run: python tools/performance.py")
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
