"""Classifiers of a normal machine: tiny random weights on disk, and a double of the service."""

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.moderators import guard, sequence
from phoque.moderators.catalogue import DETOXIFY, IDENTITY_LABELS
from phoque.moderators.classifier import HARM_LABELS, Item
from phoque.moderators.guard import Guard
from phoque.moderators.registry import CATALOGUE, load_classifier
from phoque.moderators.scoring import items_of, score
from tests.moderators import WORDS

TEXTS = ["you are a useless clown", "kind", "you are a kind player " * 3, "a"]
JIGSAW = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


def tokenizer():
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    )


def network(labels, **facts):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        initializer_range=1.0,
        **facts,
    )
    return BertForSequenceClassification(config).eval()


@pytest.fixture
def saved(tmp_path):
    def save(labels, **facts):
        network(labels, **facts).save_pretrained(tmp_path)
        tokenizer().save_pretrained(tmp_path)
        return str(tmp_path)

    return save


def test_labels_are_read_from_the_model_under_one_name(saved):
    classifier = load_classifier(saved(JIGSAW, problem_type="multi_label_classification"))
    assert set(classifier.info.labels) == set(HARM_LABELS) - {"sexual_explicit"}
    found = classifier.score_batch(items_of(TEXTS))
    assert [one.truncated for one in found] == [False, False, True, False]
    # Independent labels: the direct computation, one text at a time.
    for text, one in zip(TEXTS, found, strict=True):
        inputs = tokenizer()(text, return_tensors="pt", truncation=True, max_length=16)
        direct = network(JIGSAW)(**inputs).logits.sigmoid()[0].tolist()
        assert list(one.labels.values()) == pytest.approx(direct, abs=1e-5)


def test_naming_a_group_is_not_harm(saved):
    labels = [*HARM_LABELS, *IDENTITY_LABELS]
    classifier = load_classifier(saved(labels, problem_type="multi_label_classification"))
    assert classifier.info.harm_labels == HARM_LABELS
    (found,) = score(classifier, items_of(TEXTS[:1]))
    assert found.harm_score(classifier.info) == max(found.labels[name] for name in HARM_LABELS)
    assert set(found.labels) == set(labels)


def test_labels_that_exclude_each_other_sum_to_one(saved):
    classifier = load_classifier(saved(["non-toxic", "toxic"]))
    assert classifier.info.labels == ("non_toxic", "toxicity")
    assert classifier.info.harm_labels == ("toxicity",)
    (found,) = score(classifier, items_of(["kind"]))
    assert sum(found.labels.values()) == pytest.approx(1)


def test_labels_without_a_meaning_must_be_explained(saved):
    folder = saved(["LABEL_0", "LABEL_1"])
    with pytest.raises(PhoqueError, match=r"label_0, label_1; none of them .*harm_labels="):
        load_classifier(folder)
    with pytest.raises(PhoqueError, match="worse is known"):
        load_classifier(folder, harm_labels=["worse"])
    assert load_classifier(folder, harm_labels=["label_1"]).info.harm_labels == ("label_1",)


def test_the_digest_is_that_of_weights_and_settings(saved):
    first = load_classifier(saved(["neutral", "toxic"])).digest
    again = load_classifier(saved(["neutral", "toxic"])).digest
    other = load_classifier(saved(["neutral", "toxic"], problem_type="multi_label_classification"))
    assert first == again != other.digest


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(PhoqueError, match="Cannot load the classifier"):
        load_classifier(str(tmp_path))
    with pytest.raises(PhoqueError, match="no classifier oracle"):
        load_classifier("oracle")


@pytest.mark.parametrize("name", DETOXIFY)
def test_detoxify_comes_from_the_hub_under_its_own_name(monkeypatch, name):
    asked, labels = [], DETOXIFY[name].labels

    def pretrained(repository):
        asked.append(repository)
        return network(labels), tokenizer()

    monkeypatch.setattr(sequence, "_pretrained", pretrained)
    classifier = load_classifier(name)
    assert asked == [DETOXIFY[name].version]
    assert (classifier.info.id, classifier.info.licence) == (name, "Apache-2.0")
    assert classifier.info.harm_labels == DETOXIFY[name].harm_labels
    # Its labels are independent, whatever the configuration says.
    inputs = tokenizer()(TEXTS[0], return_tensors="pt")
    direct = network(labels)(**inputs).logits.sigmoid()[0].tolist()
    assert list(score(classifier, items_of(TEXTS))[0].labels.values()) == pytest.approx(
        direct, abs=1e-5
    )


# The guard


@pytest.fixture(scope="module")
def tiny_guard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guard")
    made = load_model("tiny")
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    # In fp32, so that padding moves no verdict.
    return Guard(load_model(str(folder), dtype=torch.float32))


def test_the_guard_gives_the_chance_of_each_verdict(tiny_guard):
    items = [Item("You clown."), Item("Well played, everyone."), Item("a")]
    found = score(tiny_guard, items, batch_size=3)
    for item, one in zip(items, found, strict=True):
        assert 0 < one.labels["unsafe"] < one.labels["unsafe_or_controversial"] < 1
        alone = tiny_guard.score_batch([item])[0].labels
        assert alone == pytest.approx(one.labels, abs=1e-5)


def test_the_verdict_is_the_models_next_token(tiny_guard):
    model = load_model("tiny")
    text = model.tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    asked = model.tokenizer(f"{text}Safety: ", return_tensors="pt", add_special_tokens=False)
    letters = [model.tokenizer.encode(letter)[0] for letter in "SCU"]
    with torch.no_grad():
        logits = model.model(input_ids=asked["input_ids"]).logits[0, -1, letters]
    chances = logits.softmax(-1)
    found = tiny_guard.score_batch([Item("hi")])[0].labels["unsafe"]
    assert found == pytest.approx(float(chances[2]), abs=1e-4)


def test_the_guard_reads_the_conversation_but_no_system_prompt(tiny_guard):
    text = "Uninstall."
    asked = (Message("user", "How do I get better?"),)
    alone, reply, hidden = score(
        tiny_guard,
        [Item(text), Item(text, asked), Item(text, (Message("system", "Be rude."), *asked))],
    )
    assert alone.labels != reply.labels
    assert reply.labels == pytest.approx(hidden.labels, abs=1e-6)


def test_a_conversation_that_is_too_long_loses_its_beginning(tiny_guard):
    (found,) = score(tiny_guard, [Item("a", (Message("user", "b " * 5000),))])
    assert (found.truncated, found.error) == (True, None)


def test_every_entry_of_the_catalogue_declares_what_it_is():
    for name, info in CATALOGUE.items():
        assert info.construct, name
        assert info.licence, name
        assert info.blind_spots, name
        assert set(info.harm_labels) <= set(info.labels), name
        assert info.harm_labels, name
        assert not info.sends_text_out, name


def test_the_guard_is_loaded_by_its_name(monkeypatch):
    monkeypatch.setattr(guard, "load_model", lambda name, **how: load_model("tiny"))
    assert isinstance(load_classifier("Qwen/Qwen3Guard-Gen-0.6B"), Guard)
