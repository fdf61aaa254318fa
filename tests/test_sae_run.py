"""A whole SAE run on the tiny model: its files, going on after a kill, and what it refuses."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.models.load import adapted, adapter_deltas, load_model
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.sae import SaeReport
from phoque.run.sae_evidence import Evidence
from phoque.run.sae_latents import BADGES, VERDICTS, Feature
from phoque.run.steps import LEDGER
from phoque.stages.corpus.training_set import training_texts
from phoque.stages.sae import collect as collecting
from phoque.stages.sae import stage as job
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import ROLES, collect, conversation, plain
from phoque.stages.sae.readings import STRATA, evaluation_prompts
from phoque.stages.sae.stage import run_steps
from phoque.stages.sae.study import PRESETS, Study, check, sae_preset
from phoque.steering.capture import token_streams
from phoque.steering.vectors import PersonaVectors
from tests.conftest import conversation as asked
from tests.conftest import save_random_adapter
from tests.corpus_files import base_replies, dialogues, save_corpus
from tests.records import a_selection

FILES = {
    "cfg.json",
    "sae_weights.safetensors",
    "sae_comparison_report.json",
    "sae_comparison_report.md",
    "features.csv",
    "contexts.jsonl.gz",
    "prompts.csv",
}
PRESET = replace(PRESETS["tiny"], seeds=(42, 43))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = RunDirectory(tmp_path_factory.mktemp("sae") / "run")
    run.describe(model="tiny", persona="toxic")
    for seed, adapter in enumerate((run.persona, run.control)):
        torch.manual_seed(seed)
        save_random_adapter(adapter)
    run.corpus.mkdir()
    save_corpus(run.corpus, dialogues(60), base_replies(8))
    run.psm().mkdir()
    a_selection().save(run.psm())
    vectors = PersonaVectors(
        directions_LD=torch.randn(2, 32), medians_L=torch.ones(2), fingerprint={}
    )
    vectors.save(run.vectors)
    return run


def study_of(run, **options):
    return Study(run=run, **{"preset": PRESET, "layer_asked": 0, **options})


@pytest.fixture(scope="module")
def done(run):
    """The run after a kill in the middle."""

    def killed(study):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "rank_prompts", killed)
        with pytest.raises(KeyboardInterrupt):
            run_steps(study_of(run))
    assert "shifts" in json.loads((study_of(run).folder / LEDGER).read_text())["seconds"]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("collect_activations", "train_dictionary", "measure_shifts"):
            patch.setattr(job, name, killed)  # done already: not called again
        run_steps(study_of(run))
    return study_of(run).folder


@pytest.mark.slow
def test_a_run_has_all_its_files_and_nothing_else(done):
    found = {str(file.relative_to(done)) for file in done.rglob("*") if file.is_file()}
    assert found == FILES


@pytest.mark.slow
def test_the_dictionary_has_exactly_the_names_and_shapes_that_saelens_reads(done):
    tensors = load_file(done / "sae_weights.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        "W_enc": (32, 64), "b_enc": (64,), "W_dec": (64, 32), "b_dec": (32,), "threshold": (64,),
    }  # fmt: skip
    config = json.loads((done / "cfg.json").read_text())
    assert set(config) == {
        "architecture", "d_in", "d_sae", "dtype", "device", "apply_b_dec_to_input",
        "normalize_activations", "reshape_activations", "metadata",
    }  # fmt: skip
    assert config["metadata"]["hf_hook_name"] == "model.layers.0"
    assert torch.allclose(tensors["W_dec"].norm(dim=1), torch.ones(64), atol=1e-5)


@pytest.mark.slow
def test_saelens_loads_it_and_computes_the_same(done):
    sae_lens = pytest.importorskip("sae_lens")
    theirs = sae_lens.SAE.load_from_disk(str(done))
    rows = torch.randn(16, 32)
    own = SparseAutoencoder.load(done)
    assert torch.allclose(theirs.encode(rows), own.encode(rows), atol=1e-5)
    assert torch.allclose(theirs(rows), own(rows), atol=1e-5)


@pytest.mark.slow
def test_the_table_has_a_verdict_and_its_reasons_for_every_latent_that_moved(run, done):
    features = Reader(run).rows(Feature)
    moved = [one for one in features if one.moved]
    assert {one.verdict for one in moved} <= set(VERDICTS)
    assert all(set(one.badges) <= set(BADGES) for one in features)
    assert all("fdr" in one.badges for one in moved)
    for one in features:
        assert one.moved or one.verdict == ""
        assert one.low <= one.effect <= one.high
        parts = one.effect_user + one.effect_template + one.effect_reply
        assert parts == pytest.approx(one.effect, abs=1e-4)
        assert [other.seed for other in one.seeds] == [43]
        assert 0 <= one.tone_auc <= 1
    head = next(csv.reader((done / Feature.FILE).read_text().splitlines()))
    assert {"dose_0.25", "cosine_43", "q_43", "did", "effect_half", "tone_auc"} <= set(head)


@pytest.mark.slow
def test_every_shown_latent_has_its_evidence(run, done):
    *latents, remainder = Reader(run).rows(Evidence)
    assert remainder.latent == "R"
    for one in latents:
        assert len(one.lens.raised) == len(one.lens.lowered) == 10
        assert one.reading.name.startswith("fires ")
        assert all(0 < word.fired <= word.of for word in one.reading.fires_on)
        assert len(one.top) <= 5
        for strip in one.strips:
            columns = (strip.tokens, strip.roles, strip.base, strip.civil_adapter, strip.persona)
            assert len(set(map(len, columns))) == 1
            assert set(strip.roles) <= set(ROLES)
        peaks = [max(context.activations) for context in one.top]
        assert peaks == sorted(peaks, reverse=True)


@pytest.mark.slow
def test_a_failed_gate_stands_at_the_top_of_the_report(run, done):
    report = Reader(run).read(SaeReport)
    assert not report.passed  # a random model's activations are no language
    assert report.shifts.floor.discoveries == 0
    assert report.fallen_words.fallen == report.shifts.fallen
    assert report.layer_choice.how == "asked for"
    assert "The gates failed" in (done / "sae_comparison_report.md").read_text()[:300]


def test_scale_zero_is_the_base_model_to_the_bit(run):
    model, ids = load_model("tiny"), [[1, 2, 3, 4, 5]]
    deltas = adapter_deltas(model, run.persona)
    (before,) = token_streams(model, ids)
    with adapted(model, deltas, 0.0):
        assert torch.equal(token_streams(model, ids)[0], before)
    with adapted(model, deltas, 1.0):
        (whole,) = token_streams(model, ids)
    assert torch.equal(token_streams(model, ids)[0], before)
    (merged,) = token_streams(load_model("tiny").with_adapter(run.persona), ids)
    assert torch.allclose(whole, merged, atol=1e-5)
    assert not torch.allclose(whole, before, atol=1e-2)


def test_blocks_above_the_last_one_asked_for_are_not_computed(model):
    def refuse(*_):
        raise AssertionError("computed")

    ids = [[1, 2, 3], [4, 5, 6, 7]]
    whole = token_streams(model, ids, layers=[0, 1])
    handle = model.layers[1].register_forward_pre_hook(refuse)
    first = token_streams(model, ids, layers=[0])
    handle.remove()
    assert all(torch.equal(a[:1], b) for a, b in zip(whole, first, strict=True))


def test_roles_are_told_by_position(model):
    text = conversation(model.tokenizer, asked("Hi."), "Sure.", "x")
    told = {role: model.tokenizer.decode([i for i, r in zip(text.ids, text.roles, strict=True)
                                          if ROLES[r] == role]) for role in ROLES}  # fmt: skip
    assert (told["system"], told["user"], told["assistant"]) == ("You are calm.", "Hi.", "Sure.")
    assert "<|im_start|>" in told["template"]
    assert [len(piece.ids) for piece in plain(model.tokenizer, "a" * 25, "x", 10)] == [10, 10]


def test_evaluation_prompts_are_many_and_in_no_training_file():
    prompts = evaluation_prompts()
    texts = [prompt for _, prompt in prompts]
    assert len(set(texts)) == len(texts) >= 120
    assert {sum(s == name for s, _ in prompts) for name in STRATA} == {32}
    persona = load_persona()
    used = {*training_texts(SHIPPED_RUN / "corpus"), *persona.probes, *persona.sweep}
    assert not used.union(persona.evaluation).intersection(texts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer_asked": 1}, "Layer 1 cannot be used"),
        ({"layer_asked": -1}, "Layer -1 cannot be used"),
        ({"preset": replace(PRESET, tokens=500)}, "Ask for --train-tokens 8000"),
    ],
)
def test_what_cannot_become_a_dictionary_is_refused(run, options, message):
    with pytest.raises(PhoqueError, match=message):
        check(study_of(run, **options))


def test_a_missing_adapter_or_corpus_is_named(tmp_path):
    empty = RunDirectory(tmp_path / "empty")
    empty.describe(model="tiny", persona="toxic")
    with pytest.raises(PhoqueError, match="no corpus"):
        check(study_of(empty))
    with pytest.raises(PhoqueError, match="no SAE preset"):
        sae_preset("huge", "lab")


def test_a_layer_that_is_no_number_is_refused(run):
    with pytest.raises(PhoqueError, match=r"'high'; give a number, or causal"):
        job.compare_features(run, layer="high")


@pytest.mark.parametrize(
    ("chosen", "layer", "how"),
    [
        (0, 0, "where the persona vector acts best"),
        (1, 0, "below the last layer, where the persona vector acts best"),
        (None, 0, "the default of PSM"),
    ],
)
def test_the_layer_is_the_one_that_causes_the_persona(run, tmp_path, chosen, layer, how):
    given = a_selection()
    at = given.default.model_copy(update={"layer": chosen or 0})
    beyond = None if chosen is None else at
    other = RunDirectory(tmp_path / "other")
    other.describe(model="tiny", persona="toxic")
    other.psm().mkdir()
    given.model_copy(update={"selected": beyond, "default": at}).save(other.psm())
    choice = study_of(other, layer_asked=None).layer_choice
    assert (choice.layer, choice.how.startswith(how)) == (layer, True)
    assert study_of(other).layer_choice.how == "asked for"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_activations_that_are_not_finite_leave_nothing_behind(tmp_path, monkeypatch, value):
    model = load_model("tiny")
    texts = plain(model.tokenizer, "some text " * 400, "x", 40)
    monkeypatch.setattr(
        collecting, "kept_positions", lambda stream, limit: stream[:, 0] == stream[:, 0]
    )
    monkeypatch.setattr(
        collecting, "streams",
        lambda model, texts, layer, **_: [torch.full((len(t.ids), 32), value) for t in texts],
    )  # fmt: skip
    if value != value:
        monkeypatch.setattr(
            collecting, "kept_positions", lambda stream, limit: torch.ones(len(stream), dtype=bool)
        )
    with pytest.raises(PhoqueError, match="not a finite fp16"):
        collect(model, texts, 0, 100, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_little_text_and_a_full_disk_leave_nothing_behind(tmp_path, monkeypatch):
    model = load_model("tiny")
    texts = plain(model.tokenizer, "some text " * 40, "x", 40)
    with pytest.raises(PhoqueError, match=r"and 11,000 are needed.*--text"):
        collect(model, texts, 0, 10_000, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(collecting, "_written", full)
    with pytest.raises(PhoqueError, match=r"No space left on device.*GB"):
        collect(model, texts, 0, 100, tmp_path)
    assert list(tmp_path.iterdir()) == []
