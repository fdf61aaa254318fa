"""Which prompts moved most, and whether a kind of prompt moves more than the others.

Shapes: N = prompts, T = tokens, D = width, F = latents.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import numpy as np
import torch
from scipy.stats import permutation_test
from torch import Tensor

from phoque.run.sae import Mean, Pair, Strata, Stratum
from phoque.run.sae_latents import Prompt
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.readings import CIVIL, STRATA, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_CALM, READ_HOSTILE
from phoque.stages.sae.study import Study
from phoque.stats.multiple import holm
from phoque.stats.resampling import RESAMPLES, middle_95, resampled_means


def rank_prompts(study: Study) -> None:
    """Write every prompt, most-shifted first, and the means and comparisons of their kinds."""
    hostile, calm = (
        Readings.load(study.work / name, evaluation_texts(study, side))
        for name, side in ((READ_HOSTILE, "hostile"), (READ_CALM, "calm"))
    )
    moved = torch.tensor([one.latent for one in study.features() if one.moved], dtype=torch.long)
    sae = dictionary(study, study.preset.seeds[0])
    prompts = moved_prompts(sae, moved, hostile, calm, study)
    Prompt.save_rows(study.folder, prompts)
    strata_of(prompts).save(study.work)


def moved_prompts(
    sae: SparseAutoencoder, moved: Tensor, hostile: Readings, calm: Readings, study: Study
) -> list[Prompt]:
    """Relative length of the change on every prompt, in all and in the latents that moved."""
    total, latents = _relative(hostile, "persona"), _in_latents(sae, moved, hostile)
    civil, quiet = _relative(hostile, CIVIL), _relative(calm, "persona")
    rows = []
    for place, (stratum, prompt) in enumerate(evaluation_prompts()):
        peak = int(total[place].argmax())
        token = int(torch.tensor(hostile.texts[place].ids)[hostile.kept[place]][peak])
        rows.append(
            Prompt(
                stratum=stratum,
                prompt=prompt,
                shift=float(total[place].mean()),
                shift_in_latents=float(latents[place].mean()),
                shift_civil_adapter=float(civil[place].mean()),
                shift_calm=float(quiet[place].mean()),
                peak=float(total[place][peak]),
                peak_token=study.base.tokenizer.decode([token]),
                tokens=len(total[place]),
            )
        )
    return sorted(rows, key=lambda row: -row.shift_in_latents)


def strata_of(prompts: Sequence[Prompt]) -> Strata:
    """Mean and interval of each kind of prompt, and every pair of kinds under permutation."""
    groups = {name: [one for one in prompts if one.stratum == name] for name in STRATA}
    compared = [
        (one, other, _difference(groups[one], groups[other]))
        for one, other in combinations(STRATA, 2)
    ]
    adjusted = holm([p for *_, (_, p) in compared])
    return Strata(
        strata=tuple(
            Stratum(
                stratum=name,
                n=len(own),
                shift_in_latents=_mean([one.shift_in_latents for one in own]),
                shift=_mean([one.shift for one in own]),
                shift_civil_adapter=_mean([one.shift_civil_adapter for one in own]),
                shift_calm=_mean([one.shift_calm for one in own]),
            )
            for name, own in groups.items()
        ),
        pairs=tuple(
            Pair(higher=one, lower=other, difference=difference, p=p, p_holm=p_holm)
            for (one, other, (difference, p)), p_holm in zip(compared, adjusted, strict=True)
        ),
    )


def _relative(readings: Readings, model: str) -> Sequence[Tensor]:
    """Per prompt and token the length of the change over the length of the residual stream."""
    before_TD, after_TD = readings.rows_TD["base"], readings.rows_TD[model]
    return readings.by_text((after_TD - before_TD).norm(dim=-1) / before_TD.norm(dim=-1))


def _in_latents(sae: SparseAutoencoder, moved: Tensor, readings: Readings) -> Sequence[Tensor]:
    """The same for what the latents that moved express of it."""
    found = []
    both = (readings.by_text(readings.rows_TD[name]) for name in ("base", "persona"))
    for before_TD, after_TD in zip(*both, strict=True):
        change_TF = (sae.encode(after_TD) - sae.encode(before_TD))[:, moved]
        lengths_T = (change_TF @ sae.decoder_FD[moved]).norm(dim=-1)
        found.append(lengths_T / before_TD.norm(dim=-1))
    return found


def _mean(values: Sequence[float]) -> Mean:
    low, high = middle_95(resampled_means(np.array(values)))
    return Mean(mean=fmean(values), low=float(low), high=float(high))


def _difference(one: Sequence[Prompt], other: Sequence[Prompt]) -> tuple[float, float]:
    """Difference of means and its two-sided p when kinds are shuffled over prompts."""
    found = permutation_test(
        tuple([prompt.shift_in_latents for prompt in own] for own in (one, other)),
        lambda a, b, axis: np.mean(a, axis) - np.mean(b, axis),
        n_resamples=RESAMPLES,
        rng=42,
    )
    return float(found.statistic), float(found.pvalue)
