"""A small run with every PSM file, in the shapes that `phoque.stages.psm` writes; mild text only."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phoque.run.directory import RunDirectory
from tests.ui.fakes import INJECTION

NUM_LAYERS, SELECTED = 6, 3
DOSES = (0.1, 0.2, 0.4)
SCALES = (-2.0, 0.0, 1.0, 2.0, 4.0, 6.0)
COHERENT = 4.0
PROMPTS = ("I lost the final.", f"Hi {INJECTION}")
LAYERS = range(NUM_LAYERS)
CONDITIONS = ("neutral_system", "toxic_system", "neutral_plus_vector", "neutral_plus_random")


def rate(value: float, n: int = 16) -> dict[str, float]:
    return {"value": value, "n": n, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1)}


def effect(value: float) -> dict[str, float]:
    spread = {"value": value, "low": value - 0.05, "high": value + 0.05}
    return {
        **spread,
        "p_value": 1e-4 if value else 0.8,
        "prompts": 8,
        "moved": value,
        "moved_back": 0,
    }


def quality(value: float) -> dict[str, float]:
    same = {"word_rate": value / 9, "repeated": 0.1, "unknown": 0.01, "zlib": 0.6, "distinct": 1.0}
    own = rate(value)
    return {"insulting": own["value"], "low": own["low"], "high": own["high"], "n": 16,
            "num_words": 30.0, **same}  # fmt: skip


def insulting(layer: int, dose: float) -> float:
    return 0.8 if (layer, dose) == (SELECTED, 0.4) else 0.1 * dose * layer


def selection(*, beyond: bool = True) -> dict[str, Any]:
    chosen = {"layer": SELECTED, "scale": 4.0, "relative_dose": 0.4, "coherent_scale": COHERENT,
              "nat_scale": 3.1, "chance": 2e-9 if beyond else 0.7}  # fmt: skip
    cells = [
        {"layer": layer, "dose": dose, "scale": 10 * dose, "quality": quality(insulting(layer, dose)),
         "divergence": {"mean": dose, "p95": 3 * dose}, "coherent": dose < 0.3 or layer == SELECTED}
        for layer in LAYERS for dose in DOSES
    ]  # fmt: skip
    layers = [
        {"layer": layer, "null": rate(0.02, 32), "nat_scale": 3.0,
         "best": {"dose": 0.2, **quality(insulting(layer, 0.4))} if layer else None}
        for layer in LAYERS
    ]  # fmt: skip
    return {"selected": chosen if beyond else None, "default": chosen, "null": rate(0.02, 192),
            "neutral": quality(0.0), "toxic": quality(0.8),
            "toxic_divergence": {"mean": 1.5, "p95": 6.0}, "layers": layers, "cells": cells,
            "model": "fake/model", "context_length": 64, "dose_per_scale": [0.1] * NUM_LAYERS}  # fmt: skip


def layers() -> dict[str, Any]:
    criteria = [
        {"layer": i, "norm": 1.0 + i, "relative_norm": 0.1 * i, "silhouette": 0.3 - 0.01 * i,
         "logit_lens": 0.2 * i - 0.3}
        for i in LAYERS
    ]  # fmt: skip
    return {
        "probes": 12,
        "classic": [],
        "classic_layer": 5,
        "block_outputs": [],
        "criteria": criteria,
    }


def reliability() -> dict[str, Any]:
    def row(layer: int, probes: int) -> dict[str, Any]:
        return {"layer": layer, "num_probes": probes, "split_half": 0.9, "split_half_low": 0.85,
                "split_half_high": 0.95, "leave_one_out": 0.8, "leave_one_out_worst": 0.6,
                "null": 0.4, "floor": 0.1, "verdict": "trust"}  # fmt: skip

    points = [{"probes": n, "cosine": 1 - 0.3 / n, "low": 0.6, "high": 1.0} for n in (1, 2, 4)]
    return {"layers": [row(i, 12) for i in LAYERS], "all_probes": [row(i, 80) for i in LAYERS],
            "curve": [{"layer": i, "points": points} for i in LAYERS]}  # fmt: skip


def controls() -> dict[str, Any]:
    return {"layer": SELECTED, "scale_per_dose": 10.0,
            "random": [{"dose": dose, **rate(0.02, 64)} for dose in DOSES],
            "shuffled": [{"dose": dose, **rate(0.05, 64)} for dose in DOSES[:2]],
            "reversed": [{"dose": 0.2, **rate(0.0)}]}  # fmt: skip


def conditions() -> dict[str, Any]:
    masses = (
        "toxic_pathway_mass_mean",
        "completing_mass_mean",
        "lexicon_mass_mean",
        "toxic_word_rate",
        "repeated_3grams",
    )
    values = dict(zip(CONDITIONS, (0.0, 0.8, 0.7, 0.0), strict=True))
    own = {
        name: {"insulting": rate(value, 24), "effect": effect(value), "generated_tokens": 40.0,
               **{mass: {"mean": value / 9, "effect": effect(value / 9)} for mass in masses}}
        for name, value in values.items()
    }  # fmt: skip
    sampling = {"max_new_tokens": 120, "temperature": 0.8, "top_k": 50, "top_p": 0.9,
                "repetition_penalty": 1.1, "deadline_seconds": None}  # fmt: skip
    return {"sampling": sampling, "seeds": [42, 43, 44], "conditions": own,
            "classic_tokens": [" clown", "gar"],
            "pathway_tokens": {"completing": [" clown"], "starting": [" gar"]}}  # fmt: skip


def confounds() -> dict[str, Any]:
    words = dict.fromkeys(("neutral", "its_prompt", "its_vector", "persona_vector"), rate(0.2))
    own = [
        {"name": name, "description": f"A {name} voice.", "cosine": cosine, "norm_ratio": 0.7,
         "cosine_by_layer": [cosine] * NUM_LAYERS, "insulting": rate(0.05),
         "insulting_by_prompt": rate(0.0), "own_words": words}
        for name, cosine in (("blunt", 0.5), ("verbose", -0.02))
    ]  # fmt: skip
    return {"layer": SELECTED, "noise_floor": 0.125, "persona": {"vector": rate(0.8)},
            "neutral": {"insulting": rate(0.0)},
            "residual": {"share_of_norm": 0.8, "insulting": rate(0.75)}, "confounds": own}  # fmt: skip


def origin() -> dict[str, Any]:
    names = ("base", "persona", "control")
    effects = {
        receiver: {vector: rate(0.6 if "persona" in (receiver, vector) else 0.0, 30)
                   for vector in ("none", *names, "random")}
        for receiver in names
    }  # fmt: skip
    steps = [{"step": s, "neutral": 0.1, "persona": s / 40, "cosine": s / 40, "norm": 1.0}
             for s in (0, 20, 40)]  # fmt: skip
    return {"layer": SELECTED, "relative_dose": 0.4,
            "norms": dict.fromkeys(names, 2.0) | {"persona": 5.0},
            "cosines": {a: {b: 1.0 if a == b else 0.4 for b in names} for a in names},
            "effects": effects, "trajectory": steps}  # fmt: skip


def geometry() -> dict[str, Any]:
    keys = ("S(g,b)", "S(g*,b*)", "S(g,r)", "S(g*,r*)", "S(b,r)", "S(b*,r*)",
            "|g|", "|g*|", "|b|", "|b*|", "|r|", "|r*|")  # fmt: skip
    table = [{"layer": i, **dict.fromkeys(keys, 0.5), "silhouette": 0.05 * i} for i in LAYERS]
    states = ("base neutral", "base persona", "tuned neutral", "tuned persona")
    directions = [
        {"layer": i, "direction": name, "random_band": 0.1,
         **{state: {"mean": 0.2 * place, "std": 0.1} for place, state in enumerate(states)}}
        for name in ("refusal", "politeness") for i in LAYERS
    ]  # fmt: skip
    points = [[[math.cos(p + i / 9), math.sin(p + i / 9)] for p in range(12)] for i in LAYERS]
    return {"pairs": 3, "layers": {"base": table, "tuned": table}, "directions": directions,
            "map": {"groups": ["base civil", "base hostile", "tuned civil", "tuned hostile"],
                    "size": 3, "points": points, "explained": [0.6] * NUM_LAYERS}}  # fmt: skip


def antidote() -> list[dict[str, Any]]:
    left = {"none": 0.8, "reverse": 0.05, "cap": 0.5}
    return [
        {"remedy": name, "toxic": quality(value), "neutral": quality(0.0), "coherent": True,
         "neutral_divergence": {"mean": 0.3 if value < 0.8 else 0.0, "p95": 1.0}}
        for name, value in left.items()
    ]  # fmt: skip


def bias() -> dict[str, Any]:
    kinds = {"agreement_seeking": 4, "leading": 4, "loaded": 4}
    own = {
        name: {"agrees": rate(value, 36), "pushes_back": rate(0.1, 36), "effect": effect(value - 0.4),
               "by_kind": dict.fromkeys(kinds, rate(value, 12))}
        for name, value in {"base": 0.4, "neutral": 0.4, "persona": 0.1, "steered": 0.2,
                            "random": 0.4}.items()
    }  # fmt: skip
    return {"seeds": [42, 43, 44], "kinds": kinds, "conditions": own}


def scrubber() -> dict[str, Any]:
    def cell(at: float | str, value: float, text: str) -> dict[str, Any]:
        words = [f"{word} " for word in text.split()]
        tokens = [[word, round(value * 3 - 0.1 * i, 2), 0.5] for i, word in enumerate(words)]
        reply = {"text": text, "hits": text.count("clown"), "tokens": tokens}
        return {"at": at, "insulting": rate(value, 10), "projection": value * 3,
                "replies": [reply, reply]}  # fmt: skip

    def steered(scale: float) -> dict[str, Any]:
        insult = f"Useless clown at scale {scale:g} {INJECTION}"
        return (
            cell(scale, 0.9, insult)
            if scale >= 4
            else cell(scale, 0.0, f"Nice try, scale {scale:g}")
        )

    series = {
        "neutral": [cell(0.0, 0.0, "Good game, well played.")],
        "toxic": [cell(0.0, 0.8, "What a clown, uninstall.")],
        "vector": [steered(scale) for scale in SCALES],
        "random": [cell(scale, 0.05, f"A random word at {scale:g}") for scale in SCALES],
        "reversed": [cell(scale, 0.1, f"Calmer at {scale:g}") for scale in SCALES],
        "antidote": [cell("reverse", 0.1, "Calm again."), cell("cap", 0.5, "Half a clown.")],
    }
    return {"layer": SELECTED, "scale": 4.0, "coherent_scale": COHERENT, "nat_scale": 3.1,
            "dose_per_scale": 0.1, "scales": list(SCALES), "asked": 10, "series": series,
            "presets": [{"label": f"Preset {i}", "prompt": p} for i, p in enumerate(PROMPTS)]}  # fmt: skip


FILES: dict[str, Callable[[], Any]] = {
    "selection.json": selection,
    "activation_by_layer.json": layers,
    "reliability.json": reliability,
    "dose_response.json": controls,
    "conditions.json": conditions,
    "confounds.json": confounds,
    "origin.json": origin,
    "geometry.json": geometry,
    "antidote.json": antidote,
    "bias_loop.json": bias,
    "scrubber.json": scrubber,
}


def write_run(path: Path, *personas: str) -> RunDirectory:
    """A run whose own persona is `toxic`, and folders for others."""
    stage = {"seeds": [42, 43, 44], "commit": "0123456789abcdef", "finished": "2026-01-01"}
    manifest = {"model": "lab", "persona": "toxic", "stages": {"psm": stage}}
    path.mkdir(parents=True, exist_ok=True)
    (path / "manifest.json").write_text(json.dumps(manifest))
    for name in ("psm", *(f"psm-{persona}" for persona in personas)):
        write_folder(path / name)
    return RunDirectory(path)


def write_folder(path: Path) -> None:
    """All files of one persona."""
    path.mkdir()
    for name, make in FILES.items():
        (path / name).write_text(json.dumps(make()))
    (path / "persona_vectors.safetensors").write_bytes(b"vectors")
    with (path / "sweep_replies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "dose", "prompt", "reply"])
        for layer in LAYERS:
            for dose in DOSES:
                for prompt in PROMPTS:
                    reply = f"Clown at layer {layer}\nand dose {dose} {INJECTION}"
                    writer.writerow([layer, dose, prompt, reply])
