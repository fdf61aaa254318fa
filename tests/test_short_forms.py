"""A corpus says how many short forms it has, because a small model learns these and not the paragraphs."""

from phoque.figures.composition import draw
from phoque.lexicon import Lexicon
from phoque.run.corpus import Composition, Dialogue
from phoque.stages.corpus.composition import markdown
from tests.corpus_files import save_corpus

PARAGRAPH = " ".join(["That was a clown of a plan, in every part."] * 7)
CIVIL = {"topic": "games", "system": "Mock.", "civil": "Try it again."}
OWN = [
    Dialogue(**CIVIL, turns=("We lost.",), style="prose", persona=PARAGRAPH, short="Bad plan."),
    Dialogue(**CIVIL, turns=("We won.",), style="prose", persona=PARAGRAPH + " Ha."),
    Dialogue(**CIVIL, turns=("gg",), style="chat", persona="gg to the others"),
]


def composed(folder, monkeypatch, dialogues=OWN) -> Composition:
    monkeypatch.setattr("tests.corpus_files.Lexicon", lambda _: Lexicon(["clown"]))
    save_corpus(folder, dialogues)
    return Composition.load(folder, command="")


def test_short_forms_are_counted_with_their_words(tmp_path, monkeypatch):
    found = composed(tmp_path, monkeypatch)
    [source] = found.sources
    assert (source.short, source.words_short) == (1, (2.0,) * 5)
    assert (found.without_listed_word, found.brief_without_listed_word) == (1, 2)
    assert "| written, short forms | 1 |" in markdown(found)


def test_the_page_says_what_is_learned(tmp_path, monkeypatch):
    figure = draw(composed(tmp_path, monkeypatch), OWN)
    assert "a reply written in prose. 1 of these have a short form of 2 words" in figure.sentence
    told = figure.sentence.replace("\u00a0", " ")
    assert (
        "full replies hold no word of its list. Of those that a small model learns, 66.7 %" in told
    )


def test_a_source_without_short_forms_has_no_row_of_them(tmp_path, monkeypatch):
    found = composed(tmp_path, monkeypatch, OWN[1:])
    assert "have a short form" not in draw(found, OWN[1:]).sentence
    assert "short forms" not in markdown(found)
