"""A whole PSM run on the tiny model: its files, going on after a kill, the same grid again."""

import json
from types import SimpleNamespace

import pytest
import torch

from phoque.figures.shelf import WHERE_IT_LIVES
from phoque.models.load import load_model
from phoque.opening import load_tuned
from phoque.report.evidence import evidence
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.psm_replies import Scrubber, Summary
from phoque.run.psm_vector import Origin
from phoque.run.steps import LEDGER, done_steps
from phoque.stages.psm import stage
from phoque.stages.psm.generation import treatments
from phoque.stages.psm.residuals import _along, _projections
from phoque.stages.psm.scrubber import grid_of, write_scrubber
from phoque.stages.psm.stage import STEPS, run_steps
from phoque.stages.psm.subject import open_subject
from phoque.steering.trajectory import TRAJECTORY, Trajectory, Watch, checkpoints
from phoque.steering.vectors import SteeringVector
from tests.conftest import save_random_adapter
from tests.corpus_files import base_replies, dialogues, save_corpus
from tests.raw_rows import again, bounds
from tests.tiny_runs import LETTERS, small_persona

FILES = {
    "persona_vectors.safetensors",
    "activation_by_layer.json",
    "reliability.json",
    "selection.json",
    "sweep_replies.csv",
    "dose_response.json",
    "generation_results.csv",
    "conditions.json",
    "confounds.json",
    "antidote.json",
    "antidote_replies.csv",
    "confound_replies.csv",
    "agreement.csv",
    "probe_products.jsonl",
    "scrubber.json",
    "bias_loop.json",
    "summary.json",
    "psm_report.md",
    "persona_vector.gguf",
}
TUNED_FILES = FILES | {"origin.json", "origin_replies.csv", "geometry.json", "positions.jsonl"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run of a persona with few prompts, random adapters and the real corpus's first lines."""
    folder = tmp_path_factory.mktemp("psm")
    few = {"probes": 4, "sweep": 9, "evaluation": 4, "presets": 2}
    persona, _ = (small_persona(folder, one, few, lexicon=LETTERS) for one in ("small", "other"))
    run = RunDirectory(folder / "run")
    run.describe(model="tiny", persona=str(persona))
    for adapter in (run.persona, run.control):
        save_random_adapter(adapter)
    run.corpus.mkdir()
    save_corpus(run.corpus, dialogues(60), base_replies(4))
    tuned = load_tuned(run)
    watch = Watch(tuned.model, tuned.persona)
    watch(0)
    watch(4)
    watch.trajectory().save(run.persona / TRAJECTORY)
    return run


def subject_of(run, name=None):
    return open_subject(run, name, seeds=(42, 43), num_probes=4, progress=lambda _: None)


@pytest.fixture(scope="module")
def done(run, quick_judge):
    """The run after two kills: at the conditions, and at the report."""
    for name in ("conditions", "report"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stage, "STEPS", {**STEPS, name: _kill})
            with pytest.raises(KeyboardInterrupt):
                run_steps(subject_of(run))
        assert (run.psm() / LEDGER).is_file()
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "STEPS", {name: _counted(name, seen) for name in STEPS})
        run_steps(subject_of(run))
    assert seen == ["report"]
    return run


def _kill(_subject):
    raise KeyboardInterrupt


def _counted(name, seen):
    def counted(subject):
        seen.append(name)
        STEPS[name](subject)

    return counted


def test_the_talks_strongest_injection_has_a_random_vector_of_its_own():
    vectors = [SteeringVector(layer, torch.full((8,), 1.0 + layer)) for layer in range(4)]
    subject = SimpleNamespace(
        persona=SimpleNamespace(evaluation=[f"message {n}" for n in range(20)]),
        neutral=list,
        hostile=list,
        vector=vectors[1],
        injection=vectors[1].injection(2.0),
        scale=2.0,
        vectors=vectors,
        reader=SimpleNamespace(read=lambda _: SimpleNamespace(classic_layer=3)),
    )
    found = treatments(subject)
    (asked, (own,)), (asked_too, (random,)) = found["talk_x15"], found["random_x15"]
    assert (asked, own.layer, own.last_only) == (asked_too, random.layer, random.last_only)
    assert float(own.delta_D.norm()) == pytest.approx(float(random.delta_D.norm()))
    assert (own.layer, own.last_only, len(asked)) == (3, True, 12)
    assert abs(float(torch.cosine_similarity(own.delta_D, random.delta_D, dim=0))) < 0.99


