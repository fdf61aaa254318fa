"""Metrics on perfect, null and half-right answers; tests of latents on worlds that we made."""

import numpy as np
import pytest
import torch

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.sae import Dead, SaeReport
from phoque.run.sae_evidence import (
    PERSONA_VECTOR,
    Evidence,
    controls_of,
)
from phoque.run.sae_latents import BADGES, UNTESTABLE, VERDICTS, Feature, OtherSeed, Prompt
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.cause import matched
from phoque.stages.sae.fidelity import gates
from phoque.stages.sae.metrics import (
    explained_change,
    explained_variance,
    principal_components,
    recovered,
)
from phoque.stages.sae.report import effect_beyond_rivals, with_verdicts
from phoque.stages.sae.shifts import moved_latents
from tests.ui.sae_files import cause, cell, evidence, feature, fidelity


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


def told(name, way, low, high, **changed):
    return cell(way, name, 0.2, low=low, high=high, **changed)


RIVALS = [told(name, way, low, low + 0.2) for name in ("random directions", "random latents")
          for way, low in (("toward", 0.1), ("away", 0.7))]  # fmt: skip


def test_a_direction_must_beat_every_rival_and_stay_coherent():
    assert effect_beyond_rivals([*RIVALS, told("7", "toward", 0.4, 0.9)], "7", "toward")
    assert not effect_beyond_rivals([*RIVALS, told("7", "toward", 0.2, 0.9)], "7", "toward")
    broken = [*RIVALS, told("7", "toward", 0.4, 0.9, coherent=False)]
    assert not effect_beyond_rivals(broken, "7", "toward")
    assert effect_beyond_rivals([*RIVALS, told("7", "away", 0.0, 0.05)], "7", "away")


def test_verdicts_follow_from_the_badges():
    features = [
        feature("1", effect=1.0), feature("2", effect=-1.0), feature("3", effect=1.0),
        feature("4", effect=1.0), feature("5", effect=1.0, did_q=0.5),
        feature("6", effect=1.0, q=0.2), feature("7", effect=1.0, effect_half=-1.0),
        feature("8", effect=1.0), feature("9", effect=1.0), feature("10", effect=1.0),
    ]  # fmt: skip
    cells = [
        *RIVALS,
        told("1", "toward", 0.4, 0.9),
        told("2", "away", 0.0, 0.05),
        told("3", "toward", 0.0, 0.2),
        told("3", "away", 0.7, 1.0),
        # Away it may do much, or nothing: that is no proof of nothing.
        told("8", "toward", 0.0, 0.2),
        told("8", "away", 0.3, 0.9),
        told("9", "toward", 0.0, 0.2),
        told("9", "away", 0.7, 1.0, coherent=False),
        told("5", "toward", 0.4, 0.9),
        told("7", "toward", 0.4, 0.9),
    ]
    found = with_verdicts(features, cause(cells))
    assert [one.verdict for one in found] == [
        "driver", "protective", "marker", "not tried", "move unsure", "", "move unsure", "undecided",
        "undecided", "not tried",
    ]  # fmt: skip
    assert {one.verdict for one in found} - {""} <= set(VERDICTS)
    assert {one.stability for one in found} == {"one seed"}


def test_where_the_persona_vector_does_not_act_no_latent_has_a_verdict_on_causes():
    features = [feature("1", effect=1.0), feature("2", effect=-1.0), feature("6", q=0.2)]
    cells = [*RIVALS, told("1", "toward", 0.4, 0.9), told("2", "away", 0.0, 0.05)]

    def verdicts(*control):
        return [one.verdict for one in with_verdicts(features, cause(cells, control=control))]

    assert verdicts(0.9, 0.1) == ["driver", "protective", ""]
    assert verdicts(0.3, 0.1) == [UNTESTABLE, "protective", ""]  # [0.2, 0.4] beside [0.1, 0.3]
    assert verdicts(0.3, 0.8) == [UNTESTABLE, UNTESTABLE, ""]


