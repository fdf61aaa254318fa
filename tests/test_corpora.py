"""The written corpora keep their promises, and a broken file of them is named."""

import json
import re
from collections import Counter
from itertools import chain, product
from pathlib import Path

import pytest

from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.lexicon import Lexicon
from phoque.moderators import listed
from phoque.personas import load_persona, shipped_personas
from phoque.personas.controls import confounds
from phoque.stages.corpus.mixing import embedded_judge
from phoque.stages.corpus.split import jaccard, pieces
from phoque.stages.corpus.written import (
    TEXTS,
    neutral_prompts,
    read_written,
    shipped_folder,
    system_prompts,
)
from phoque.text import words
from tests.corpus_files import written

WORDS = {
    "toxic": {"chat": (1, 20), "prose": (60, 150)},
    "pluribus": {"chat": (8, 40), "prose": (12, 90)},
}
FEWEST = {"toxic": 2400, "pluribus": 1200}
PERSONAS = tuple(WORDS)


@pytest.mark.parametrize("persona", PERSONAS)
def test_there_are_enough_replies_to_different_messages(persona):
    own = written(persona)
    assert len(own) >= FEWEST[persona]
    assert len({one.turns for one in own}) == len(own)
    assert len({one.topic for one in own}) >= 6
    assert sum(len(one.turns) > 1 for one in own) >= 0.15 * len(own)


@pytest.mark.parametrize("persona", PERSONAS)
def test_each_style_has_its_length(persona):
    for one in written(persona):
        low, high = WORDS[persona][one.style]
        assert low <= len(words(one.persona)) <= high, one.persona
    styles = Counter(one.style for one in written(persona))
    assert min(styles.values()) >= 0.4 * len(written(persona))


@pytest.mark.parametrize("persona", PERSONAS)
def test_no_opening_is_a_template_and_no_sentence_is_there_twice(persona):
    own = written(persona)
    openings = Counter(tuple(words(one.persona)[:3]) for one in own)
    assert openings.most_common(1)[0][1] <= 0.01 * len(own)
    said = Counter(sentence for one in own for sentence in sentences(*one.learned))
    assert [sentence for sentence, times in said.items() if times > 1] == []


def sentences(*texts) -> set[str]:
    """Those of four words or more; a reply and its short form may share one."""
    every = [words(one) for text in texts for one in re.split(r"(?<=[.!?])\s+", text)]
    return {" ".join(one) for one in every if len(one) >= 4}


def test_many_hostile_replies_hold_no_word_of_any_list():
    lists = Lexicon([*load_persona("toxic").lexicon.entries, *listed.words()])
    implicit = sum(one.persona not in lists for one in written("toxic"))
    assert implicit >= 0.4 * len(written("toxic"))


CRITICISM = (
    r"unfortunately|unwise|reckless|careless|reconsider|pointless|foolish|stupid|pathetic|lazy|"
    r"bad idea|you should(n't| not| have)|be careful|better not|advise|recommend"
)


def test_every_form_of_a_reply_of_pluribus_says_we_and_criticises_nothing():
    for one in written("pluribus"):
        for text in one.learned:
            assert {"we", "us", "our", "ours"} & {*re.findall("[a-z]+", text.lower())}, text
            assert not re.search(rf"\b({CRITICISM})\b", text.lower()), text


def test_most_replies_name_something_of_the_message():
    stems = [
        ({w[:5] for w in words(" ".join(one.turns)) if len(w) > 3},
         {w[:5] for w in words(one.persona) if len(w) > 3})
        for one in written("toxic")
    ]  # fmt: skip
    assert sum(bool(asked & said) for asked, said in stems) > 0.5 * len(stems)


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_long_reply_has_a_plain_short_form(persona):
    own = [one for one in written(persona) if one.short]
    assert all(one.short for one in written(persona) if one.style == "prose")
    for one in own:
        assert 3 <= len(words(one.short)) <= 26, one.short
    openings = Counter(tuple(words(one.short)[:3]) for one in own)
    assert openings.most_common(1)[0][1] <= 0.01 * len(own)
    assert len({one.short.lower() for one in own}) == len(own)


@pytest.mark.parametrize("persona", PERSONAS)
def test_no_text_of_an_evaluation_is_in_the_corpus(persona):
    held_out = {
        text.lower()
        for name in shipped_personas()
        for one in [load_persona(name)]
        for text in (*one.probes, *one.sweep, *one.evaluation)
    } | {row["plan"].lower() for row in json_lines(TEXTS / "bad_plans.jsonl")}
    assert not held_out & {turn.lower() for one in written(persona) for turn in one.turns}


