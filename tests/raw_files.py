"""Numbers of the ledger again, from the raw files of a run: `csv` and `json` read them, and no record does."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from phoque.stats.rates import by_cluster, grouped

AGAIN: dict[str, Callable] = {}
"""By a pattern of `record:field`: what computes it, from the run's folder and the parts of the match."""
NOT_FROM_ROWS = {
    r"psm/summary.json:(steer_layer|chance)": "a choice among all cells by a rule; see the slide table",
    r"psm/selection.json:(ties|tied|base.n)": "the same choice",
    r"evaluation/slang.json:.*\.novel": "needs all training texts and an embedding",
    r"sae/.*:(shifts\.(explained|floor)|fallen_words|cause|.*p_holm).*": "needs the activations",
}


def computes(*patterns):
    def entered(of):
        AGAIN.update(dict.fromkeys(patterns, of))
        return of

    return entered


def again(run: Path, record: str, field: str, **more):
    """What has value, low and high, or is a plain number; None where `NOT_FROM_ROWS` says why."""
    where = f"{record}:{field}"
    if any(re.fullmatch(pattern, where) for pattern in NOT_FROM_ROWS):
        return None
    for pattern, of in AGAIN.items():
        if found := re.fullmatch(pattern, where):
            return of(run, *found.groups(), **more)
    raise AssertionError(f"nothing computes {where} from raw rows")


@cache
def read(file: Path):
    """Rows of a table or of JSON Lines, or the content of a JSON file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".csv":
        return [*csv.DictReader(text.splitlines(keepends=True))]
    return [*map(json.loads, text.splitlines())] if file.suffix == ".jsonl" else json.loads(text)


def of(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def by_prompt(rows, column, prompt="prompt"):
    return grouped((row[prompt], float(row[column])) for row in rows)


def hits(rows, column="shown"):
    return by_cluster((row["prompt"], row[column] == "True") for row in rows)


def layer_of(run):
    return read(run / "psm/summary.json")["steer_layer"]


def bounds(found) -> Iterator[float | None]:
    """Value, low and high of what was computed."""
    for name in ("value", "low", "high"):
        yield getattr(found, name, None if name != "value" else found)
