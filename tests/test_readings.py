"""Blind readings: drawn evenly, read as written down, and the judge that agrees with them."""

import json

import numpy as np
import pytest

from phoque.errors import PhoqueError
from phoque.figures.figure import drawn as drawn_of
from phoque.figures.shelf import plans
from phoque.run.evaluation import Reply
from phoque.run.judging import Answer, JudgeChoice, Reader, Reading, Sheet
from phoque.stats.paired_ranks import kappa_by_prompt
from tests.judges import Loud, reply
from tests.report_files import a_run
from tools import sheets
from tools.blind_readings import choose, drawn, id_of, joined, read_answers, sheet

(READINGS,) = plans("readings")


def replies_of(conditions=3, each=20):
    return [
        reply(f"c{c}", f"message {n % 7}", f"reply {c} {n}" + "!" * (c == 0))
        for c in range(conditions)
        for n in range(each)
    ]


def test_readers_get_as_many_of_every_condition_without_its_name_each_in_an_own_order():
    replies = replies_of()
    chosen = drawn([*replies, *replies], 15)
    assert [sum(one.condition == f"c{c}" for one in chosen) for c in range(3)] == [5, 5, 5]
    assert drawn(replies, 15) == chosen
    assert drawn(replies, 15, seed=1) != chosen
    first, second = sheet(chosen, 1), sheet(chosen, 2)
    assert {one.id for one in first} == {id_of(one) for one in chosen}
    assert [one.id for one in first] != [one.id for one in second]
    assert set(Sheet.model_fields) == {"id", "message", "reply", "answer"}
    assert all(one.answer == "" for one in first)
    with pytest.raises(PhoqueError, match="has 60 different replies; 61"):
        drawn(replies, 61)


def test_messages_are_drawn_as_evenly_as_conditions():
    replies = [
        reply(f"c{c}", f"message {n}", f"reply {c} {n} {draw}")
        for c in range(3)
        for n in range(20)
        for draw in range(3)
    ]
    chosen = drawn(replies, 60)
    assert len({(one.condition, one.prompt) for one in chosen}) == 60
    more = drawn(replies, 90)
    counts = [
        sum(o.condition == "c1" and o.prompt == f"message {n}" for o in more) for n in range(20)
    ]
    assert ({*counts}, sum(counts)) == ({1, 2}, 30)


def answered(rows, answer, reader="a"):
    return [Answer(reader=reader, id=row.id, answer=str(answer(row))) for row in rows]


def test_a_sheet_is_read_as_it_was_written_down(tmp_path):
    rows = sheet(drawn(replies_of(), 6), 1)
    filled = [row.model_copy(update={"answer": str(n % 3)}) for n, row in enumerate(rows)]
    Sheet.save_rows(tmp_path, filled)
    found = read_answers(tmp_path, "a")
    assert [one.answer for one in found] == ["0", "1", "2", "0", "1", "2"]
    Sheet.save_rows(tmp_path, [*filled[:2], rows[2]])
    with pytest.raises(PhoqueError, match="row 3: the answer is ''; give 0, 1 or 2"):
        read_answers(tmp_path, "a")


READERS = [
    Reader(name=name, kind="person", model="", independent=True, order_seed=n, note="")
    for n, name in enumerate("ab")
]
JUDGES = [Loud(), Loud("base-likelihood", sign=0), Loud("vader", sign=-1)]


def test_the_judge_that_agrees_with_the_readers_is_chosen(tmp_path):
    chosen = drawn(replies_of(), 30)
    rows = sheet(chosen, 1)
    first = answered(rows, lambda row: 2 * row.reply.endswith("!"))
    second = answered(rows, lambda row: 2 * row.reply.endswith("!") if row != rows[0] else 1)
    readings = joined(chosen, [first, second], JUDGES)
    choice = choose(readings, JUDGES, READERS)
    assert (choice.chosen, choice.replies, choice.hostile) == ("semantic", 30, 10)
    assert [one.auc.value for one in choice.judges] == [1.0, 0.5, 0.0]
    assert choice.agreement.observed == pytest.approx(29 / 30)
    assert 0.5 < choice.agreement.low <= choice.agreement.value < 1
    Reading.save_rows(tmp_path, readings)
    assert list(Reading.load_rows(tmp_path, command="x")) == readings
    choice.save(tmp_path)
    assert JudgeChoice.load(tmp_path, command="x") == choice


