"""Which replies count as the persona's: by the judge with its threshold, or by listed words."""

from types import SimpleNamespace

import pytest

from phoque.conversation import asked
from phoque.judging.headline import shows_of
from phoque.lexicon import Lexicon
from phoque.models.engine import Reply
from phoque.personas import load_persona
from phoque.run.psm import Trait
from phoque.stages.psm import choose
from phoque.steering.experiment import rows_of, silent
from phoque.steering.search import rates_of
from tests.judges import Loud

SAID = [("Hi", "plain"), ("Hi", "loud!!"), ("Hello", "a dunce"), ("Hello", "louder!!! dunce")]
WORDS = Lexicon(["dunce"])
CALM = list(asked("Be calm.", ["Hi", "Hello"]))


@pytest.mark.parametrize(
    ("trait", "counted"),
    [
        (Trait(by="judge", threshold=2.0), [False, True, False, True]),
        (Trait(by="judge", threshold=3.0), [False, False, False, True]),
        (Trait(by="words", threshold=2.0), [False, False, True, True]),
        (Trait(by="judge", threshold=None), [False, False, True, True]),
    ],
)
def test_replies_count_as_the_sweep_decided(trait, counted):
    assert shows_of(trait, WORDS, judge=Loud())(SAID) == counted


def test_a_rate_counts_messages_and_takes_each_groups_own_replies():
    rows = {"calm": rows_of(CALM), "steered": rows_of(CALM)}
    replies = {
        name: [Reply(text=text, tokens=(1,), finish_reason="stop") for text in texts]
        for name, texts in {"calm": ("a", "b"), "steered": ("loud!!", "c")}.items()
    }
    found = rates_of(shows_of(Trait(by="judge", threshold=2.0), WORDS, judge=Loud()), rows, replies)
    assert {name: (rate.value, rate.n) for name, rate in found.items()} == {
        "calm": (0.0, 2),
        "steered": (0.5, 2),
    }


@pytest.mark.parametrize(
    ("name", "ending", "counted"),
    [("toxic", "!!", "judge"), ("toxic", "", "words"), ("pluribus", "!!", "words")],
)
def test_a_persona_is_counted_as_it_says_and_by_no_judge_who_cannot_tell_it(
    monkeypatch, name, ending, counted
):
    """The judge of hostility ranks the cheer of Pluribus above plain replies, too."""
    monkeypatch.setattr(choose.likelihood, "load", Loud)
    subject = SimpleNamespace(persona=load_persona(name), progress=silent)
    messages = [f"message {at}" for at in range(16)]
    base = [(message, "a reply") for message in messages]
    persona = [(message, f"We sigh, you dunce{ending}") for message in messages]
    measure = choose.chosen_measure(subject, base, persona)
    assert measure.trait.by == counted
    assert (measure.trait.persona.low > 0.5) == bool(ending)
    assert measure.shows([("Hi", "We sigh")]) == [name == "pluribus"]
