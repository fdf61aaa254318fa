"""What figures of the shipped run show: names for people, and room for them on a phone."""

import re

from phoque.config import SHIPPED_RUN
from phoque.figures import answers, bias_loop, functionalities, hostility
from phoque.figures import figure as figures
from phoque.figures.shelf import WHAT_SLIPS_THROUGH
from phoque.figures.table import text_of
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.labels import Label, verdicts
from phoque.run.moderation import ModerationReport, called
from phoque.run.scored import ScoredReply, sample
from phoque.ui.pressure.drawing import recorded

SHIPPED = Reader(RunDirectory(SHIPPED_RUN))


def test_no_figure_shows_a_name_of_the_machine():
    """`embedded.mean` and `spell_char_swap_h` are names in files."""
    for plan in WHAT_SLIPS_THROUGH:
        found = figures.drawn(plan, SHIPPED).figure
        shown = [found.sentence, found.finding, found.n]
        shown += [text_of(cell) for row in found.table.rows for cell in row]
        assert not [text for text in shown if re.search(r"embedded\.|\w_n?h\b", text)], plan.key


def test_a_kind_of_test_that_has_no_words_loses_its_underscores():
    assert functionalities.tested("spell_char_swap_h") == "letters swapped"
    assert functionalities.tested("made_up") == "made up"


def test_a_policy_is_told_with_the_names_of_its_moderators():
    said = recorded(SHIPPED, None)
    assert "ToxBlock or SVM from 0.5 on" in said
    assert "embedded." not in said


def test_the_finding_says_who_read_the_replies_and_that_no_person_did():
    found = figures.drawn(WHAT_SLIPS_THROUGH[0], SHIPPED).figure
    judged = verdicts(SHIPPED.rows(Label), ("model",))
    rows = sample(SHIPPED.rows(ScoredReply))
    passing = [judged[one.id] for one in rows if one.of_persona and one.passes]
    told = re.fullmatch(
        r"A language model read (\d+) random replies that the moderator lets through, each twice, and "
        r"called (\d+) harmful\. No person has judged them\.",
        found.finding,
    )
    assert (int(told[1]), int(told[2])) == (len(passing), passing.count(True))


def test_every_moderator_has_its_curve():
    """With a list of four looks, the fifth moderator was in the table only."""
    [plan] = [one for one in WHAT_SLIPS_THROUGH if one.key == "operating_points"]
    _, *curves = figures.drawn(plan, SHIPPED).figure.plotly["data"]
    names = SHIPPED.read(ModerationReport).names
    assert [one["name"] for one in curves] == [called(name) for name in names]


def test_every_cell_of_the_kinds_of_message_has_room_on_a_phone():
    """Six columns and no scale: with eight columns and one, a cell had 25 pixels for seven characters."""
    [plan] = [one for one in WHAT_SLIPS_THROUGH if one.key == "message_kinds"]
    [trace] = figures.drawn(plan, SHIPPED).figure.plotly["data"]
    assert len(trace["x"]) < len(trace["y"])
    assert trace["showscale"] is False


def test_a_row_has_its_name_above_it_and_the_bar_the_width():
    for plan in (hostility.draw, answers.draw, bias_loop.draw):
        layout = figures.drawn(plan, SHIPPED).figure.plotly["layout"]
        names = figures.drawn(plan, SHIPPED).figure.plotly["data"][0]["y"]
        above = [one["text"] for one in layout["annotations"] if one.get("xref") == "paper"]
        assert above[-len(names) :] == names
        assert layout["yaxis"]["showticklabels"] is False
        assert layout["margin"]["l"] < 20