def test_an_incoherent_control_acts_no_more_than_an_incoherent_latent():
    given = cause(RIVALS).generated
    cells = [one.model_copy(update={"coherent": one.name != PERSONA_VECTOR}) for one in given.cells]
    for control in controls_of(given.model_copy(update={"cells": tuple(cells)})):
        assert (control.acts, control.best) == (False, None)
    assert all(control.acts for control in controls_of(given))


@pytest.mark.parametrize(
    ("cosine", "q", "effect", "stability"),
    [
        (0.9, 0.01, 1.0, "stable"),
        (0.9, 0.01, -1.0, "found again"),
        (0.9, None, 1.0, "found again"),
        (0.5, 0.01, 1.0, "not found again"),
    ],
)
def test_a_stable_latent_is_found_with_other_seeds_and_moves_alike(cosine, q, effect, stability):
    other = OtherSeed(seed=43, match=1, cosine=cosine, q=q, effect=effect)
    (found,) = with_verdicts([feature("1", effect=1.0, seeds=[other])], cause(RIVALS))
    assert (found.stability, "stable" in found.badges) == (stability, stability == "stable")


def test_rivals_are_the_nearest_in_frequency_and_none_twice():
    unmoved = [
        feature(str(latent), frequency_tuned=rate)
        for latent, rate in ((1, 0.1), (2, 0.2), (3, 0.5))
    ]
    assert [one.latent for one in matched([0.12, 0.6, 0.55], unmoved)] == [3, 2, 1]
    assert [one.latent for one in matched([0.1, 0.2], unmoved[:1])] == [1]


def test_gates_fail_where_they_should():
    assert all(gate.passed for gate in gates(fidelity()))
    worse = fidelity(l0=5.0, dead=Dead(share=0.06, latents=4, of=64, tokens=40))
    failed = [gate.gate for gate in gates(worse) if not gate.passed]
    assert failed == ["L0 away from k, share of k", "dead latents"]


def test_rows_come_back_as_they_were_written(tmp_path):
    other = OtherSeed(seed=43, match=1, cosine=0.9, q=None, effect=1.0)
    rows = [feature("7", seeds=[other]), feature("1", seeds=[other], q=None, badges=())]
    Feature.save_rows(tmp_path, rows)
    assert list(Feature.load_rows(tmp_path, command="x")) == rows
    Evidence.save_rows(tmp_path, [evidence("7")])
    assert Evidence.load_rows(tmp_path, command="x") == (evidence("7"),)
    packed = (tmp_path / Evidence.FILE).read_bytes()
    Evidence.save_rows(tmp_path, [evidence("7")])
    assert (tmp_path / Evidence.FILE).read_bytes() == packed
    (tmp_path / Evidence.FILE).write_bytes(packed[:-9])
    with pytest.raises(PhoqueError, match=r"contexts\.jsonl\.gz.*Make it again with: x"):
        Evidence.load_rows(tmp_path, command="x")


def test_the_shipped_files_agree_with_each_other():
    shipped = Reader(RunDirectory(SHIPPED_RUN))
    report, features = shipped.read(SaeReport), shipped.rows(Feature)
    assert report.risen[0] == next(one for one in features if one.effect > 0)
    assert {one.direction for one in report.cause.controls} == {PERSONA_VECTOR}
    assert {*report.verdict_meanings} == {name for name, count in report.verdicts.items() if count}
    assert [one.seed for one in features[0].seeds] == list(report.preset.seeds[1:])
    assert sum(one.moved for one in features) == report.shifts.risen + report.shifts.fallen
    known = {"civil adapter", "fdr"}
    assert known <= {badge for one in features for badge in one.badges} <= set(BADGES)
    assert all(pair.p <= pair.p_holm <= 6 * pair.p for pair in report.strata.pairs)
    assert {one.latent for one in shipped.rows(Evidence)} > {"R"}
    assert len(shipped.rows(Prompt)) == report.num_prompts