def test_readings_that_decide_nothing_are_refused():
    chosen = drawn(replies_of(), 6)
    rows = sheet(chosen, 1)
    calm = answered(rows, lambda row: 0)
    with pytest.raises(PhoqueError, match="all replies hostile, or none"):
        choose(joined(chosen, [calm, calm], JUDGES), JUDGES, READERS)
    with pytest.raises(PhoqueError, match="not of the same replies"):
        joined(chosen, [calm, calm[1:]], JUDGES)
    with pytest.raises(PhoqueError, match="not of the same replies"):
        joined(chosen[1:], [calm, calm], JUDGES)


def test_the_figure_tells_shares_by_message_who_read_and_what_is_out_of_date(tmp_path):
    chosen = [reply("toxic", f"message {n // 3}", f"{n}" + "!" * (n < 9)) for n in range(18)]
    chosen += [reply("neutral", f"message {n}", f"calm {n}") for n in range(6)]
    rows = sheet(chosen, 1)
    read = [answered(rows, lambda row: 2 * row.reply.endswith("!"))] * 2
    reader = a_run(tmp_path / "lab")
    folder = tmp_path / "lab" / "judging"
    assert "tools/blind_readings.py draw --run lab" in READINGS.shown_if(reader)
    folder.mkdir()
    readings = joined(chosen, read, JUDGES)
    Reading.save_rows(folder, readings)
    choose(readings, JUDGES, READERS).save(folder)
    figure = drawn_of(READINGS, reader).figure
    assert "persona's prompt 50.0\u00a0% [18.8, 81.2]" in figure.sentence
    assert "neutral prompt 0.0\u00a0%" in figure.sentence
    assert "100.0\u00a0% of the replies" in figure.sentence
    assert "not in the evaluation" not in figure.sentence
    assert "2 × person" in figure.setting
    assert "The rest of the instruction was not kept" in figure.setting
    assert figure.n == "24 replies to 6 messages; intervals count messages"
    (tmp_path / "lab" / "evaluation").mkdir()
    Reply.save_rows(tmp_path / "lab" / "evaluation", chosen[4:])
    assert (
        "4 of the 24 replies that were read are not" in drawn_of(READINGS, reader).figure.sentence
    )


def test_who_read_and_what_they_were_told_is_recorded(tmp_path):
    file, told = tmp_path / "readers.json", tmp_path / "instructions.md"
    file.write_text(json.dumps([one.model_dump(exclude={"instructions"}) for one in READERS]))
    told.write_text("Read.")
    assert [one.instructions for one in sheets.readers(file, told)] == ["Read.", "Read."]
    assert [one.instructions for one in sheets.readers(file, None)] == ["", ""]
    with pytest.raises(PhoqueError, match=r"cannot be read: .*absent\.md"):
        sheets.readers(file, tmp_path / "absent.md")
    file.write_text("[1, 2]")
    with pytest.raises(PhoqueError, match=r"readers\.json: 0: .*It is a list of two"):
        sheets.readers(file, told)


def test_kappa_is_agreement_beyond_chance():
    prompts = [str(n // 4) for n in range(200)]
    random = np.random.default_rng(0)
    answers = random.integers(0, 3, 200).tolist()
    assert kappa_by_prompt(answers, answers, prompts).value == pytest.approx(1)
    chance = kappa_by_prompt(answers, random.permutation(answers).tolist(), prompts)
    assert chance.low < 0 < chance.high
    # Cohen's own arithmetic: 0.7 observed, 0.5 expected.
    first, second = [0] * 5 + [1] * 5, [0, 0, 0, 0, 1, 0, 0, 1, 1, 1]
    found = kappa_by_prompt(first, second, [str(n) for n in range(10)])
    assert (found.observed, found.value) == (0.7, pytest.approx(0.4))
    same = kappa_by_prompt([0, 0], [0, 0], ["a", "b"])
    assert (same.value, same.low, same.high) == (None, None, None)
    with pytest.raises(ValueError, match="pairs"):
        kappa_by_prompt([0], [0, 1], ["a"])
