"""Which latents moved between base and persona model, and what of it the civil adapter does too.

Shapes: N = prompts, T = tokens, D = width, F = latents, A = scales of the adapter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from phoque.run.sae import Floor, Shifts
from phoque.run.sae_latents import SCALES, Feature
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import load_activations, streams
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.metrics import explained_change, in_chunks
from phoque.stages.sae.readings import (
    CIVIL,
    Activity,
    Readings,
    activity,
    evaluation_prompts,
    evaluation_texts,
    firing_rate,
    read_models,
)
from phoque.stages.sae.study import Study
from phoque.stats.multiple import LEVEL, false_discovery
from phoque.stats.ranking import monotone
from phoque.stats.resampling import Array, halves, middle_95, resampled_means, sign_flip_p

READ_HOSTILE, READ_CALM = "hostile.safetensors", "calm.safetensors"
LEAST_PROMPTS = 0.1
"""Share of prompts on which a latent must be active in either model to be tested at all."""
DENSE = 0.2
FLOOR_TEXTS = 32
RESAMPLES = 2000
Columns = dict[str, Array]
"""By name, one value a latent."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One dictionary's view of the same prompts in base and another model."""

    before: Activity
    after: Activity
    difference_NF: Array
    """After minus before, mean over tokens."""
    tested_F: Array
    """Latents active on enough prompts in either model: a choice blind to the difference."""


def measure_shifts(study: Study) -> None:
    """Write every latent that is active, and what the dictionary can see of the change."""
    limit = load_activations(study.work).facts.limit
    between = [str(scale) for scale in SCALES[1:-1]]
    hostile = read_models(
        study, evaluation_texts(study, "hostile"), limit, ["persona", CIVIL, *between]
    )
    calm = read_models(study, evaluation_texts(study, "calm"), limit, ["persona"])
    hostile.save(study.work / READ_HOSTILE)
    calm.save(study.work / READ_CALM)
    sae = dictionary(study, study.preset.seeds[0])
    columns = shift_columns(sae, hostile, calm)
    for seed in study.preset.seeds[1:]:
        columns |= _other_seed(sae, dictionary(study, seed), hostile, seed)
    features = _features(columns)
    Feature.save_rows(study.work, features)
    _summary(sae, hostile, features, _floor(study, sae, hostile)).save(study.work)


def compared(sae: SparseAutoencoder, readings: Readings, model: str = "persona") -> Compared:
    """Base against another model."""
    before, after = activity(sae, readings, "base"), activity(sae, readings, model)
    active_NF = (before.max_NF > 0) | (after.max_NF > 0)
    tested_F = (active_NF.float().mean(0) >= LEAST_PROMPTS).numpy()
    return Compared(before, after, (after.mean_NF - before.mean_NF).numpy(), tested_F)


def moved_latents(difference_NF: Array, tested_F: Array) -> Columns:
    """Effect, interval, p, q and rank of every latent; NaN where it was not tested."""
    effect_F = difference_NF.mean(0)
    p_F = np.full(effect_F.shape, np.nan)
    if tested_F.any():
        p_F[tested_F] = sign_flip_p(difference_NF[:, tested_F])
    means_RF = resampled_means(difference_NF, resamples=RESAMPLES)
    low_F, high_F = middle_95(means_RF)
    rank_low_F, rank_high_F = middle_95(_places(means_RF))
    deviation_F = difference_NF.std(0, ddof=1)
    return {
        "effect": effect_F,
        "low": low_F,
        "high": high_F,
        "standardised": effect_F / np.where(deviation_F > 0, deviation_F, 1),
        "p": p_F,
        "q": false_discovery(p_F),
        "rank": _places(effect_F),
        "rank_low": rank_low_F,
        "rank_high": rank_high_F,
    }


def _places(effects_RF: Array) -> Array:
    """Ranks by absolute effect along the last axis; 1 is the largest."""
    return np.argsort(np.argsort(-np.abs(effects_RF), axis=-1), axis=-1) + 1


