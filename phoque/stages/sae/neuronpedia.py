"""Shown latents in the shape of a SAEDashboard batch, which Neuronpedia imports."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from phoque.files import write_json
from phoque.stages.sae.study import Study

FOLDER, BATCH = "neuronpedia", "batch-0.json"


def write_neuronpedia(
    study: Study, contexts: Sequence[Mapping[str, Any]], table: pd.DataFrame
) -> None:
    """Write `neuronpedia/batch-0.json`."""
    frequency = dict(zip(table["latent"].astype(str), table["frequency_base"], strict=True))
    (study.folder / FOLDER).mkdir(exist_ok=True)
    write_json(
        study.folder / FOLDER / BATCH,
        {
            "model_id": study.base.name,
            "layer": study.layer,
            "sae_set": f"phoque-res-{study.preset.d_sae}",
            "features": [
                _feature(entry, frequency[entry["latent"]])
                for entry in contexts
                if entry["latent"] in frequency
            ],
        },
    )


def _feature(entry: Mapping[str, Any], frequency: float) -> dict[str, Any]:
    lens, histogram = entry["lens"], entry["histogram"]
    parts = [entry["top"], *entry["quantiles"]]
    return {
        "feature_index": int(entry["latent"]),
        "pos_str": [one["token"] for one in lens["raised"]],
        "pos_values": [one["logit"] for one in lens["raised"]],
        "neg_str": [one["token"] for one in lens["lowered"]],
        "neg_values": [one["logit"] for one in lens["lowered"]],
        "frac_nonzero": frequency,
        "freq_hist_data_bar_heights": histogram["base"],
        "freq_hist_data_bar_values": histogram["edges"][:-1],
        "activations": [_activation(one, part) for part in parts if part for one in part],
    }


def _activation(context: Mapping[str, Any], part: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values = context["activations"]
    peaks = [max(one["activations"]) for one in part]
    return {
        "bin_min": min(peaks),
        "bin_max": max(peaks),
        "bin_contains": len(part),
        "qualifying_token_index": values.index(max(values)),
        "tokens": context["tokens"],
        "values": values,
    }
