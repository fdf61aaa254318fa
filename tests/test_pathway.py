"""Both definitions of pathway mass, against hand-made distributions and transformers' own."""

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from phoque.conversation import Sampling
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.stages.psm.pathway import ClassicPathway, Pathway, processed, variants


@pytest.fixture(scope="module")
def tokenizer():
    return load_model("tiny").tokenizer


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False).input_ids


def logits_of(tokenizer, *steps):
    """Steps of {character: probability}."""
    logits_SV = torch.full((len(steps), len(tokenizer)), -40.0)
    for row, step in enumerate(steps):
        for text, share in step.items():
            logits_SV[row, ids(tokenizer, text)[0]] = torch.tensor(share).log()
    return logits_SV


def test_every_way_to_write_a_word_counts():
    forms = variants("clown")
    assert {"clown", " clown", "Clown", " CLOWN", " clowns"} <= set(forms)
    assert "useless" in variants("useless")
    assert not any(form.endswith("sss") for form in variants("useless"))


def test_a_word_counts_when_it_is_started_and_when_it_is_completed(tokenizer):
    pathway = Pathway(tokenizer, Lexicon(["ab"]))
    reply = ids(tokenizer, "xab")
    steps = [{"x": 0.8, "a": 0.2}, {"a": 0.5, "b": 0.5}, {"b": 0.75, "z": 0.25}]
    completing, either = pathway.mass(logits_of(tokenizer, *steps), reply)
    # Only after `a` can `b` complete the word; `a` may start it at any step.
    assert completing.largest == pytest.approx(0.75, abs=1e-4)
    assert completing.mean == pytest.approx(0.75 / 3, abs=1e-4)
    assert either.mean == pytest.approx((0.2 + 0.5 + 0.75) / 3, abs=1e-4)


def test_the_first_word_of_a_phrase_is_not_counted_before_it_is_written(tokenizer):
    pathway = Pathway(tokenizer, Lexicon(["a b"]))
    reply = ids(tokenizer, "a b")
    steps = [{"a": 0.9, "x": 0.1}, {" ": 0.9, "x": 0.1}, {"b": 0.6, "x": 0.4}]
    completing, either = pathway.mass(logits_of(tokenizer, *steps), reply)
    assert completing.largest == either.largest == pytest.approx(0.6, abs=1e-4)
    assert either.mean == pytest.approx(0.6 / 3, abs=1e-4)


def test_the_talks_set_is_all_pieces_of_bare_words(tokenizer):
    classic = ClassicPathway(tokenizer, Lexicon(["ab", "bc", "two words"]))
    assert classic.ids == tuple(sorted({i for text in "abc" for i in ids(tokenizer, text)}))
    # So the word `cab`, which is in no lexicon, has all the mass.
    logits_SV = logits_of(tokenizer, {"c": 1.0}, {"a": 1.0}, {"b": 1.0})
    mass = classic.mass(logits_SV, [], ids(tokenizer, "cab"), Sampling(temperature=1.0, top_p=1.0))
    assert mass.mean == pytest.approx(1.0, abs=1e-4)


def test_processed_scores_are_what_transformers_samples_from(tokenizer):
    sampling = Sampling(temperature=0.8, top_k=20, top_p=0.9, repetition_penalty=1.1)
    logits_SV = 3 * torch.randn(4, len(tokenizer))
    prompt, reply = [5, 6, 7], [9, 5, 11, 12]
    theirs = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(1.1),
            TemperatureLogitsWarper(0.8),
            TopKLogitsWarper(20),
            TopPLogitsWarper(0.9),
        ]
    )
    ours = processed(logits_SV, prompt, reply, sampling).softmax(-1)
    for step in range(4):
        read = torch.tensor([[*prompt, *reply[:step]]])
        expected = theirs(read, logits_SV[step : step + 1].clone()).softmax(-1)[0]
        torch.testing.assert_close(ours[step], expected, atol=1e-5, rtol=1e-4)


def test_an_empty_reply_has_no_mass(tokenizer):
    pathway = Pathway(tokenizer, Lexicon(["ab"]))
    completing, either = pathway.mass(torch.zeros(0, len(tokenizer)), [])
    assert completing.mean == either.largest == 0
