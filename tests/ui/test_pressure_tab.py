"""The pressure test on the page, without a browser: controls, channel, measures, what is recorded."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import gradio as gr
import pytest

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.figures import pressure_measures
from phoque.run.channel import SHOWN, Said
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.pressure import SEEN, Outcome, PressureReport, Role, Turn
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.policy import read_policy
from phoque.ui.pressure import playing, wording
from phoque.ui.pressure.drawing import sides_html
from phoque.ui.pressure.playing import CHOSEN, Playing, composed, played
from phoque.ui.pressure.section import filled
from tests import pressure_files
from tests.ui.fakes import INJECTION, FakeServices, alone

CONTROLS = (CHOSEN, 0.5, 3, True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(playing, "PAUSE_SECONDS", 0)


@pytest.fixture
def run(tmp_path):
    """A run with a pressure test of two small policies."""
    pressure_files.write_report(tmp_path / "run", [pressure_files.text(f"clown {INJECTION}")])
    return Reader(RunDirectory(tmp_path / "run"))


def plain(page):
    return html.unescape(page).replace("\u00a0", " ")


class Items(HTMLParser):
    """Every message of a page: its classes, and its visible words by whether they are struck."""

    def __init__(self, page):
        super().__init__()
        self.found, self._struck = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "li":
            self.found.append(
                {"kinds": dict(attrs).get("class", "").split(), "text": "", "del": ""}
            )
        self._struck += tag == "del"

    def handle_endtag(self, tag):
        self._struck -= tag == "del"

    def handle_data(self, data):
        if self.found:
            self.found[-1]["del" if self._struck else "text"] += data


def side(turns, policy=None):
    own = Playing(policy or pressure_files.policy())
    for turn in turns:
        own.add(turn)
    return own.side(whole=True)


def items(turns):
    return Items(sides_html([side(turns)], "")).found


def test_a_visitor_begins_with_the_policy_words():
    own, words = composed(*CONTROLS), read_policy("words")[0]
    assert own.model_copy(update={"name": words.name}) == words


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [(0, ["embedded.semantic"], "moderators"), (1, 0.7, "threshold"), (2, 5.0, "strikes"),
     (3, False, "canonical")],
)  # fmt: skip
def test_each_control_changes_one_field(place, value, field):
    before = composed(*CONTROLS)
    after = composed(*(value if n == place else one for n, one in enumerate(CONTROLS)))
    changed = {
        name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)
    }
    assert changed == {field}


def test_a_policy_without_moderators_is_refused_before_anything_runs():
    services = FakeServices()
    *_, (status, shown) = played(alone(), services, [], 0.5, 3, True)
    assert 'role="alert"' in status
    assert wording.NO_MODERATOR in plain(status)
    assert (shown, services.pressed) == (gr.skip(), [])


def test_what_the_library_refuses_is_said():
    *_, (status, _) = played(alone(), FakeServices(failure="It has no <texts>."), *CONTROLS)
    assert "It has no &lt;texts&gt;." in status


def test_every_step_before_the_first_message_is_said():
    services = FakeServices()
    press = services.press
    services.press = lambda policies: replace(
        press(policies), steps=iter(["Reading.", "<b>Asking."])
    )
    updates = played(alone(), services, *CONTROLS)
    first = [next(updates) for _ in range(4)]
    told = [wording.BEGINNING, "Reading.", "&lt;b&gt;Asking."]
    for (status, shown), text in zip(first, told, strict=False):
        assert text in status
        assert shown == gr.skip()
    assert "ph-said" in first[3][1]


def test_measures_settle_to_those_of_the_whole_channel():
    services = FakeServices()
    updates = list(played(alone(), services, *CONTROLS))
    own, beside = services.pressed[0]
    assert (own, beside) == (composed(*CONTROLS), read_policy("meaning")[0])
    bars = [
        int(found[1]) for status, _ in updates if (found := re.search(r'value="(\d+)"', status))
    ]
    assert bars == sorted(set(bars))
    assert bars[0] == playing.A_STEP, "the first messages are shown as they come"
    assert all(number < services.channel_messages for number in bars)
    status, shown = updates[-1]
    assert "All 300 messages have been sent." in status
    tally = Tally(own)
    for turns in services.press([own, beside]).turns:
        tally.add(turns[0])
    leak = tally.measures().leak
    assert f"{100 * leak.value:.1f} % [{100 * leak.low:.1f}, {100 * leak.high:.1f}]" in plain(shown)
    assert f'title="n = {leak.n}"' in shown


def test_both_channels_are_in_order_and_stop_at_what_is_shown():
    *_, (_, shown) = played(alone(), FakeServices(), *CONTROLS)
    assert shown.count("<ol>") == 2
    for channel in shown.split("<ol>")[1:]:
        times = [int(m) * 60 + int(s) for m, s in re.findall(r"· (\d+):(\d\d) ·", channel)]
        assert len(times) == SHOWN
        assert times == sorted(times)


def test_the_end_of_a_channel_that_goes_on_is_shown():
    updates = list(played(alone(), FakeServices(), *CONTROLS))
    shown = updates[20][1]
    assert shown.count('class="ph-said') == 2 * playing.WINDOW
    assert "ph-newest" in shown
    assert "ph-newest" not in updates[-1][1]


def test_messages_are_masked_escaped_and_struck_where_nobody_sees_them():
    turns = pressure_files.turns(
        pressure_files.policy(), pressure_files.pool([pressure_files.text(f"clown {INJECTION}")])
    )[:SHOWN]
    page = sides_html([side(turns)], "")
    assert "<img" not in page
    assert "<script" not in page
    said = [one for one in Items(page).found if "ph-said" in one["kinds"]]
    for turn, one in zip(turns, said, strict=True):
        struck = turn.outcome in {Outcome.HIDDEN, Outcome.REMOVED, Outcome.UNKNOWN}
        assert (turn.text in one["del"]) == struck
        assert (turn.text in one["text"]) == (turn.outcome is Outcome.SHOWN)
        assert ("ph-wrong" in one["kinds"]) == ((turn.outcome in SEEN) == turn.hostile)
    assert page.count('class="ph-real"') == page.count('class="ph-mask"')
    assert {one.outcome for one in turns} == {Outcome.SHOWN, Outcome.HIDDEN, Outcome.MUTED}


def turn(**facts) -> Turn:
    told = {
        "policy": "mine",
        "seed": 1,
        "number": 0,
        "at": 75.0,
        "speaker": "hostile-1",
        "role": Role.HOSTILE,
        "persona": "toxic",
        "style": "plain",
        "source": "a",
        "text_id": "b",
        "text": "you clown",
        "hostile": True,
        "kind": "listed word",
        "in_register": "chat",
        "outcome": Outcome.SHOWN,
        "level": 0.4,
        "scores": {"oneword": 0.4},
    }
    return Turn(**told | facts)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "✓ shown at 0.40: slips through"),
        ({"outcome": Outcome.HIDDEN, "level": 0.9}, "✗ hidden at 0.90"),
        (
            {"outcome": Outcome.REMOVED, "waited": 95.2},
            "removed by a reviewer after 95 s at 0.40: slips",
        ),
        ({"outcome": Outcome.UNKNOWN, "level": None}, "? unknown, held back"),
        ({"outcome": Outcome.MUTED, "level": None}, "⏸ not posted: muted"),
        (
            {"outcome": Outcome.HIDDEN, "role": Role.BLUNT, "hostile": False, "kind": None},
            "✗ hidden at 0.40: wrongly",
        ),
    ],
)
def test_what_became_of_a_message_is_told_in_words(facts, told):
    [one] = items([turn(**facts)])
    assert told in one["text"]
    assert "1:15" in one["text"]


def test_a_mute_is_announced_after_the_message():
    said, muted = items([turn(muted={"hostile-1": 75.0}, outcome=Outcome.HIDDEN)])
    assert "ph-said" in said["kinds"]
    assert muted["text"] == "⏸ hostile-1 is muted."


def test_what_a_muted_speaker_would_have_said_is_kept_nowhere():
    assert Said.of(turn(outcome=Outcome.MUTED, level=None)).text is None


def test_the_recorded_channel_is_there_at_once_and_only_once(run):
    key, shown = filled(run, "")
    report = run.read(PressureReport)
    page = plain(shown)
    assert shown.count('class="ph-said') == 2 * SHOWN
    assert [one.name for one in report.policies] == re.findall("<h3>(.*?)</h3>", shown)
    leak = report.policies[1].measures.leak
    assert f"{100 * leak.value:.1f} % [{100 * leak.low:.1f}, {100 * leak.high:.1f}]" in page
    assert "Every measure" in page
    assert "pressure/report.json" in page
    again = filled(run, key)
    assert all(part == gr.skip() for part in again)


def test_a_run_without_a_pressure_test_says_how_to_make_one(tmp_path):
    _, shown = filled(Reader(RunDirectory(tmp_path / "empty")), "")
    assert "phoque pressure --run empty" in plain(shown)
    shipped = Reader(RunDirectory(SHIPPED_RUNS / "pluribus")).folder("pressure").command
    assert shipped.endswith("/pluribus pluribus && phoque pressure --run pluribus")


def test_a_report_made_without_texts_is_shown(run):
    rows = [one.model_copy(update={"text": None}) for one in run.rows(Said)]
    Said.save_rows(run.run.path / "pressure", rows)
    _, shown = filled(run, "")
    assert wording.NO_TEXT in shown
    assert "ph-real" not in shown


def test_the_beginning_is_that_of_the_trace(run):
    trace = [one for one in run.rows(Turn) if one.seed == 1 and one.number < SHOWN]
    assert [Said.of(one) for one in trace] == list(run.rows(Said))


def test_the_shipped_run_has_its_channel():
    shipped = Reader(RunDirectory(SHIPPED_RUN), signed=True)
    report, rows = shipped.read(PressureReport), shipped.rows(Said)
    names = [one.name for one in report.policies]
    assert {row.policy for row in rows} == {*names}
    assert any("embedded.semantic" in one.moderators for one in report.policies)
    assert (SHIPPED_RUN / "pressure" / Said.FILE).stat().st_size < 300_000


def test_a_policys_name_is_not_read_as_part_of_the_sentence():
    report = Reader(RunDirectory(SHIPPED_RUN)).read(PressureReport)
    told = pressure_measures.draw(report).sentence
    for policy in report.policies:
        assert f"The policy “{policy.name}” lets people see" in told
