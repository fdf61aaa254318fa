"""The last step: everything that is kept, for programs and for people, from the other steps' files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from phoque.files import read_json, write_json
from phoque.run.steps import LEDGER
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.cause import CAUSE
from phoque.stages.sae.collect import load_activations
from phoque.stages.sae.contexts import CONTEXTS, label_of, read_contexts, tone_aucs, write_contexts
from phoque.stages.sae.dictionaries import dictionary, metadata
from phoque.stages.sae.fidelity import FIDELITY
from phoque.stages.sae.markdown import markdown
from phoque.stages.sae.moved_prompts import PROMPT_TABLE, STRATA_FILE
from phoque.stages.sae.neuronpedia import write_neuronpedia
from phoque.stages.sae.page import page
from phoque.stages.sae.shifts import SHIFTS, SUMMARY
from phoque.stages.sae.sources import OWN, SOURCES
from phoque.stages.sae.study import LAYER, Study
from phoque.stages.sae.verdicts import with_verdicts

FEATURES, REPORT = "features.csv", "sae_comparison_report"
PAGE = "sae_report.html"
LISTED = 20
"""Rows a side in the reports; the CSV has all."""
SCHEMA = "phoque-sae-1"


def gather_evidence(study: Study) -> None:
    """Write `features.csv` and `contexts.jsonl.gz`."""
    sae = dictionary(study, study.preset.seeds[0])
    table = pd.read_csv(study.work / SHIFTS)
    table["tone_auc"] = tone_aucs(study, sae)[table["latent"]]
    table = with_verdicts(table, read_json(study.work / CAUSE), study.preset.seeds)
    write_contexts(study, table)
    tone = dict(zip(table["latent"].astype(str), table["tone_auc"], strict=True))
    labels = {
        entry["latent"]: label_of(entry, tone[entry["latent"]])
        for entry in read_contexts(study.folder / CONTEXTS)
        if entry["latent"] in tone
    }
    table["label"] = [labels.get(str(latent), "") for latent in table["latent"]]
    table["label_status"] = ["hypothesis" if label else "" for label in table["label"]]
    table = table.sort_values("effect", key=lambda own: own.abs(), ascending=False)
    partial = study.folder / f"{FEATURES}.partial"
    table.to_csv(partial, index=False)
    partial.replace(study.folder / FEATURES)


def write_report(study: Study) -> None:
    """Write the dictionary, the reports and the export."""
    activations = load_activations(study.work)
    report = summarize(study)
    contexts = read_contexts(study.folder / CONTEXTS)
    sae = dictionary(study, study.preset.seeds[0])
    facts = metadata(study, activations) | {"seed": study.preset.seeds[0]}
    sae.save(study.folder, facts | {"gates_passed": report["passed"]})
    write_neuronpedia(study, contexts, read_features(study.folder))
    prompts = pd.read_csv(study.folder / PROMPT_TABLE)
    (study.folder / f"{REPORT}.md").write_text(markdown(report, prompts), encoding="utf-8")
    (study.folder / PAGE).write_text(page(report, prompts, contexts), encoding="utf-8")
    write_json(study.folder / f"{REPORT}.json", report)
    SparseAutoencoder.load(study.folder)


def summarize(study: Study) -> dict[str, Any]:
    """Everything but single contexts, as plain data."""
    fidelity, shifts = read_json(study.work / FIDELITY), read_json(study.work / SUMMARY)
    table = read_features(study.folder)
    passed = all(gate["passed"] for gate in fidelity["gates"])
    counts = table["verdict"].value_counts().to_dict()
    return {
        "schema": SCHEMA,
        "model": study.base.name,
        "persona": study.persona.name,
        "layer": study.layer,
        "layer_choice": read_json(study.work / LAYER),
        "preset": asdict(study.preset),
        "seconds": read_json(study.folder / LEDGER)["seconds"],
        "passed": passed,
        "gates": fidelity["gates"],
        "fidelity": {key: value for key, value in fidelity.items() if key != "gates"},
        "shifts": shifts,
        "verdicts": {name: int(counts.get(name, 0)) for name in
                     ("driver", "protective", "marker", "unproven")},
        "risen": _rows(table[table["effect"] > 0]),
        "fallen": _rows(table[table["effect"] < 0]),
        "strata": read_json(study.work / STRATA_FILE),
        "cause": read_json(study.work / CAUSE),
        "sources": [asdict(source) for source in (*SOURCES, OWN)],
    }  # fmt: skip


def read_features(folder: Path) -> pd.DataFrame:
    """`features.csv` of a run's `sae` folder; words that are absent are empty."""
    words = ("kind", "stability", "badges", "verdict", "label", "label_status")
    return pd.read_csv(folder / FEATURES, dtype=dict.fromkeys(words, str)).fillna(
        dict.fromkeys(words, "")
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The largest effects, those that moved first; absent numbers are None."""
    moved = table.assign(moved=table["verdict"] != "")
    order = moved.sort_values(["moved", "effect"], key=lambda own: own.abs(), ascending=False)
    rows: Sequence[Mapping[Any, Any]] = order.head(LISTED).drop(columns="moved").to_dict("records")
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows
    ]
