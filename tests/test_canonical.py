"""Canonical text: tricks undone, names and other scripts left alone, never longer, stable."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoque.moderation.canonical import canonical_trace, canonicalise

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


SPELLING = st.text(alphabet=string.ascii_letters + "013457@$!|+ ._-*\u200b\u0336аеο", max_size=40)  # noqa: RUF001


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), SPELLING))
def test_canonical_text_is_stable_and_never_longer(text):
    canonical = canonicalise(text)
    assert canonicalise(canonical) == canonical
    assert len(canonical) <= len(text)
