"""Numbers again: what moved, and what is counted."""

from statistics import fmean
from types import SimpleNamespace

import numpy as np

from phoque.stats.resampling import middle_95, resampled_means
from tests.raw_files import computes, of, read


@computes(r"sae/.*:strata\.strata\[stratum=(\w+)\]\.shift_in_latents")
def moved(run, stratum):
    values = shifts(run, stratum)
    low, high = middle_95(resampled_means(np.array(values)))
    return SimpleNamespace(value=fmean(values), low=low, high=high)


def shifts(run, stratum):
    return [
        float(r["shift_in_latents"]) for r in of(read(run / "sae/prompts.csv"), stratum=stratum)
    ]


@computes(r"sae/.*:strata\.pairs\[higher=(\w+),lower=(\w+)\]\.difference")
def moved_more(run, higher, lower):
    return fmean(shifts(run, higher)) - fmean(shifts(run, lower))


@computes(r"sae/.*:verdicts(?:\.(\w+)|\[(.+)\])")
def verdicts(run, *names):
    return len(of(read(run / "sae/features.csv"), verdict=names[0] or names[1]))


@computes(r"sae/.*:shifts\.beyond_civil_adapter")
def beyond_civil(run):
    def further(row):
        return float(row["did"]) * float(row["effect"]) > 0 and float(row["did_q"]) < 0.05

    features = read(run / "sae/features.csv")
    return sum(further(row) for row in features if row["q"] and float(row["q"]) < 0.05)


@computes(r"corpus/composition.json:(dialogues|sources)")
def composed(run, what):
    rows = [row for file in sorted((run / "corpus").rglob("dialogues.jsonl")) for row in read(file)]
    return len(rows) if what == "dialogues" else len({row.get("source", "written") for row in rows})


@computes(r"synthetic/summary.json:(texts|wanted|kinds|filled)")
def attacks(run, what):
    told, rows = read(run / "synthetic/summary.json"), read(run / "synthetic/attacks.jsonl")
    kinds = told["kinds"]
    filled = sum(any(_is_of(row, one) for row in rows) for one in kinds)
    found = {"texts": len(rows), "kinds": len(kinds), "filled": filled}
    return (found | {"wanted": told["wanted"]})[what]


def _is_of(row, kind):
    first, last = kind["words"]
    same = (row["target"], row["style"]) == (kind["target"], kind["style"])
    return same and first <= row["words"] <= last


@computes(r"manifest.json:stages\.(\w+)\.seconds")
def seconds(run, stage):
    return read(run / "manifest.json")["stages"][stage]["seconds"]


@computes(r"manifest.json:stages\.(\w+)\.seeds")
def seeds(run, stage):
    return len(read(run / "manifest.json")["stages"][stage]["seeds"])


@computes(r"manifest.json:hours")
def hours(run):
    made = read(run / "manifest.json")["stages"].items()
    return sum(one["seconds"] for name, one in made if name != "report") / 3600
