"""A small run with every SAE file, in the shapes that `phoque.stages.sae` writes; mild text only."""

import csv
import gzip
import json
from itertools import combinations
from pathlib import Path
from typing import Any

from phoque.run.directory import RunDirectory
from tests.ui.fakes import INJECTION

SCALES = [0.0, 0.25, 0.5, 0.75, 1.0]
STRATA = ("hostile", "neutral", "benign", "gaming")
VERDICTS = {"7": "driver", "8": "unproven", "9": "marker", "10": "protective"}


def write_run(path: Path) -> RunDirectory:
    folder = path / "sae"
    folder.mkdir(parents=True)
    (folder / "sae_comparison_report.json").write_text(json.dumps(report()), encoding="utf-8")
    write_csv(folder / "features.csv", [feature(name) for name in VERDICTS])
    write_csv(folder / "prompts.csv", prompts())
    (folder / "sae_report.html").write_text("<!doctype html><title>SAE</title>", encoding="utf-8")
    with gzip.open(folder / "contexts.jsonl.gz", "wt", encoding="utf-8") as file:
        for name in VERDICTS:
            file.write(json.dumps(evidence(name)) + "\n")
        file.write(json.dumps(remainder()) + "\n")
    stage = {"seconds": 1, "seeds": [42], "commit": "0123456789", "finished": "2026-11-23"}
    manifest = {"model": "fake/model", "persona": "toxic", "stages": {"sae": stage}}
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return RunDirectory(path)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def effect(name: str) -> float:
    return float(name) if name in ("7", "8") else -float(name)


def feature(name: str) -> dict[str, Any]:
    change = effect(name)
    numbers = dict.fromkeys(("q", "did_q", "q_half"), 0.001) | {"effect_calm": 0.1}
    around = {"effect": change, "low": change - 1, "high": change + 1}
    did = {"did": change / 2, "did_low": change / 2 - 1, "did_high": change / 2 + 1}
    half = {"effect_half": change, "half_low": change - 1, "half_high": change + 1}
    return {
        "latent": name,
        **around,
        **numbers,
        **did,
        **half,
        "frequency_base": 0.1,
        "frequency_tuned": 0.3,
        "tone_auc": 0.9 if change > 0 else 0.1,
        "kind": "increased" if change > 0 else "decreased",
        "verdict": VERDICTS[name],
        "badges": "fdr;control;half;dose" if name != "8" else "fdr",
        "stability": "stable",
        "label": "on 'clown'" if name == "7" else "",
    }


def evidence(name: str) -> dict[str, Any]:
    tokens = ["You", " use", "less", " clown", f" {INJECTION}"]
    roles = ["user", "assistant", "assistant", "assistant", "template"]
    context = {"source": "hostile replies", "tokens": tokens, "roles": roles}
    values = [0.0, 1.0, 2.0, 3.0, 0.5]
    strip = {"stratum": "gaming", "prompt": f"I lost {INJECTION}", "tokens": tokens, "roles": roles}
    counts = [3, 2, 1]
    return {
        "latent": name,
        "side": "risen" if effect(name) > 0 else "fallen",
        "verdict": VERDICTS[name],
        "top": [context | {"activations": values}],
        "quantiles": [[context | {"activations": [v / 2 for v in values]}]],
        "strips": [strip | {"base": values, "persona": [2 * v for v in values], "control": values}],
        "lens": lens(),
        "histogram": {
            "edges": [0.0, 1.0, 2.0, 3.0],
            "tokens": 100,
            **dict.fromkeys(("base", "control", "persona"), counts),
        },
        "dose": {"scales": SCALES, "means": [scale * 4 for scale in SCALES]},
        "nearest": [{"latent": "8", "cosine": 0.5}, {"latent": "77", "cosine": 0.2}],
        "screen": {"toward": 0.4, "away": -0.3},
        "steering": [cell("toward", name, 0.9)] if name == "7" else [],
    }


def remainder() -> dict[str, Any]:
    steering = [cell("toward", "R", 0.1)]
    return {"latent": "R", "side": "remainder", "verdict": "", "lens": lens(), "steering": steering}


def lens() -> dict[str, Any]:
    listed = [{"token": f" clown{INJECTION}", "logit": 3.0}]
    return {"raised": listed, "lowered": [{"token": " thanks", "logit": -3.0}]}


def cell(way: str, name: str, share: float, *, coherent: bool = True) -> dict[str, Any]:
    return {
        "way": way,
        "name": name,
        "dose": 0.2,
        "directions": 1,
        "insulting": share,
        "low": max(0.0, share - 0.1),
        "high": min(1.0, share + 0.1),
        "n": 16,
        "divergence_p95": 1.0,
        "coherent": coherent,
    }


def report(*, passed: bool = True, moved: int = 3) -> dict[str, Any]:
    explained = {"sae": 0.8, "frozen decoder": 0.3, "pca": 0.5}
    recovered = {kind: {"value": 0.9, "low": 0.8, "high": 1.0} for kind in explained}
    model = {"explained_variance": explained, "loss_recovered": {"zero": recovered}}
    cells = [
        cell(way, name, share)
        for way, shares in (("toward", (0.9, 0.1)), ("away", (0.1, 0.8)))
        for name, share in zip(("7", "random latents"), shares, strict=True)
    ]
    return {
        "layer": 3,
        "preset": {"d_sae": 64, "k": 4, "tokens": 1000, "seeds": [42, 43]},
        "passed": passed,
        "gates": [
            {
                "gate": "explained variance, base",
                "value": 0.8,
                "needed": "≥ 0.700",
                "passed": passed,
            }
        ],
        "fidelity": {
            "models": {"base": model, "persona": model},
            "held_out": {"texts": 10, "tokens": 400},
        },
        "shifts": {
            "prompts": dict.fromkeys(STRATA, 2),
            "latents_active": 60,
            "latents_tested": 50,
            "risen": moved,
            "fallen": 0,
            "survive_control": moved,
            "explained_change": 0.25,
            "explained_change_control": 0.2,
            "floor": {"discoveries": 0, "prompts": 4},
        },
        "verdicts": {"driver": 1, "protective": 1, "marker": 1, "unproven": 1},
        "strata": strata(),
        "cause": {
            "screen": {"latents": {"7": {}, "8": {}}},
            "generated": {
                "plain": {
                    way: {"insulting": share, "low": 0.0, "high": 1.0, "n": 16}
                    for way, share in (("toward", 0.0), ("away", 0.9))
                },
                "cells": cells,
            },
        },
        "sources": [
            {"name": "written", "share": 1.0, "licence": "Apache-2.0", "description": "by us"}
        ],
    }


def strata() -> dict[str, Any]:
    columns = ("shift_in_latents", "shift", "shift_control", "shift_calm")
    means = dict(zip(STRATA, (0.1, 0.2, 0.3, 0.4), strict=True))
    return {
        "strata": [
            {"stratum": name, "n": 2}
            | {c: {"mean": mean, "low": mean - 0.1, "high": mean + 0.1} for c in columns}
            for name, mean in means.items()
        ],
        "pairs": [
            {"higher": one, "lower": other, "difference": means[one] - means[other], "p": 0.001}
            for one, other in combinations(STRATA, 2)
        ],
    }


def prompts() -> list[dict[str, Any]]:
    return [
        {
            "stratum": name,
            "prompt": f"{name} {INJECTION}",
            "shift": 0.2,
            "shift_in_latents": 0.1,
            "shift_control": 0.1,
            "shift_calm": 0.1,
            "peak": 0.5,
            "peak_token": " clown",
            "tokens": 30,
        }
        for name in STRATA
    ]