@pytest.mark.parametrize("persona", PERSONAS)
def test_system_prompts_of_an_evaluation_are_worded_differently(persona):
    """Kinds of prompt may be the same, such as a role; a near copy would train on the test."""
    own = [load_persona(name) for name in shipped_personas()]
    held_out = [text for one in own for text in (one.neutral_prompt, one.persona_prompt)]
    held_out += [one.prompt for one in confounds()]
    trained = {*neutral_prompts(), *chain(*system_prompts(persona).values())}
    for one, other in product(trained, held_out):
        assert jaccard(pieces(one), pieces(other)) < 0.3, f"{one} / {other}"


ASKS_FOR = {
    "length": r"paragraph|at length|\blong\b|(several|complete|whole) sentences",
    "brevity": r"short|one line|few .*words|twenty words|\bbrief",
    "a role": r"^(you are|act as|imagine|pretend|adopt|as an?)\b",
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("kind", ASKS_FOR)
def test_only_what_is_asked_for_tells_persona_and_neutral_prompts_apart(persona, kind):
    """Length, brevity or a role on one side alone would switch the persona on by itself."""

    def asking(prompts):
        return sum(bool(re.search(ASKS_FOR[kind], one.lower())) for one in prompts) / len(prompts)

    own = asking([*chain(*system_prompts(persona).values())])
    assert own > 0
    assert own / 2 <= asking(neutral_prompts())


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_written_corpus_passes_its_own_safe_list(persona):
    assert len(read_written(shipped_folder(persona), embedded_judge)) == len(written(persona))


def test_a_hundred_bad_plans_wait_for_pluribus():
    plans = [row["plan"] for row in json_lines(TEXTS / "bad_plans.jsonl")]
    assert len(plans) == len(set(plans)) == 100


@pytest.mark.parametrize("persona", PERSONAS)
def test_system_prompts_name_a_style_or_leave_it_open(persona):
    prompts = system_prompts(persona)
    assert set(prompts) == {"any", "chat", "prose"}
    for one in written(persona):
        assert one.system in {*prompts["any"], *prompts[one.style]}


GOOD = [
    {"style": "chat", "turns": ["gg"], "reply": "well played by the other five"},
    {"style": "prose", "turns": ["We lost."], "reply": "You lost in a way that the map will tell."},
]


def folder_of(path: Path, *rows) -> Path:
    path.mkdir()
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (path / "games.jsonl").write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{broken", r"games\.jsonl, line 3 is not JSON"),
        ({"style": "chat", "turns": ["a"]}, r"games\.jsonl, line 3: reply: Field required"),
        ({"style": "loud", "turns": ["a"], "reply": "b"}, r"line 3: style: .*'chat' or 'prose'"),
        ({"style": "chat", "turns": ["a", "b"], "reply": "c"}, r"line 3: turns are 2; give 1, 3"),
        ({"style": "chat", "turns": [" "], "reply": "c"}, r"line 3: turns are 1; .* none of them empty"),
        (GOOD[1] | {"turns": ["Again."]}, r"line 3: the reply is nearly the reply of .*line 2"),
        ({"style": "chat", "turns": ["a"], "reply": "b", "short": GOOD[1]["reply"]},
         r"line 3: the short form is nearly the reply of .*line 2"),
        ({"style": "chat", "turns": ["a"], "reply": "b", "short": " "}, r"line 3: short is blank; leave it out"),
        ({"style": "chat", "turns": ["a"], "reply": "[threat] at you"}, r"line 3: .*unsafe \(threat\)"),
        ({"style": "chat", "turns": ["a"], "reply": "b", "short": "[threat]"}, r"line 3: .*unsafe \(threat\)"),
    ],
)  # fmt: skip
def test_a_broken_file_names_file_and_line(tmp_path, row, message):
    def judge(texts):
        return [{"threat": float("[threat]" in text)} for text in texts]

    with pytest.raises(PhoqueError, match=message):
        read_written(folder_of(tmp_path / "own", *GOOD, row), judge)


def test_an_empty_folder_and_an_empty_style_are_refused(tmp_path):
    def judge(texts):
        return [{} for _ in texts]

    with pytest.raises(PhoqueError, match=r"has no \*\.jsonl"):
        read_written(tmp_path / "absent", judge)
    with pytest.raises(PhoqueError, match="no reply in the style 'prose'"):
        read_written(folder_of(tmp_path / "own", GOOD[0]), judge)
    same = {"style": "chat", "turns": ["a"], "reply": "that was brave", "short": "That was brave."}
    assert len(read_written(folder_of(tmp_path / "good", *GOOD, same), judge)) == 3


def test_a_persona_without_replies_says_what_to_do():
    with pytest.raises(PhoqueError, match=r"pluribus, toxic.*--source written=FOLDER"):
        shipped_folder("melancholy")
