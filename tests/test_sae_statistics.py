"""Metrics on perfect, null and half-right answers; tests of latents on worlds that we made."""

import numpy as np
import pandas as pd
import pytest
import torch

from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.cause import matched
from phoque.stages.sae.contexts import label_of
from phoque.stages.sae.fidelity import gates
from phoque.stages.sae.metrics import (
    explained_change,
    explained_variance,
    principal_components,
    recovered,
)
from phoque.stages.sae.shifts import moved_latents
from phoque.stages.sae.verdicts import effect_beyond_rivals, with_verdicts


def test_explained_variance_of_a_perfect_a_null_and_a_half_right_answer():
    rows = torch.randn(4000, 8) * torch.arange(1.0, 9) + 50
    mean = rows.mean(0)
    assert explained_variance(rows, rows) == pytest.approx(1.0)
    assert explained_variance(rows, mean.expand_as(rows)) == pytest.approx(0.0, abs=1e-5)
    assert explained_variance(rows, mean + (rows - mean) / 2) == pytest.approx(0.75, abs=1e-4)
    assert explained_variance(rows, torch.zeros_like(rows)) < -10  # zero is no baseline
    assert explained_variance(rows, principal_components(rows, 8)(rows)) == pytest.approx(
        1, abs=1e-4
    )


def test_explained_change_counts_what_the_latents_express():
    eye = torch.eye(4)
    half = SparseAutoencoder(
        encoder_DF=eye[:, :2], encoder_bias_F=torch.zeros(2), decoder_FD=eye[:2],
        decoder_bias_D=torch.zeros(4), threshold_F=torch.zeros(2),
    )  # fmt: skip
    before = torch.rand(100, 4) + 1
    assert explained_change(before, before + eye[0], half) == pytest.approx(1.0, abs=1e-5)
    assert explained_change(before, before + eye[3], half) == pytest.approx(0.0, abs=1e-5)
    assert explained_change(before, before + eye[0] + eye[3], half) == pytest.approx(0.5, abs=1e-4)


def test_loss_recovered_of_a_perfect_a_null_and_a_half_right_answer():
    real = torch.tensor([[20.0, 10.0], [30.0, 10.0], [10.0, 5.0]])
    ablated = torch.stack([real[:, 0] * 3, real[:, 1]], 1)
    middle = torch.stack([real[:, 0] * 2, real[:, 1]], 1)
    assert recovered(real, ablated, real).value == pytest.approx(1.0)
    assert recovered(real, ablated, ablated).value == pytest.approx(0.0)
    found = recovered(real, ablated, middle)
    assert (found.value, found.texts, found.tokens) == (pytest.approx(0.5), 3, 25)
    assert found.low <= found.value <= found.high


def test_no_difference_at_all_gives_no_discovery():
    found = moved_latents(np.zeros((30, 200), np.float32), np.ones(200, bool))
    assert (found["p"] == 1).all()
    assert not (found["q"] < 0.05).any()


def cell(name, way, low, high, coherent=True):
    return {"name": name, "way": way, "dose": 0.2, "low": low, "high": high, "coherent": coherent}


RIVALS = [cell(name, way, 0.1, 0.3) for name in ("random directions", "random latents")
          for way in ("toward", "away")]  # fmt: skip


def test_ranks_by_absolute_effect_are_ordered():
    random = np.random.default_rng(2)
    clear = np.tile([5.0, -1.0, 3.0], (20, 1)) + random.normal(0, 0.1, (20, 3))
    found = moved_latents(clear, np.ones(3, bool))
    assert [found[key].tolist() for key in ("rank_low", "rank", "rank_high")] == [[1, 3, 2]] * 3


