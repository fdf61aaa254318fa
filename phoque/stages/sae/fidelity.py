"""Gates: is the dictionary faithful to the base model and to the tuned one? Asked before any diff.

Everything is measured on documents that were not trained on, the half of them that did not set the
threshold, beside a dictionary whose decoder stayed random and beside principal components.
"""

from collections.abc import Callable, Mapping
from operator import ge, le

import torch
from torch import Tensor

from phoque.models.load import adapted
from phoque.run.sae import Dead, Faithful, Fidelity, Fit, Gate, HeldOut, Recovered
from phoque.stages.sae.autoencoder import SparseAutoencoder, calibrated
from phoque.stages.sae.collect import held_out_texts, load_activations
from phoque.stages.sae.dictionaries import SAMPLE, dictionary
from phoque.stages.sae.metrics import (
    explained_change,
    explained_variance,
    in_chunks,
    principal_components,
    recovered,
    text_losses,
)
from phoque.stages.sae.readings import Readings, read_models
from phoque.stages.sae.study import Study

HELD_OUT = "held_out.safetensors"
LOSS_TEXTS = 24
LEAST_EXPLAINED, LEAST_RECOVERED, MOST_DEAD = 0.70, 0.90, 0.05
MOST_OFF_L0, MOST_LOST = 0.05, 0.10
Rebuild = Callable[[Tensor], Tensor]


def measure_fidelity(study: Study) -> None:
    """Write how faithful the dictionary is, and what both models say of the held-out texts."""
    facts, texts = load_activations(study.work).facts, held_out_texts(study.work)
    read = read_models(study, texts, facts.limit, ["persona"], from_user=False)
    read.save(study.work / HELD_OUT)
    sae, k = dictionary(study, study.preset.seeds[0]), study.preset.k
    rows = {name: own[len(own) // 2 :] for name, own in read.rows_TD.items()}
    sample_TD = torch.tensor(load_activations(study.work).train_TD[:SAMPLE]).float()
    rebuilds: dict[str, Rebuild] = {
        "sae": sae,
        "frozen decoder": dictionary(study),
        "pca": principal_components(sample_TD, k),
    }
    first = read.rows_TD["base"][: len(rows["base"])]
    Fidelity(
        k=k,
        models={
            name: Faithful(
                explained_variance={
                    kind: explained_variance(own, in_chunks(rebuild, own))
                    for kind, rebuild in rebuilds.items()
                },
                l0=float(in_chunks(lambda some: (sae.encode(some) > 0).float().sum(1), own).mean()),
                dead=_dead(sae, own),
                loss_recovered=_loss_recovered(study, name, rebuilds, own.mean(0), facts.limit),
            )
            for name, own in rows.items()
        },
        explained_change=explained_change(rows["base"], rows["persona"], sae),
        explained_variance_by_l0={
            l0: explained_variance(
                rows["base"], in_chunks(calibrated(sae, first, l0), rows["base"])
            )
            for l0 in (k // 2, k, 2 * k)
        },
        explained_variance_by_source=_by_source(read, sae),
        held_out=HeldOut(texts=len(texts), tokens=len(read.rows_TD["base"])),
        activations=facts,
    ).save(study.work)


def gates(found: Fidelity) -> tuple[Gate, ...]:
    """Every condition with what was measured, what is needed, and whether it holds."""
    base, tuned, k = found.models["base"], found.models["persona"], found.k
    explained, own = base.explained_variance, tuned.explained_variance["sae"]
    rival = max(explained["frozen decoder"], explained["pca"])
    least = [
        ("explained variance, base", explained["sae"], LEAST_EXPLAINED),
        ("explained variance beyond frozen decoder and PCA", explained["sae"], rival),
        ("explained variance, persona", own, explained["sae"] - MOST_LOST),
    ]
    most = [
        ("L0 away from k, share of k", abs(base.l0 - k) / k, MOST_OFF_L0),
        ("dead latents", base.dead.share, MOST_DEAD),
    ]
    losses = [
        (f"loss recovered, {name}, against {ablation}", ways["sae"].value, LEAST_RECOVERED)
        for name in ("base", "persona")
        for ablation, ways in found.models[name].loss_recovered.items()
    ]
    return tuple(
        Gate(gate=name, value=value, needed=f"{sign} {needed:.3f}", passed=holds(value, needed))
        for sign, holds, told in (("≥", ge, least), ("≤", le, most), ("≥", ge, losses))
        for name, value, needed in told
    )


def _dead(sae: SparseAutoencoder, rows_TD: Tensor) -> Dead:
    fired = in_chunks(lambda some: (sae.encode(some) > 0).any(0, keepdim=True), rows_TD).any(0)
    latents = int((~fired).sum())
    return Dead(share=latents / sae.d_sae, latents=latents, of=sae.d_sae, tokens=len(rows_TD))


def _loss_recovered(
    study: Study, model: str, rebuilds: Mapping[str, Rebuild], mean_D: Tensor, limit: float
) -> dict[str, dict[str, Recovered]]:
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
    return {
        ablation: {
            kind: recovered(losses["real"], losses[ablation], losses[kind]) for kind in rebuilds
        }
        for ablation in ("zero", "mean")
    }


def _by_source(read: Readings, sae: SparseAutoencoder) -> dict[str, Fit]:
    sources = [text.source for text in read.texts]
    owner_T, rows_TD = read.owner_T, read.rows_TD["base"]
    found = {}
    for name in dict.fromkeys(sources):
        places = torch.tensor([source == name for source in sources])[owner_T]
        own = rows_TD[places]
        found[name] = Fit(value=explained_variance(own, in_chunks(sae, own)), tokens=len(own))
    return found


def _on_cpu(rebuild: Rebuild) -> Rebuild:
    return lambda rows: rebuild(rows.cpu()).to(rows)
