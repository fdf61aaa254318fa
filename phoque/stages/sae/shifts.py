"""Which latents moved between base and persona model, and what of it the control adapter does too.

Shapes: N = prompts, T = tokens, D = width, F = latents, A = scales of the adapter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from phoque.files import write_json
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import load_activations, streams
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.metrics import explained_change, in_chunks
from phoque.stages.sae.readings import (
    SCALES,
    STRATA,
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

SHIFTS, READ_HOSTILE, READ_CALM = "shifts.csv", "hostile.safetensors", "calm.safetensors"
SUMMARY = "shifts.json"
LEAST_PROMPTS = 0.1
"""Share of prompts on which a latent must be active in either model to be tested at all."""
DENSE = 0.2
STABLE = 0.7
FLOOR_TEXTS = 32
RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """One dictionary's view of the same prompts in two or more models."""

    before: Activity
    after: Activity

    @property
    def difference_NF(self) -> Array:
        """After minus before, mean over tokens."""
        return (self.after.mean_NF - self.before.mean_NF).numpy()

    @property
    def tested_F(self) -> Array:
        """Latents active on enough prompts in either model: a choice blind to the difference."""
        active_NF = (self.before.max_NF > 0) | (self.after.max_NF > 0)
        found: Array = (active_NF.float().mean(0) >= LEAST_PROMPTS).numpy()
        return found


def measure_shifts(study: Study) -> None:
    """Write `shifts.csv`, one row a latent that is active, and `shifts.json`."""
    limit = load_activations(study.work).facts["limit"]
    between = [str(scale) for scale in SCALES[1:-1]]
    hostile = read_models(
        study, evaluation_texts(study, "hostile"), limit, ["persona", "control", *between]
    )
    calm = read_models(study, evaluation_texts(study, "calm"), limit, ["persona"])
    hostile.save(study.work / READ_HOSTILE)
    calm.save(study.work / READ_CALM)
    sae = dictionary(study, study.preset.seeds[0])
    table = shift_table(sae, hostile, calm)
    for seed in study.preset.seeds[1:]:
        _add_seed(table, sae, dictionary(study, seed), hostile, seed)
    table.to_csv(study.work / SHIFTS, index=False)
    write_json(study.work / SUMMARY, _summary(sae, hostile, table, _floor(study, sae, hostile)))


def compared(sae: SparseAutoencoder, readings: Readings, after: str = "persona") -> Compared:
    """Base against another model."""
    return Compared(before=activity(sae, readings, "base"), after=activity(sae, readings, after))


def moved_latents(difference_NF: Array, tested_F: Array) -> dict[str, Array]:
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


def shift_table(sae: SparseAutoencoder, hostile: Readings, calm: Readings) -> pd.DataFrame:
    """One row a latent that is active in any model."""
    main = compared(sae, hostile)
    control = activity(sae, hostile, "control")
    quiet = compared(sae, calm)
    columns: dict[str, Any] = {"latent": np.arange(sae.d_sae)}
    columns |= moved_latents(main.difference_NF, main.tested_F)
    columns |= {
        "effect_max": (main.after.max_NF - main.before.max_NF).mean(0).numpy(),
        "effect_rate": (main.after.rate_NF - main.before.rate_NF).mean(0).numpy(),
        "effect_user": (main.after.user_NF - main.before.user_NF).mean(0).numpy(),
        "effect_template": (main.after.template_NF - main.before.template_NF).mean(0).numpy(),
        "effect_reply": (main.after.reply_NF - main.before.reply_NF).mean(0).numpy(),
        "effect_calm": quiet.difference_NF.mean(0),
        "effect_control": (control.mean_NF - main.before.mean_NF).mean(0).numpy(),
    }
    columns |= _split_half(main)
    did_NF = (main.after.mean_NF - control.mean_NF).numpy()
    did = moved_latents(did_NF, main.tested_F)
    columns |= {f"did{'' if key == 'effect' else '_' + key}": did[key] for key in
                ("effect", "low", "high", "p", "q")}  # fmt: skip
    columns |= _doses(sae, hostile)
    columns |= _linear(sae, hostile, main)
    columns |= {
        "frequency_base": firing_rate(sae, hostile.rows_TD["base"]).numpy(),
        "frequency_tuned": firing_rate(sae, hostile.rows_TD["persona"]).numpy(),
    }
    table = pd.DataFrame(columns)
    table["kind"] = table.apply(_kind, axis=1)
    fires = (table["frequency_base"] > 0) | (table["frequency_tuned"] > 0)
    return table[fires].reset_index(drop=True)


def _split_half(main: Compared) -> dict[str, Array]:
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


