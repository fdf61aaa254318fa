"""Word by word: what is read, in which unit, and what is said where it cannot be read."""

import json
import re

import pytest

from phoque.conversation import Condition, TokenStrength
from phoque.errors import PhoqueError
from phoque.ui.handlers import Handlers
from phoque.ui.state import ChatState
from phoque.ui.stopping import Runs
from phoque.ui.words import Words, words_html
from tests.ui.fakes import INJECTION, REPLIES, FakeServices, alone

CHOSEN = (1.0, 18, 42, 0.0, 48, False)


def talked(services) -> ChatState:
    *_, (_, state, *_) = Handlers(services).run(alone(), "Hi", ChatState(), *CHOSEN)
    return state


def columns(html):
    data = re.search(r"hidden>(.*?)</div>", html).group(1)
    return {one["kind"]: one for one in json.loads(data)["columns"]}


def strengths(*numbers):
    return [TokenStrength(f" w{place}", number) for place, number in enumerate(numbers)]


def test_the_replies_of_the_last_message_are_read_each_by_itself():
    services = FakeServices()
    state = talked(services)
    *progress, (status, html) = Words(services, None).read(alone(), "", state, 12)
    assert [layer for *_, layer in services.measured] == [12, 12, 12]
    assert {reply for _, reply, _ in services.measured} == {
        REPLIES[c] for c in (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
    }
    assert "reply 1 of 3" in progress[0][0]
    assert "3 replies at layer 12" in status
    toxic = columns(html)["toxic"]["tokens"]
    assert max(toxic, key=lambda token: token[1])[0].strip() == "clown,"
    assert "<img" not in html


def test_zero_and_unit_are_those_of_the_base_column_and_else_of_the_neutral_one():
    neutral, toxic = strengths(*[1, 2] * 5), strengths(2, 4)
    found = {Condition.NEUTRAL: neutral, Condition.TOXIC: toxic}
    html = words_html(found, 3, "toxic")
    assert "10 tokens of Neutral" in html
    assert [number for _, number in columns(html)["toxic"]["tokens"]] == [0.95, 4.74]
    with_base = words_html(found | {Condition.BASE: strengths(*[2, 6] * 5)}, 3, "toxic")
    assert "10 tokens of Base model" in with_base
    assert [number for _, number in columns(with_base)["toxic"]["tokens"]] == [-0.95, 0.0]


@pytest.mark.parametrize("calm", [strengths(1, 2), strengths(*[1] * 20), []])
def test_a_reply_that_has_no_spread_gives_no_unit(calm):
    with pytest.raises(PhoqueError, match="Ask for a longer reply"):
        words_html({Condition.NEUTRAL: calm}, 3, "toxic")


@pytest.mark.parametrize("shown", ["", "0 0", "x", "-1 0", "<img>"])
def test_where_there_is_nothing_to_read_one_line_says_so(shown):
    [(status, html)] = Words(FakeServices(), None).read(alone(), shown, ChatState(), 12)
    assert "no reply to read" in status
    assert 'role="alert"' in status
    assert html == ""


def test_a_model_that_is_not_there_is_said():
    services = FakeServices()
    state = talked(services)
    services.failure = f"It has no {INJECTION}."
    *_, (status, html) = Words(services, None).read(alone(), "", state, 12)
    assert "It has no" in status
    assert "<img" not in status
    assert html == ""


def test_reading_is_stopped_like_a_run_and_makes_room_for_one():
    services, runs = FakeServices(), Runs()
    state = talked(services)
    updates = Words(services, None).read(runs.begin(1), "", state, 12)
    next(updates)
    runs.stop(2)
    [(status, _)] = updates
    assert "Stopped." in status
    assert len(services.measured) == 1
    updates = Words(services, None).read(runs.begin(3), "", state, 12)
    next(updates)
    assert runs.begin(4)
    assert list(updates) == []
