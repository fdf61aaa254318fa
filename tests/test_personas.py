"""The shipped personas are whole and keep apart what they ask; a broken one is named by its place."""

from itertools import combinations

import pytest
import yaml

from phoque.errors import PhoqueError
from phoque.personas import HERE, load_persona, shipped_personas
from phoque.personas.controls import (
    TonePair,
    bias_loop,
    choice_prompts,
    confounds,
    more_probes,
    tone_pairs,
)
from phoque.settings import read_settings
from phoque.stages.psm.bias import PAIRS, bad_plans


@pytest.mark.parametrize("name", shipped_personas())
def test_every_shipped_persona_loads_and_is_called_like_its_file(name):
    persona = load_persona(name)
    assert persona.name == name
    assert len(persona.probes) == 12
    assert len(persona.sweep) == 16
    assert len(persona.evaluation) >= 30


@pytest.mark.parametrize("name", shipped_personas())
def test_probes_sweep_choice_and_evaluation_share_no_message(name):
    persona = load_persona(name)
    parts = {
        "probes": {*persona.probes, *more_probes()},
        "sweep": set(persona.sweep),
        "choice": set(choice_prompts()),
        "evaluation": set(persona.evaluation),
    }
    assert len(parts["choice"]) == 16
    plain = {kind: {" ".join(m.lower().split()) for m in own} for kind, own in parts.items()}
    for one, other in combinations(plain, 2):
        assert not plain[one] & plain[other], (one, other)
    # "we" in a message may come back in a reply: of any cell of the sweep, so that the choice stays fair.
    plural = {"we", "us", "our", "ours", "ourselves"}
    assert all(set(m.lower().split()) & plural for m in choice_prompts() if m in persona.lexicon)


def test_only_the_hostile_persona_is_counted_by_the_judge_of_hostility():
    by = {name: load_persona(name).counted_by for name in shipped_personas()}
    assert [name for name, counted in by.items() if counted == "judge"] == ["toxic"]


def test_personas_differ_in_the_persona_and_not_in_length():
    for name in shipped_personas():
        persona = load_persona(name)
        neutral, hostile = (
            len(p.split()) for p in (persona.neutral_prompt, persona.persona_prompt)
        )
        assert abs(neutral - hostile) <= 6, name


def test_no_message_is_asked_for_two_purposes():
    persona = load_persona()
    own = {*persona.probes, *persona.sweep, *persona.evaluation}
    shared = [*more_probes(), *(m for pair in tone_pairs() for m in pair)]
    assert len(set(shared)) == len(shared)
    assert not own & set(shared)
    assert len(more_probes()) == 68


def test_no_prompt_of_ours_has_a_word_of_the_lexicon():
    for name in shipped_personas():
        persona = load_persona(name)
        asked = (*persona.probes, *persona.sweep, *persona.evaluation)
        assert [message for message in asked if message in persona.lexicon] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("probes:", "probe:"), r"line 2: the field probes is missing"),
        (lambda text: text + "\nmood: bad\n", r"line \d+: there is no field mood"),
        (
            lambda text: text.replace('persona: "You are', 'persona: 3 #"You are'),
            r"line \d+: system_prompts.persona must be a text .*, found '3'",
        ),
        (
            lambda text: text.replace("- bozo\n", "- [bozo]\n"),
            r"line \d+: lexicon.\d+ must be a text",
        ),
        (lambda text: text.replace("name: toxic", "name: ../x"), "becomes a folder"),
        (
            lambda text: text.replace("by: judge", "by: jury"),
            r"line \d+: counted_by: .* 'judge' or 'words', found 'jury'",
        ),
        (lambda text: "- 1\n- 2\n", r"line 1: .* an object"),
        (lambda text: "", "is empty"),
        (lambda text: "a: [", "cannot be read"),
    ],
)
def test_a_broken_persona_names_the_place(tmp_path, change, message):
    file = tmp_path / "mine.yaml"
    file.write_text(change((HERE / "toxic.yaml").read_text()))
    with pytest.raises(PhoqueError, match=message):
        load_persona(str(file))


def test_the_line_is_the_line(tmp_path):
    lines = (HERE / "toxic.yaml").read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if line.strip() == "- bozos")
    lines[place] = "  - 7"
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(
        PhoqueError, match=rf"line {place + 1}: lexicon.\d+ must be a text .*, found '7'"
    ):
        load_persona(str(file))


def test_a_message_that_chooses_and_judges_is_refused(tmp_path):
    data = yaml.safe_load((HERE / "toxic.yaml").read_text())
    data["evaluation"].append(data["sweep"][0])
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(PhoqueError, match="listed twice"):
        load_persona(str(file))


def test_confounds_have_the_shape_of_the_neutral_prompt():
    neutral = len(load_persona().neutral_prompt.split())
    names = {c.name for c in confounds()}
    assert names == {"blunt", "sad", "verbose", "role_play", "paraphrase"}
    assert all(c.prompt != load_persona().neutral_prompt for c in confounds())
    longest = next(c for c in confounds() if c.name == "paraphrase")
    assert len(longest.prompt.split()) > 1.5 * neutral


def test_stands_in_the_bias_loop():
    test = bias_loop()
    # The two sides differ in what they say and not in how long they are.
    assert all(len(yes.split()) == len(no.split()) for yes, no in PAIRS)
    assert len(bad_plans()) == 100
    assert set(test.prompts) == {"agreement_seeking", "leading", "loaded"}
    assert {len(prompts) for prompts in test.prompts.values()} == {12}


def test_a_list_with_a_shape_is_checked(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("pairs:\n  - {civil: a}\n")
    with pytest.raises(PhoqueError, match=r"line 2: the field pairs.0.hostile is missing"):
        read_settings(file, dict[str, tuple[TonePair, ...]])


@pytest.mark.parametrize("name", ["toxic", "pluribus"])
def test_probe_sweep_and_evaluation_prompts_are_apart_and_enough(name):
    persona = load_persona(name)
    groups = [persona.probes, persona.sweep, persona.evaluation]
    assert [len(group) for group in groups] == [12, 16, 60]
    assert len({prompt for group in groups for prompt in group}) == 88


def test_an_unknown_persona_lists_the_known():
    with pytest.raises(PhoqueError, match=r"Known: .*toxic"):
        load_persona("nobody")


def test_a_broken_persona_file_is_named(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("name: odd\n")
    with pytest.raises(PhoqueError, match=r"odd\.yaml.*description"):
        load_persona(str(path))