def _doses(sae: SparseAutoencoder, hostile: Readings) -> dict[str, Array]:
    """Mean activation at every scale of the adapter, and whether it only rises or only falls."""
    models = ["base", *(str(scale) for scale in SCALES[1:-1]), "persona"]
    means_AF = np.stack([activity(sae, hostile, name).mean_NF.mean(0).numpy() for name in models])
    columns = {f"dose_{scale}": means_AF[place] for place, scale in enumerate(SCALES)}
    return columns | {"dose_spearman": monotone(means_AF)}


def _linear(sae: SparseAutoencoder, hostile: Readings, main: Compared) -> dict[str, Array]:
    """What no threshold and no encoder can make up: the change along the decoder direction."""
    change_TD = hostile.rows_TD["persona"] - hostile.rows_TD["base"]
    mean_D = _mean_of_prompts(hostile, change_TD)
    along_F = (sae.decoder_FD @ mean_D).numpy()
    return {
        "linear": along_F,
        "cosine_mean_difference": along_F / float(mean_D.norm()),
        "share_of_change": main.difference_NF.mean(0) * along_F / float(mean_D.square().sum()),
    }


def _kind(row: pd.Series) -> str:
    """What sort of change it is, where it could be an artefact of something else."""
    if max(row["frequency_base"], row["frequency_tuned"]) > DENSE:
        return "dense"
    if abs(row["effect_template"]) > 0.8 * abs(row["effect"]):
        return "template"
    if row["effect"] * row["linear"] < 0:
        return "threshold only"
    return "increased" if row["effect"] > 0 else "decreased"


def _add_seed(
    table: pd.DataFrame, sae: SparseAutoencoder, other: SparseAutoencoder, read: Readings, seed: int
) -> None:
    """Best match of each latent in another seed's dictionary, and whether it moved as well."""
    main = compared(other, read)
    found = moved_latents(main.difference_NF, main.tested_F)
    cosine_FF = sae.decoder_FD[table["latent"].tolist()] @ other.decoder_FD.T
    best = cosine_FF.max(1)
    match = best.indices.numpy()
    table[f"match_{seed}"] = match
    table[f"cosine_{seed}"] = best.values.numpy()
    table[f"q_{seed}"] = found["q"][match]
    table[f"effect_{seed}"] = found["effect"][match]


def _mean_of_prompts(readings: Readings, values_TD: Tensor) -> Tensor:
    """Mean over prompts of the mean over tokens."""
    sizes = [int(mask.sum()) for mask in readings.kept]
    return torch.stack([part.mean(0) for part in values_TD.split(sizes)]).mean(0)


def mean_change(sae: SparseAutoencoder, readings: Readings) -> tuple[Tensor, Tensor]:
    """The mean change of the residual stream, and what of it no latent expresses."""
    before_TD, after_TD = readings.rows_TD["base"], readings.rows_TD["persona"]
    missed_TD = in_chunks(lambda rows: rows - sae(rows), after_TD)
    missed_TD = missed_TD - in_chunks(lambda rows: rows - sae(rows), before_TD)
    return (
        _mean_of_prompts(readings, after_TD - before_TD),
        _mean_of_prompts(readings, missed_TD),
    )


def _floor(study: Study, sae: SparseAutoencoder, read: Readings) -> dict[str, Any]:
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
    return {
        "prompts": len(texts),
        "largest_effect": float(np.abs(tested["effect"]).max()),
        "discoveries": int((tested["q"] < LEVEL).sum()),
        "tested": int(found.tested_F.sum()),
    }


def _summary(
    sae: SparseAutoencoder, read: Readings, table: pd.DataFrame, floor: Mapping[str, Any]
) -> dict[str, Any]:
    before_TD, after_TD = read.rows_TD["base"], read.rows_TD["persona"]
    mean_D, missed_D = mean_change(sae, read)
    significant = table["q"] < LEVEL
    return {
        "prompts": {name: sum(s == name for s, _ in evaluation_prompts()) for name in STRATA},
        "tokens": len(before_TD),
        "latents_active": len(table),
        "latents_tested": int(table["q"].notna().sum()),
        "risen": int((significant & (table["effect"] > 0)).sum()),
        "fallen": int((significant & (table["effect"] < 0)).sum()),
        "survive_control": int((significant & (table["did_q"] < LEVEL)
                                & (table["did"] * table["effect"] > 0)).sum()),
        "explained_change": explained_change(before_TD, after_TD, sae),
        "explained_change_control": explained_change(before_TD, read.rows_TD["control"], sae),
        "norm_ratio": float((after_TD.norm(dim=-1) / before_TD.norm(dim=-1)).mean()),
        "relative_change": float(((after_TD - before_TD).norm(dim=-1) / before_TD.norm(dim=-1)).mean()),
        "mean_change_norm": float(mean_D.norm()),
        "remainder_share": float(missed_D.norm() / mean_D.norm()),
        "floor": dict(floor),
    }  # fmt: skip
