"""Canonical text: tricks undone, names and other scripts left alone, never longer, stable."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoque.errors import PhoqueError
from phoque.moderators import vocabulary
from phoque.moderators.canonical import canonical_trace, canonicalise
from tests.moderators import installed

pytestmark = installed

TRICKS = {
    "us3l355 cl0wn": "useless clown",
    "1diot": "idiot",
    "cl\u200bow\u00adn": "clown",
    "с\u200dl\u043ewn": "clown",  # noqa: RUF001
    "ｃｌｏｗｎ": "clown",  # noqa: RUF001
    "c.l.o.w.n": "clown",
    "you c-l-o-w-n!": "you clown!",
    "u s e l e s s": "useless",
    "cl0000wn": "clown",
    "clooooown": "clown",
    "c\u0336l\u0336o\u0336w\u0336n\u0336": "clown",
    "g@rb@ge pl@yer": "garbage player",
    "u$ele$s": "useless",
    "1d10t 1D10T": "idiot IDIOT",
    "id!ot st*pid": "idiot stupid",
    "y0u n00b": "you noob",
    "c1own 1oser": "clown loser",
    "m0r0n! p4th3tic.": "moron! pathetic.",
    "crippl3d pl4yer1": "crippled player1",
    "cl0wnf4c3": "clownface",
    "y o u c l o w n": "you clown",
    "t.h.i.s.g.a.m.e.i.s.l.o.s.t": "this game is lost",
}
AS_THEY_ARE = [
    "José Łukasz Zoë Nguyễn Đỗ",
    "Владимир и Наташа",
    "Αλέξανδρος",
    "李雷和韩梅梅",
    "محمد می‌خواهم",
    "क्‍ष",
    "👩‍👩‍👧 ❤️",
    "See https://example.com/a1b2?x=0 or mail ann4@example.com, @ann_3 #top10",
    "1st 2nd 3rd 4th 5pm 4k 1v1 mp3 covid19 ps5 W3C 10am 1,000,000 3.14 2026-11-23",
    "www hmm III VIII Ke2 C++ $5",
    "I am a bee, e.g. this one; i.e. me.",
    "off-by-one, well-known, O'Neill",
    "Good luck! Have fun...",
    # A digit before, in or after a name; a sign between two words; a formula; so many of a kind.
    "4chan 5head 4head 7zip 1password 3blue1brown 2pac",
    "GPT4o mp3s i18n l10n a11y R2D2 Llama3 GTX1080ti log4shell w3schools s3cmd md5sum C3PO",
    "x+y=z a+e=i E=mc2 a|b 2*3 num*len",
    "wow!nice yes!no this+that true|false",
    "5in 4ft 5on5 4way 3some-thing level3 cat5 iphone5 5star d4d5 S3E7 s01e04 A1C H1N1 Fe3",
    "J.R.R. Tolkien, x*y*z, a-b-c, W A S D, A B C D E",
    "*bold* **kwargs word* sh**sh",
]


@pytest.mark.parametrize("text", TRICKS)
def test_tricks_are_undone(text):
    assert canonicalise(text) == TRICKS[text]


@pytest.mark.parametrize("text", AS_THEY_ARE)
def test_names_numbers_and_addresses_stay(text):
    assert canonicalise(text) == text
    assert canonical_trace(text) == []


def test_the_trace_leads_from_the_text_to_its_canonical_form():
    steps = canonical_trace("u\u200bs3l3ss")
    assert [step.name for step in steps] == ["unseen characters", "digits for letters"]
    assert (steps[0].before, steps[-1].after) == ("u\u200bs3l3ss", "useless")


def test_a_word_of_the_list_is_undone_even_where_the_rest_is_a_word():
    rude = [
        word for word in vocabulary._listed() if vocabulary.is_word(word[1:]) and word[0] == "s"
    ]
    assert rude
    assert [canonicalise(f"5{word[1:]}") for word in rude] == rude


def test_without_the_word_lists_it_says_what_to_install(monkeypatch):
    def absent(*_, **__):
        raise PhoqueError("Install it: pip install")

    monkeypatch.setattr(vocabulary.toxblock, "converted", absent)
    monkeypatch.setattr(vocabulary.svm, "converted", absent)
    monkeypatch.setattr(vocabulary.listed, "installed_file", absent)
    for known in (vocabulary._words, vocabulary._learned, vocabulary._listed):
        known.cache_clear()
    try:
        assert canonicalise("Nothing to undo: 12, 3.14.") == "Nothing to undo: 12, 3.14."
        with pytest.raises(PhoqueError, match="pip install"):
            canonicalise("w0rthl3ss")
    finally:
        monkeypatch.undo()


@pytest.mark.parametrize(
    "text",
    [
        " ".join("qx" * 5000),
        " ".join("a" * 200_000),
        "a" + "4" * 500_000 + "bq",
        "4aq" * 300_000,
        "!" * 500_000 + "a",
        "a*" * 300_000,
    ],
)
@pytest.mark.timeout(60)
def test_a_long_text_without_words_is_read_in_passing(text):
    assert canonicalise(text) == text


def test_a_long_run_of_a_sign_is_one_letter():
    assert canonicalise("cl" + "0" * 100_000 + "wn") == "clown"


SPELLING = st.text(alphabet=string.ascii_letters + "013457@$!|+ ._-*\u200b\u0336аеο", max_size=40)  # noqa: RUF001


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), SPELLING))
def test_canonical_text_is_stable_and_never_longer(text):
    canonical = canonicalise(text)
    assert canonicalise(canonical) == canonical
    assert len(canonical) <= len(text)
