"""Gates: is the dictionary faithful to the base model and to the tuned one? Asked before any diff.

Everything is measured on documents that were not trained on, the half of them that did not set the
threshold, beside a dictionary whose decoder stayed random and beside principal components.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from phoque.files import write_json
from phoque.models.scaled import adapted
from phoque.stages.sae.autoencoder import SparseAutoencoder, calibrated
from phoque.stages.sae.collect import Activations, held_out_texts, load_activations
from phoque.stages.sae.dictionaries import SAMPLE, dictionary
from phoque.stages.sae.metrics import (
    Recovered,
    explained_change,
    explained_variance,
    in_chunks,
    principal_components,
    recovered,
    text_losses,
)
from phoque.stages.sae.readings import Readings, read_models
from phoque.stages.sae.study import Study

FIDELITY, HELD_OUT = "fidelity.json", "held_out.safetensors"
LOSS_TEXTS = 24
LEAST_EXPLAINED, LEAST_RECOVERED, MOST_DEAD = 0.70, 0.90, 0.05
MOST_OFF_L0, MOST_LOST = 0.05, 0.10
Rebuild = Callable[[Tensor], Tensor]


def measure_fidelity(study: Study) -> None:
    """Write `fidelity.json`, and what both models say of the held-out texts."""
    activations, texts = load_activations(study.work), held_out_texts(study.work)
    limit = activations.facts["limit"]
    read = read_models(study, texts, limit, ["persona"], from_user=False)
    read.save(study.work / HELD_OUT)
    sae, frozen = dictionary(study, study.preset.seeds[0]), dictionary(study)
    rows = {name: _second_half(own) for name, own in read.rows_TD.items()}
    rebuilds: dict[str, Rebuild] = {
        "sae": sae,
        "frozen decoder": frozen,
        "pca": principal_components(_sample(activations), study.preset.k),
    }
    models = {
        name: {
            "explained_variance": {
                kind: explained_variance(own, in_chunks(rebuild, own))
                for kind, rebuild in rebuilds.items()
            },
            "l0": _l0(sae, own),
            "dead": _dead(sae, own),
            "loss_recovered": _loss_recovered(study, name, rebuilds, own.mean(0), limit),
        }
        for name, own in rows.items()
    }
    first = read.rows_TD["base"][: len(rows["base"])]
    report = {
        "k": study.preset.k,
        "models": models,
        "explained_change": explained_change(rows["base"], rows["persona"], sae),
        "explained_variance_by_l0": {
            str(k): explained_variance(
                rows["base"], in_chunks(calibrated(sae, first, k), rows["base"])
            )
            for k in (study.preset.k // 2, study.preset.k, 2 * study.preset.k)
        },
        "explained_variance_by_source": _by_source(read, sae),
        "held_out": {"texts": len(texts), "tokens": len(read.rows_TD["base"])},
        "activations": activations.facts,
    }
    write_json(study.work / FIDELITY, report | {"gates": gates(report)})


def gates(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every condition with what was measured, what is needed, and whether it holds."""
    base, tuned, k = report["models"]["base"], report["models"]["persona"], report["k"]
    explained = base["explained_variance"]
    rival = max(explained["frozen decoder"], explained["pca"])
    rows = [
        _at_least("explained variance, base", explained["sae"], LEAST_EXPLAINED),
        _at_least("explained variance beyond frozen decoder and PCA", explained["sae"], rival),
        _at_least(
            "explained variance, persona",
            tuned["explained_variance"]["sae"],
            explained["sae"] - MOST_LOST,
        ),
        _at_most("L0 away from k, share of k", abs(base["l0"] - k) / k, MOST_OFF_L0),
        _at_most("dead latents", base["dead"]["share"], MOST_DEAD),
    ]
    for name, own in (("base", base), ("persona", tuned)):
        rows += [
            _at_least(
                f"loss recovered, {name}, against {ablation}",
                value["sae"]["value"],
                LEAST_RECOVERED,
            )
            for ablation, value in own["loss_recovered"].items()
        ]
    return rows


def _at_least(name: str, value: float, needed: float) -> dict[str, Any]:
    return {"gate": name, "value": value, "needed": f"≥ {needed:.3f}", "passed": value >= needed}


def _at_most(name: str, value: float, needed: float) -> dict[str, Any]:
    return {"gate": name, "value": value, "needed": f"≤ {needed:.3f}", "passed": value <= needed}


def _second_half(rows_TD: Tensor) -> Tensor:
    return rows_TD[len(rows_TD) // 2 :]


def _sample(activations: Activations) -> Tensor:
    return torch.tensor(activations.train_TD[:SAMPLE]).float()


def _l0(sae: SparseAutoencoder, rows_TD: Tensor) -> float:
    return float(in_chunks(lambda some: (sae.encode(some) > 0).float().sum(1), rows_TD).mean())


def _dead(sae: SparseAutoencoder, rows_TD: Tensor) -> dict[str, float]:
    fired = in_chunks(lambda some: (sae.encode(some) > 0).any(0, keepdim=True), rows_TD).any(0)
    return {
        "share": float((~fired).float().mean()),
        "latents": int((~fired).sum()),
        "of": sae.d_sae,
        "tokens": len(rows_TD),
    }


def _loss_recovered(
    study: Study, model: str, rebuilds: Mapping[str, Rebuild], mean_D: Tensor, limit: float
) -> dict[str, dict[str, Any]]:
    """By ablation and way to rebuild."""
    texts = held_out_texts(study.work)[-LOSS_TEXTS:]
    changes: dict[str, Rebuild] = {
        "real": lambda rows: rows,
        "zero": torch.zeros_like,
        "mean": lambda rows: mean_D.to(rows).expand_as(rows),
        **{kind: _on_cpu(rebuild) for kind, rebuild in rebuilds.items()},
    }
    with adapted(study.base, study.persona_deltas, float(model == "persona")):
        losses = {
            name: text_losses(study.base, texts, study.layer, change, limit)
            for name, change in changes.items()
        }

    def share(ablation: str, kind: str) -> Recovered:
        return recovered(losses["real"], losses[ablation], losses[kind])

    return {
        ablation: {kind: asdict(share(ablation, kind)) for kind in rebuilds}
        for ablation in ("zero", "mean")
    }


def _on_cpu(rebuild: Rebuild) -> Rebuild:
    return lambda rows: rebuild(rows.cpu()).to(rows)


def _by_source(read: Readings, sae: SparseAutoencoder) -> dict[str, dict[str, float]]:
    sources = [text.source for text in read.texts]
    owner_T, rows_TD = read.owner_T, read.rows_TD["base"]
    found = {}
    for name in dict.fromkeys(sources):
        places = torch.tensor([source == name for source in sources])[owner_T]
        own = rows_TD[places]
        found[name] = {"value": explained_variance(own, in_chunks(sae, own)), "tokens": len(own)}
    return found
