"""Blind readings: drawn evenly, read as written down, and the judge that agrees with them."""

import numpy as np
import pytest

from phoque.errors import PhoqueError
from phoque.run.judging import Answer, JudgeChoice, Reader, Reading, Sheet
from phoque.stats.paired_ranks import kappa_by_prompt
from tests.judges import Loud, reply
from tools.blind_readings import choose, drawn, id_of, joined, read_answers, sheet


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
