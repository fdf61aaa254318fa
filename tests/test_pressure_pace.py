"""A service's rate limit is used through a whole pressure test, and hardly a text is asked about for nothing."""

from hashlib import sha256

import pytest

from phoque.run.pressure import Role
from phoque.stages.pressure import stage
from phoque.stages.pressure.deciding import Decider
from tests.endpoint_double import BAD
from tests.pressure_clock import SlowDesk, remote
from tests.pressure_files import OneWord, policy, pool, text, traffic, turns

SEEDS = (1, 2, 3)
STYLES = ("plain", "digits for letters", "implicit", "lower case", "upper case", "swapped letters")
SPEAKERS = {"hostile": 9, "civil": 10, "blunt": 5, "pluribus": 0}
CASES = ((50, 0.1, 8, 1, 1), (10, 0.5, 8, 1, 1), (20, 0.5, 16, 1, 1), (5, 0.5, 8, 32, 4))
"""Requests a second, seconds a request takes, requests at once, texts a request, and how much of everything.

The first request is waited for alone, and so are the last ones: with 32 texts a request a channel of the
default length is over after 25 of them, of which the waits are a sixth of the time.
"""
USED, WASTED = 0.9, 0.1


def level(said):
    """Flags four of five texts with the word, and one of ten others: what comes next can be guessed, not known."""
    drawn = int(sha256(said.encode()).hexdigest(), 16) % 1000 / 1000
    return 0.9 if drawn < (0.8 if BAD in said.lower() else 0.1) else 0.1


def by_chance(said):
    """Flags every other text, whatever it says."""
    return 0.9 if int(sha256(said.encode()).hexdigest(), 16) % 2 else 0.1


def many_texts(times=1):
    """As many as the shipped runs have, so that the channel meets new ones to the end."""
    hostile = [
        text(f"you {BAD} number {n}", strength=1 + n % 3, prompt=f"m {n % 9}")
        for n in range(300 * times)
    ]
    hostile += [text(f"we play better without you {n}", strength=0) for n in range(100 * times)]
    civil = [text(f"good game {n}", Role.CIVIL, persona="neutral") for n in range(400 * times)]
    blunt = [text(f"my lovely {BAD} {n}", Role.BLUNT, persona="people") for n in range(60 * times)]
    return pool([*hostile, *civil, *blunt])


def channel(messages):
    return traffic(messages=messages, speakers=SPEAKERS, styles=STYLES, seconds_between=6.0)


def rows_of(deciders, texts, own, seeds=SEEDS):
    """What becomes of all turns, as the command goes through them."""
    ready = stage.Ready(policies={}, deciders=deciders, traffic=own, pool=texts)
    foresight = stage.foresight_of(stage.Asked(seeds=seeds), ready)
    foresight.prove()
    return [row for place in range(len(foresight.legs)) for row in foresight.rows(place)]


def said_by(rows):
    return {row.text for row in rows if row.decision is not None}


@pytest.mark.parametrize(("per_second", "latency", "at_once", "batch", "times"), CASES)
def test_the_rate_is_used_through_the_whole_command(per_second, latency, at_once, batch, times):
    desk = SlowDesk(latency)
    asks = remote(desk, level, per_second=per_second, at_once=at_once, batch=batch)
    rows = rows_of([Decider(policy(), [asks])], many_texts(times), channel(600 * times))
    assert any(row.muted for row in rows)
    assert desk.used(per_second) >= USED
    assert min(b - a for a, b in zip(desk.begun, desk.begun[1:], strict=False)) > 0.99 / per_second
    assert len(desk.texts) == len(set(desk.texts))
    wasted = len({*desk.texts} - said_by(rows)) / len(desk.texts)
    assert wasted <= WASTED


def test_where_nothing_can_be_foreseen_little_is_asked_for_nothing():
    desk = SlowDesk(0.5)
    asks = remote(desk, by_chance, per_second=5, batch=32)
    rows = rows_of([Decider(policy(), [asks])], many_texts(), channel(600))
    wasted = len({*desk.texts} - said_by(rows)) / len(desk.texts)
    assert wasted <= WASTED + 32 / len(desk.texts), "what was under way when it was noticed"


def test_what_is_decided_does_not_depend_on_what_was_foreseen():
    own, texts, word = channel(300), many_texts(), OneWord()
    asks = remote(SlowDesk(0.5), word.value, per_second=10, name="oneword")
    foreseen = rows_of([Decider(policy(), [asks])], texts, own)
    assert foreseen == turns(policy(), texts, own, seeds=SEEDS, classifiers=(word,))


def test_two_services_of_one_policy_are_asked_at_the_same_time():
    desk = SlowDesk(0.5)
    asked = [remote(desk, level, per_second=10, name=name) for name in ("one", "other")]
    own = policy(moderators=({"use": "one"}, {"use": "other"}))
    rows = rows_of([Decider(own, asked)], many_texts(), channel(300))
    assert len(said_by(rows)) <= len(desk.begun) / 2
    assert desk.used(2 * 10) >= USED


def test_the_next_policy_is_foreseen_too():
    desk = SlowDesk(0.5)
    asks = remote(desk, level, per_second=10)
    policies = [policy(name="a"), policy(name="b", canonical=True, threshold=0.95)]
    rows = rows_of([Decider(one, [asks]) for one in policies], many_texts(), channel(300), (1,))
    assert [row.policy for row in rows] == ["a"] * 300 + ["b"] * 300
    assert desk.used(10) >= USED