def shift_columns(sae: SparseAutoencoder, hostile: Readings, calm: Readings) -> Columns:
    """What is known of every latent, under the names of the table's columns."""
    main, quiet = compared(sae, hostile), compared(sae, calm)
    civil = activity(sae, hostile, CIVIL)
    before, after = main.before, main.after
    did = moved_latents((after.mean_NF - civil.mean_NF).numpy(), main.tested_F)
    return {
        "latent": np.arange(sae.d_sae),
        **moved_latents(main.difference_NF, main.tested_F),
        "effect_max": _mean(after.max_NF - before.max_NF),
        "effect_rate": _mean(after.rate_NF - before.rate_NF),
        "effect_user": _mean(after.user_NF - before.user_NF),
        "effect_template": _mean(after.template_NF - before.template_NF),
        "effect_reply": _mean(after.reply_NF - before.reply_NF),
        "effect_calm": quiet.difference_NF.mean(0),
        "effect_civil_adapter": _mean(civil.mean_NF - before.mean_NF),
        **_split_half(main),
        "did": did["effect"],
        **{f"did_{name}": did[name] for name in ("low", "high", "p", "q")},
        **_doses(sae, hostile),
        **_linear(sae, hostile, main),
        "frequency_base": firing_rate(sae, hostile.rows_TD["base"]).numpy(),
        "frequency_tuned": firing_rate(sae, hostile.rows_TD["persona"]).numpy(),
    }


def _mean(values_NF: Tensor) -> Array:
    found: Array = values_NF.mean(0).numpy()
    return found


def _features(columns: Columns) -> list[Feature]:
    """One row a latent that is active in either model; single precision has seven digits."""
    lists = {name: [_short(value) for value in own.tolist()] for name, own in columns.items()}
    rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return [
        Feature.model_validate(Feature.from_cells(row | {"kind": _kind(row)}))
        for row in rows
        if row["frequency_base"] > 0 or row["frequency_tuned"] > 0
    ]


def _short(value: float) -> float:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _split_half(main: Compared) -> Columns:
    """Chosen on one half of the prompts, reported on the other: no winner's curse."""
    first, second = halves(
        [stratum for stratum, _ in evaluation_prompts()][: len(main.difference_NF)]
    )
    chosen = moved_latents(main.difference_NF[first], main.tested_F)
    told = moved_latents(main.difference_NF[second], main.tested_F)
    return {
        "q_half": chosen["q"],
        "effect_half": told["effect"],
        "half_low": told["low"],
        "half_high": told["high"],
    }


def _doses(sae: SparseAutoencoder, hostile: Readings) -> Columns:
    """Mean activation at every scale of the adapter, and whether it only rises or only falls."""
    models = ["base", *(str(scale) for scale in SCALES[1:-1]), "persona"]
    means_AF = np.stack([activity(sae, hostile, name).mean_NF.mean(0).numpy() for name in models])
    columns = {f"dose_{scale}": means_AF[place] for place, scale in enumerate(SCALES)}
    return columns | {"dose_spearman": monotone(means_AF)}


def _linear(sae: SparseAutoencoder, hostile: Readings, main: Compared) -> Columns:
    """What no threshold and no encoder can make up: the change along the decoder direction."""
    change_TD = hostile.rows_TD["persona"] - hostile.rows_TD["base"]
    mean_D = _mean_of_prompts(hostile, change_TD)
    along_F = (sae.decoder_FD @ mean_D).numpy()
    return {
        "linear": along_F,
        "cosine_mean_difference": along_F / float(mean_D.norm()),
        "share_of_change": main.difference_NF.mean(0) * along_F / float(mean_D.square().sum()),
    }