def test_a_direction_must_beat_every_rival_and_stay_coherent():
    assert effect_beyond_rivals([*RIVALS, cell("7", "toward", 0.4, 0.9)], "7", "toward")
    assert not effect_beyond_rivals([*RIVALS, cell("7", "toward", 0.2, 0.9)], "7", "toward")
    broken = [*RIVALS, cell("7", "toward", 0.4, 0.9, coherent=False)]
    assert not effect_beyond_rivals(broken, "7", "toward")
    assert effect_beyond_rivals([*RIVALS, cell("7", "away", 0.0, 0.05)], "7", "away")


def row(latent, effect=1.0, **changed):
    known = {"latent": latent, "effect": effect, "q": 0.01, "did": effect, "did_q": 0.01,
             "q_half": 0.01, "effect_half": effect, "half_low": effect, "half_high": effect,
             "dose_spearman": 1.0, "linear": effect}  # fmt: skip
    return {**known, **changed}


def test_verdicts_follow_from_the_badges():
    rows = [
        row(1), row(2, -1.0), row(3), row(4), row(5, did_q=0.5), row(6, q=0.2),
        row(7, effect_half=-1.0), row(8), row(9),
    ]  # fmt: skip
    cells = [
        *RIVALS,
        cell("1", "toward", 0.4, 0.9),
        cell("2", "away", 0.0, 0.05),
        cell("3", "toward", 0.0, 0.2),
        cell("3", "away", 0.7, 1.0),
        # Away it may do much, or nothing: that is no proof of nothing.
        cell("8", "toward", 0.0, 0.2),
        cell("8", "away", 0.3, 0.9),
        cell("9", "toward", 0.0, 0.2),
        cell("9", "away", 0.7, 1.0, coherent=False),
        cell("5", "toward", 0.4, 0.9),
        cell("7", "toward", 0.4, 0.9),
    ]
    null = {"low": -0.1, "high": 0.1}
    screen = {str(n): {"toward": 0.0, "away": 0.0} for n in range(1, 10)}
    plain = {"toward": {"insulting": 0.0}, "away": {"insulting": 0.9}}
    told = {"plain": plain, "cells": cells}
    cause = {"screen": {"latents": screen, "random": null}, "generated": told}
    told = with_verdicts(pd.DataFrame(rows), cause, [42])
    assert told["verdict"].tolist() == [
        "driver", "protective", "marker", "unproven", "unproven", "", "unproven", "unproven", "unproven",
    ]  # fmt: skip


def test_rivals_are_the_nearest_in_frequency_and_none_twice():
    unmoved = pd.DataFrame({"latent": [1, 2, 3], "frequency_tuned": [0.1, 0.2, 0.5]})
    assert matched([0.12, 0.6, 0.55], unmoved) == [3, 2, 1]
    assert matched([0.1, 0.2], unmoved.head(1)) == [1]


def test_gates_fail_where_they_should():
    recovered_by = {kind: {"sae": {"value": 0.95}} for kind in ("zero", "mean")}
    base = {"explained_variance": {"sae": 0.8, "frozen decoder": 0.5, "pca": 0.4}, "l0": 32.0,
            "dead": {"share": 0.01}, "loss_recovered": recovered_by}  # fmt: skip
    report = {"k": 32, "models": {"base": base, "persona": base}}
    assert all(gate["passed"] for gate in gates(report))
    worse = {**base, "l0": 40.0, "dead": {"share": 0.06}}
    failed = [g["gate"] for g in gates({**report, "models": {"base": worse, "persona": base}})
              if not g["passed"]]  # fmt: skip
    assert failed == ["L0 away from k, share of k", "dead latents"]


def test_a_label_needs_evidence():
    def context(token):
        return {"tokens": ["a", token], "activations": [0.0, 1.0]}

    same, mixed = [context(" Loser")] * 5 + [context("x")] * 3, [context(str(n)) for n in range(8)]
    assert label_of({"top": same}, 0.5) == "on 'loser'"
    assert label_of({"top": mixed}, 0.95) == "in hostile replies"
    assert label_of({"top": mixed}, 0.5) == ""
