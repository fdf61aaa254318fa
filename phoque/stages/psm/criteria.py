"""Step one: the vectors, what geometry alone says of every layer, and whether the vectors are more than noise.

Shapes: N = probes, L = layers, D = width, V = vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from phoque.models.load import LanguageModel
from phoque.models.structure import final_norm
from phoque.run.directory import VECTORS
from phoque.run.psm import ActivationByLayer, LayerGeometry, LayerProjection
from phoque.run.psm_rows import ProbeProducts
from phoque.run.psm_vector import ProbeCurve, Reliability
from phoque.stages.psm.pathway import Pathway
from phoque.stages.psm.reliability import agreement, probe_curve, scalar_products
from phoque.stages.psm.subject import Subject
from phoque.steering.geometry import silhouette
from phoque.steering.vectors import Contrast


def classic_rows(contrast: Contrast) -> tuple[LayerProjection, ...]:
    """The talk's table: a layer's norm, and projections on its unit vector over the probes.

    `delta_proj_mean` equals `vector_norm` by algebra (the mean of the differences' projections on
    their own mean), so its curve is the same one drawn twice; `delta_proj_std` is the population's.
    """
    rows = []
    for layer, mean_D in enumerate(contrast.differences_NLD.mean(0)):
        norm = float(mean_D.norm())
        unit_D = mean_D / norm if norm > 1e-12 else torch.zeros_like(mean_D)
        neutral_N = contrast.neutral_NLD[:, layer] @ unit_D
        persona_N = contrast.persona_NLD[:, layer] @ unit_D
        rows.append(
            LayerProjection(
                layer=layer,
                vector_norm=norm,
                neutral_proj_mean=float(neutral_N.mean()),
                toxic_proj_mean=float(persona_N.mean()),
                delta_proj_mean=float((persona_N - neutral_N).mean()),
                delta_proj_std=float((persona_N - neutral_N).std(correction=0)),
            )
        )
    return tuple(rows)


def with_normed_last_layer(model: LanguageModel, contrast: Contrast) -> Contrast:
    """The contrast as transformers' `hidden_states` show it: the last row after the final norm.

    So the talk's first version measured it, while its hook acted before the norm.
    """

    def normed(states_NLD: Tensor) -> Tensor:
        norm, weight = final_norm(model.model), model.model.get_output_embeddings().weight
        with torch.inference_mode():
            last_ND = norm(states_NLD[:, -1].to(weight)).float().cpu()
        return torch.cat([states_NLD[:, :-1], last_ND[:, None]], dim=1)

    neutral_NLD, persona_NLD = normed(contrast.neutral_NLD), normed(contrast.persona_NLD)
    return replace(contrast, neutral_NLD=neutral_NLD, persona_NLD=persona_NLD)


def geometry_criteria(
    model: LanguageModel, contrast: Contrast, words: Sequence[int]
) -> tuple[LayerGeometry, ...]:
    """Per layer: norm(v), norm(v) / median norm of the stream, silhouette, logit-lens score."""
    mean_LD = contrast.differences_NLD.mean(0)
    scores = logit_lens_scores(model, mean_LD, words)
    return tuple(
        LayerGeometry(
            layer=layer,
            norm=float(mean_LD[layer].norm()),
            relative_norm=float(mean_LD[layer].norm() / contrast.medians_L[layer]),
            silhouette=silhouette(contrast.neutral_NLD[:, layer], contrast.persona_NLD[:, layer]),
            logit_lens=scores[layer],
        )
        for layer in range(len(mean_LD))
    )


@torch.inference_mode()
def logit_lens_scores(
    model: LanguageModel, directions_LD: Tensor, words: Sequence[int]
) -> list[float]:
    """How far a direction, read by the output head, raises `words`: standard deviations a layer."""
    head, norm = model.model.get_output_embeddings(), final_norm(model.model)
    logits_LV = head(norm(directions_LD.to(head.weight))).float()
    spread_L = logits_LV.std(-1)
    raised_L = logits_LV[:, list(words)].mean(-1) - logits_LV.mean(-1)
    scores: list[float] = (raised_L / spread_L.clamp(min=1e-12)).tolist()
    return scores


CURVE = (1, 2, 4, 6, 8, 12, 20, 30, 40)


def measure_vectors(subject: Subject) -> None:
    """Write the vectors, `activation_by_layer.json` and `reliability.json`, with the products behind the norms and the agreement of the probes in use."""
    everything, used = subject.contrast, subject.contrast.first(subject.num_probes)
    used.vectors(subject.fingerprint).save(subject.folder / VECTORS)
    starts = Pathway(subject.model.tokenizer, subject.persona.lexicon).first_tokens()
    normed = with_normed_last_layer(subject.model, used)
    ProbeProducts.save_rows(subject.folder, _products(used, normed, subject.probes))
    classic = classic_rows(normed)
    ActivationByLayer(
        probes=len(used.neutral_NLD),
        classic=classic,
        classic_layer=max(classic, key=lambda row: row.delta_proj_mean).layer,
        block_outputs=classic_rows(used),
        criteria=geometry_criteria(subject.model, used, starts),
    ).save(subject.folder)
    used_LND, all_LND = (one.differences_NLD.unbind(1) for one in (used, everything))
    Reliability(
        layers=tuple(agreement(own, layer) for layer, own in enumerate(used_LND)),
        all_probes=tuple(agreement(own, layer) for layer, own in enumerate(all_LND)),
        curve=tuple(
            ProbeCurve(layer=layer, points=probe_curve(own, CURVE))
            for layer, own in enumerate(all_LND)
        ),
    ).save(subject.folder)


def _products(
    contrast: Contrast, normed: Contrast, probes: Sequence[str]
) -> Iterator[ProbeProducts]:
    """Layer by layer, then the last layer once more after the final norm."""
    own, last = contrast.differences_NLD.unbind(1), normed.differences_NLD[:, -1]
    for layer, of, vectors_ND in (
        *((layer, "stream", one) for layer, one in enumerate(own)),
        (len(own) - 1, "normed", last),
    ):
        for probe, products in zip(probes, scalar_products(vectors_ND), strict=True):
            yield ProbeProducts(layer=layer, of=of, probe=probe, products=products)