def _kind(row: Mapping[str, float]) -> str:
    """What sort of change it is, where it could be an artefact of something else."""
    if max(row["frequency_base"], row["frequency_tuned"]) > DENSE:
        return "dense"
    if abs(row["effect_template"]) > 0.8 * abs(row["effect"]):
        return "template"
    if row["effect"] * row["linear"] < 0:
        return "threshold only"
    return "increased" if row["effect"] > 0 else "decreased"


def _other_seed(
    sae: SparseAutoencoder, other: SparseAutoencoder, read: Readings, seed: int
) -> Columns:
    """Best match of each latent in another seed's dictionary, and whether it moved as well."""
    main = compared(other, read)
    found = moved_latents(main.difference_NF, main.tested_F)
    best = (sae.decoder_FD @ other.decoder_FD.T).max(1)
    match = best.indices.numpy()
    return {
        f"match_{seed}": match,
        f"cosine_{seed}": best.values.numpy(),
        f"q_{seed}": found["q"][match],
        f"effect_{seed}": found["effect"][match],
    }


def _mean_of_prompts(readings: Readings, values_TD: Tensor) -> Tensor:
    """Mean over prompts of the mean over tokens."""
    return torch.stack([part.mean(0) for part in readings.by_text(values_TD)]).mean(0)


def mean_change(sae: SparseAutoencoder, readings: Readings) -> tuple[Tensor, Tensor]:
    """The mean change of the residual stream, and what of it no latent expresses."""
    rows = readings.rows_TD["base"], readings.rows_TD["persona"]
    before_TD, after_TD = (in_chunks(lambda some: some - sae(some), own) for own in rows)
    changes = rows[1] - rows[0], after_TD - before_TD
    mean_D, missed_D = (_mean_of_prompts(readings, change_TD) for change_TD in changes)
    return mean_D, missed_D


def _floor(study: Study, sae: SparseAutoencoder, read: Readings) -> Floor:
    """Base against base, read in other batches: what rounding alone does."""
    texts, kept = read.texts[:FLOOR_TEXTS], read.kept[:FLOOR_TEXTS]
    again = streams(study.base, texts, study.layer, batch_size=1)
    count = sum(int(mask.sum()) for mask in kept)
    rows = torch.cat([stream[mask] for stream, mask in zip(again, kept, strict=True)])
    both = Readings(
        texts=texts, kept=kept, rows_TD={"base": read.rows_TD["base"][:count], "again": rows}
    )
    found = compared(sae, both, "again")
    tested = moved_latents(found.difference_NF, found.tested_F)
    return Floor(
        prompts=len(texts),
        largest_effect=float(np.abs(tested["effect"]).max()),
        discoveries=int((tested["q"] < LEVEL).sum()),
        tested=int(found.tested_F.sum()),
    )


def _summary(
    sae: SparseAutoencoder, read: Readings, features: Sequence[Feature], floor: Floor
) -> Shifts:
    before_TD, after_TD = read.rows_TD["base"], read.rows_TD["persona"]
    mean_D, missed_D = mean_change(sae, read)
    moved, lengths_T = [one for one in features if one.moved], before_TD.norm(dim=-1)
    return Shifts(
        prompts=dict(Counter(stratum for stratum, _ in evaluation_prompts())),
        tokens=len(before_TD),
        latents_active=len(features),
        latents_tested=sum(one.q is not None for one in features),
        risen=sum(one.effect > 0 for one in moved),
        fallen=sum(one.effect < 0 for one in moved),
        beyond_civil_adapter=sum(one.beyond_civil_adapter for one in moved),
        explained_change=explained_change(before_TD, after_TD, sae),
        explained_change_civil_adapter=explained_change(before_TD, read.rows_TD[CIVIL], sae),
        norm_ratio=float((after_TD.norm(dim=-1) / lengths_T).mean()),
        relative_change=float(((after_TD - before_TD).norm(dim=-1) / lengths_T).mean()),
        mean_change_norm=float(mean_D.norm()),
        remainder_share=float(missed_D.norm() / mean_D.norm()),
        floor=floor,
    )
