"""Classifiers that people bring: any tokenizer, any padding, any limit, labels by any name."""

from itertools import product

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from phoque.errors import PhoqueError
from phoque.moderators.registry import load_classifier
from phoque.moderators.scoring import items_of, score
from tests.moderators import (
    FAMILIES,
    ROOM,
    bertweet_tokenizer,
    fast_tokenizer,
    random_classifier,
)

TEXTS = ["you are a useless clown", "kind", "a kind player", "you are " * 30]
UNLIMITED = ("xlnet",)


@pytest.mark.parametrize(
    ("family", "pad"),
    [*product(FAMILIES, ["[PAD]"]), *product(("bert", "roberta", "gpt2", "llama"), [None])],
)
def test_a_family_scores_long_and_short_texts_together(tmp_path, family, pad):
    folder = random_classifier(tmp_path, family, fast_tokenizer(pad_token=pad))
    classifier = load_classifier(folder)
    limit = 512 if family in UNLIMITED else ROOM
    assert classifier.info.max_tokens == limit
    together = classifier.score_batch(items_of(TEXTS))
    assert [one.truncated for one in together] == [False, False, False, limit < 62]
    for text, one in zip(TEXTS, together, strict=True):
        alone = classifier.score_batch(items_of([text]))[0].labels
        assert alone == pytest.approx(one.labels, abs=1e-5)
        assert sum(one.labels.values()) == pytest.approx(1)
    assert len({one.labels["toxicity"] for one in together}) == len(TEXTS)
    found = score(classifier, items_of(TEXTS), batch_size=3)
    assert [(one.error, one.truncated) for one in found] == [(None, False)] * len(TEXTS)


def test_a_tokenizer_without_a_fast_version_says_what_it_cut_off(tmp_path):
    tokenizer = bertweet_tokenizer(tmp_path / "written")
    assert not tokenizer.is_fast
    folder = random_classifier(tmp_path / "tweets", "roberta", tokenizer, vocab_size=len(tokenizer))
    # As published: what the library itself writes loses the words.
    bertweet_tokenizer(tmp_path / "tweets")
    classifier = load_classifier(folder)
    assert classifier.info.max_tokens == ROOM
    assert len(tokenizer(TEXTS[0]).input_ids) == 7
    short, long = classifier.score_batch(items_of([TEXTS[0], TEXTS[3]]))
    assert (short.truncated, long.truncated) == (False, True)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer(TEXTS[0]).input_ids])
    with torch.no_grad():
        direct = network(input_ids=ids).logits.softmax(-1)[0].tolist()
    assert list(short.labels.values()) == pytest.approx(direct, abs=1e-5)
    assert score(classifier, items_of(["you are " * 50]))[0].error is None


def test_the_least_limit_of_all_counts(tmp_path):
    tokenizer = fast_tokenizer(pad_token="[PAD]", model_max_length=12)
    assert load_classifier(random_classifier(tmp_path, "bert", tokenizer)).info.max_tokens == 12


@pytest.mark.parametrize("written", ["LABEL_1", "label_1", "Label 1", "label-1"])
def test_a_label_is_known_by_the_models_name_for_it(tmp_path, written):
    folder = random_classifier(
        tmp_path, "bert", fast_tokenizer(pad_token="[PAD]"), ("LABEL_0", "LABEL_1")
    )
    assert load_classifier(folder, harm_labels=[written]).info.harm_labels == ("label_1",)
    with pytest.raises(PhoqueError, match="label_0, label_1; no label LABEL_7 is known of it"):
        load_classifier(folder, harm_labels=[written, "LABEL_7"])


def test_a_label_of_jigsaw_may_be_written_as_the_model_writes_it(tmp_path):
    folder = random_classifier(tmp_path, "bert", fast_tokenizer(pad_token="[PAD]"))
    assert load_classifier(folder, harm_labels=["toxic"]).info.harm_labels == ("toxicity",)


def test_labels_that_would_have_one_name_keep_their_own(tmp_path):
    labels = ("toxic", "Toxicity")
    folder = random_classifier(tmp_path, "bert", fast_tokenizer(pad_token="[PAD]"), labels)
    found = load_classifier(folder, harm_labels=["Toxicity"])
    assert found.info.labels == labels
    assert found.info.harm_labels == ("Toxicity",)
    assert set(found.score_batch(items_of(["kind"]))[0].labels) == set(labels)


def test_one_label_alone_is_no_certainty(tmp_path):
    tokenizer = fast_tokenizer(pad_token="[PAD]")
    folder = random_classifier(tmp_path, "bert", tokenizer, ("harmful",))
    found = load_classifier(folder, harm_labels=["harmful"]).score_batch(items_of(TEXTS))
    assert len({one.labels["harmful"] for one in found}) == len(TEXTS)
    assert all(one.labels["harmful"] < 1 for one in found)


def test_a_model_that_is_no_classifier_is_refused(tmp_path):
    options = FAMILIES["bert"] | {"id2label": {0: "neutral", 1: "toxic"}}
    config = AutoConfig.for_model("bert", **options)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    fast_tokenizer(pad_token="[PAD]").save_pretrained(tmp_path)
    with pytest.raises(PhoqueError, match=r"is no classifier.* such as classifier\.bias"):
        load_classifier(str(tmp_path))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_folder_is_one_line(tmp_path, file):
    folder = random_classifier(tmp_path, "bert", fast_tokenizer(pad_token="[PAD]"))
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:60])
    with pytest.raises(PhoqueError, match="Cannot load the classifier") as refused:
        load_classifier(folder)
    assert "\n" not in str(refused.value)
