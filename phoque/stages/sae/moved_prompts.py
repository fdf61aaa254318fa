"""Which prompts moved most, and whether a kind of prompt moves more than the others.

Shapes: N = prompts, T = tokens, D = width, F = latents.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd
import torch
from scipy.stats import permutation_test
from torch import Tensor

from phoque.files import write_json
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.readings import STRATA, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_CALM, READ_HOSTILE, SHIFTS
from phoque.stages.sae.study import Study
from phoque.stats.multiple import LEVEL
from phoque.stats.resampling import RESAMPLES, middle_95, resampled_means

PROMPT_TABLE, STRATA_FILE = "prompts.csv", "strata.json"


def rank_prompts(study: Study) -> None:
    """Write `prompts.csv`, most-shifted first, and `strata.json` with means and comparisons."""
    hostile, calm = (
        Readings.load(study.work / name, evaluation_texts(study, side))
        for name, side in ((READ_HOSTILE, "hostile"), (READ_CALM, "calm"))
    )
    table = pd.read_csv(study.work / SHIFTS)
    moved = torch.tensor(table[table["q"] < LEVEL]["latent"].tolist(), dtype=torch.long)
    sae = dictionary(study, study.preset.seeds[0])
    prompts = prompt_table(sae, moved, hostile, calm, study)
    prompts.to_csv(study.folder / PROMPT_TABLE, index=False)
    write_json(study.work / STRATA_FILE, strata_summary(prompts))


def prompt_table(
    sae: SparseAutoencoder, moved: Tensor, hostile: Readings, calm: Readings, study: Study
) -> pd.DataFrame:
    """One row a prompt: relative length of the change, in all and in the latents that moved."""
    total = _relative(hostile, "persona")
    control, quiet = _relative(hostile, "control"), _relative(calm, "persona")
    latents = _in_latents(sae, moved, hostile)
    rows = []
    for place, (stratum, prompt) in enumerate(evaluation_prompts()):
        peak = int(total[place].argmax())
        token = int(torch.tensor(hostile.texts[place].ids)[hostile.kept[place]][peak])
        rows.append(
            {
                "stratum": stratum,
                "prompt": prompt,
                "shift": float(total[place].mean()),
                "shift_in_latents": float(latents[place].mean()),
                "shift_control": float(control[place].mean()),
                "shift_calm": float(quiet[place].mean()),
                "peak": float(total[place][peak]),
                "peak_token": study.base.tokenizer.decode([token]),
                "tokens": len(total[place]),
            }
        )
    return pd.DataFrame(rows).sort_values("shift_in_latents", ascending=False)


def strata_summary(prompts: pd.DataFrame) -> dict[str, Any]:
    """Mean and interval of each stratum, and every pair of strata under permutation."""
    columns = ("shift_in_latents", "shift", "shift_control", "shift_calm")
    groups = {name: prompts[prompts["stratum"] == name] for name in STRATA}
    return {
        "strata": [
            {"stratum": name, "n": len(own)}
            | {column: _mean(own[column].to_numpy()) for column in columns}
            for name, own in groups.items()
        ],
        "pairs": [
            {"higher": one, "lower": other}
            | _difference(_shifts(groups[one]), _shifts(groups[other]))
            for one, other in combinations(STRATA, 2)
        ],
    }


def _relative(readings: Readings, model: str) -> Sequence[Tensor]:
    """Per prompt and token the length of the change over the length of the residual stream."""
    before_TD, after_TD = readings.rows_TD["base"], readings.rows_TD[model]
    moved_T = (after_TD - before_TD).norm(dim=-1) / before_TD.norm(dim=-1)
    return list(moved_T.split([int(mask.sum()) for mask in readings.kept]))


def _in_latents(sae: SparseAutoencoder, moved: Tensor, readings: Readings) -> Sequence[Tensor]:
    """The same for what the latents that moved express of it."""
    sizes = [int(mask.sum()) for mask in readings.kept]
    found = []
    for before_TD, after_TD in zip(
        *(readings.rows_TD[name].split(sizes) for name in ("base", "persona")), strict=True
    ):
        change_TF = (sae.encode(after_TD) - sae.encode(before_TD))[:, moved]
        lengths_T = (change_TF @ sae.decoder_FD[moved]).norm(dim=-1)
        found.append(lengths_T / before_TD.norm(dim=-1))
    return found


def _shifts(prompts: pd.DataFrame) -> Any:
    return prompts["shift_in_latents"].to_numpy()


def _mean(values: Any) -> dict[str, float]:
    low, high = middle_95(resampled_means(values))
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def _difference(one: Any, other: Any) -> dict[str, float]:
    """Difference of means and its two-sided p when labels are shuffled."""
    found = permutation_test(
        (one, other),
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        n_resamples=RESAMPLES,
        rng=42,
    )
    return {"difference": float(found.statistic), "p": float(found.pvalue)}