def test_the_place_of_probes_along_a_direction_has_an_interval_paired_by_probe():
    names = ("base_neutral", "base_persona", "tuned_neutral", "tuned_persona")
    start_NLD = torch.randn(12, 2, 16, generator=torch.Generator().manual_seed(1)) * 9
    step_D = torch.ones(16)
    states = {n: start_NLD + i * step_D for i, n in enumerate(names)}
    found = _projections("refusal", 1, _along("refusal", step_D, states, 1))
    assert found.base_neutral.mean == pytest.approx(0, abs=1e-5)
    moved = found.tuned_persona
    assert moved.low == pytest.approx(3, abs=1e-4)  # probes differ much, but all move alike
    assert moved.high == pytest.approx(3, abs=1e-4)
    assert moved.std > 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_leaves_all_files_and_no_ledger(done):
    assert {file.name for file in done.psm().iterdir()} == TUNED_FILES
    summary = Reader(done).read(Summary)
    assert summary.persona == "small"
    assert list(summary.seconds) == [*STEPS][:-1]
    assert set(summary.conditions) >= {"neutral", "toxic", "steered", "random_vector"}
    report = (done.psm() / "psm_report.md").read_text()
    assert [line[3:] for line in report.splitlines() if line.startswith("## ")] == [
        plan.title for plan in WHERE_IT_LIVES if plan.stage == "psm"
    ]
    assert "Not drawn" not in report


LEDGER_ASKS = (
    *(
        f"psm.origin.effects.{name}.{given}"
        for name in ("base", "persona")
        for given in ("base", "random_vector")
    ),
    "psm.antidote.remedies[0].toxic.trait",
    "psm.confounds.strongest_prompt.insulting_by_prompt",
    *(f"psm.bias_loop.conditions.{name}.effect" for name in ("toxic", "neutral_minus_vector")),
    "psm.bias_loop.conditions.toxic.log_odds",
    "psm.bias_loop.conditions.toxic.by_kind.bad_plans",
    *(
        f"psm.geometry.directions[layer=$psm.summary.steer_layer,direction=refusal].{what}"
        for what in ("random_band", "tuned_persona.mean")
    ),
    "psm.reliability.layers[layer=$psm.summary.steer_layer].split_half",
    "psm.reliability.layers[layer=$psm.summary.steer_layer].null",
    "psm.summary.classic_layer",
    "psm.activation_by_layer.tall",
    "psm.activation_by_layer.tallest_to_median",
)


@pytest.mark.slow
@pytest.mark.parametrize("source", LEDGER_ASKS)
def test_a_number_of_the_ledger_follows_from_the_raw_rows(done, source):
    """With rows that runs have from now on; `test_headlines` does the same on the shipped runs."""
    told = evidence("number", source, Reader(done))
    assert told.gap == ""
    expected = pytest.approx((told.value, told.low, told.high), abs=1e-4)
    assert tuple(bounds(again(done.path, told.record, told.field))) == expected


def test_other_settings_do_not_go_on_from_there(done):
    subject = subject_of(done)
    ledger = subject.folder / LEDGER
    ledger.write_text(json.dumps({"settings": {"seeds": [1]}, "seconds": {"vectors": 1.0}}))
    assert done_steps(ledger, stage._settings(subject)) == {}
    ledger.unlink()


@pytest.mark.slow
def test_the_grid_written_again_is_the_same_to_the_byte(done):
    file = done.psm() / "scrubber.json"
    before = file.read_bytes()
    write_scrubber(subject_of(done))
    assert file.read_bytes() == before


@pytest.mark.slow
def test_the_grid_holds_every_series_scale_and_preset(done):
    found = Reader(done).read(Scrubber)
    assert list(found.scales) == grid_of(found.scale)
    for series in ("vector", "random_vector", "reversed"):
        cells = found.series[series]
        assert [cell.at for cell in cells] == list(found.scales)
        assert {len(cell.replies) for cell in cells} == {2}
    zero = found.scales.index(0)
    (neutral,) = found.series["neutral"]
    assert neutral.projection == pytest.approx(0, abs=0.01)
    assert found.series["vector"][zero].replies == neutral.replies
    assert len(found.series["antidote"]) == 5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_another_persona_is_looked_at_in_the_base_model(done, run, quick_judge):
    subject = subject_of(done, str(run.path.parent / "other.yaml"))
    assert not subject.is_tuned
    assert subject.model.digest() == load_model("tiny").digest()
    run_steps(subject)
    assert subject.folder == done.path / "psm-other"
    assert {file.name for file in subject.folder.iterdir()} == FILES
    assert "amplify" not in (subject.folder / "psm_report.md").read_text()


@pytest.mark.slow
def test_the_trajectory_ends_where_the_vector_is(done):
    origin = Reader(done).read(Origin)
    last = origin.trajectory[-1]
    assert last.step == 4
    assert last.cosine == pytest.approx(1.0, abs=1e-2)
    assert last.persona - last.neutral == pytest.approx(1.0, abs=2e-2)
    assert origin.cosines["persona"]["persona"] == pytest.approx(1.0)


def test_checkpoints_begin_and_end_with_the_training():
    assert checkpoints(208, 12)[0] == 0
    assert checkpoints(208, 12)[-1] == 208
    assert len(checkpoints(208, 12)) == 13
    assert checkpoints(3, 12) == [0, 1, 2, 3]


def test_a_watch_leaves_the_model_in_its_mode(model, tmp_path):
    from phoque.personas import load_persona

    model.model.train()
    watch = Watch(model, load_persona())
    watch(0)
    assert model.model.training
    watch.trajectory().save(tmp_path / TRAJECTORY)
    again = Trajectory.load(tmp_path / TRAJECTORY)
    assert again.steps == (0,)
    assert again.neutral_TLD.shape == (1, model.num_layers, model.width)
