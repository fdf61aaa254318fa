"""JSON in whatever form: each object once, a broken one costs itself, memory stays constant."""

import io
import json
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoque.corpora import json_rows as module
from phoque.corpora.json_rows import json_rows

ROWS = [
    {"text": 'a "quoted" {brace} [x],\n{', "n": 1},
    {"nested": [{"a": None}, [1, 2]], "é": "\u2028"},
    {},
]
FORMS = {
    "array": lambda rows: json.dumps(rows),
    "pretty array": lambda rows: json.dumps(rows, indent=1),
    "an array, a row a line": lambda rows: "\n[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n",
    "lines": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "lines with commas": lambda rows: "".join(json.dumps(row) + ",\r\n" for row in rows),
    "pretty values": lambda rows: "\n".join(json.dumps(row, indent=4) for row in rows),
    "values on one line": lambda rows: " ".join(map(json.dumps, rows)),
    "two arrays": lambda rows: json.dumps(rows[:1]) + "\n" + json.dumps(rows[1:], indent=2),
}


def read(text):
    wrong = Counter()
    return list(json_rows(io.StringIO(text), lambda reason: wrong.update([reason]))), wrong


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at_once", [1, 3, 1 << 14])
def test_every_form_gives_every_row(form, at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    assert read(FORMS[form](ROWS)) == (ROWS, Counter())


@pytest.mark.parametrize("at_once", [1, 7, 1 << 14])
@pytest.mark.parametrize(
    "broken",
    [
        '{"a": 1',
        '{"a": "cut',
        '{"a":',
        '{"a": 1,',
        "{a: 1}",
        "not json",
        '{"a": tru',
        "[1, 2]",
        "7",
    ],
)
def test_a_broken_line_costs_itself(broken, at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    good = '{"a": 1}\n{"b": {"c": 2}}\n'
    found, wrong = read(f"{good}{broken}\n{good}")
    assert found == [{"a": 1}, {"b": {"c": 2}}] * 2
    assert wrong == {"not a JSON object": 1}


@pytest.mark.parametrize("at_once", [1, 7, 1 << 14])
@pytest.mark.parametrize("between", [",", ",\n ", "\n,\n"])
def test_a_broken_entry_of_an_array_costs_itself(between, at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    found, wrong = read("[" + between.join(['{"a": 1}', '{"a": x, "b": 2}', '{"a": 3}']) + "]")
    assert found == [{"a": 1}, {"a": 3}]
    assert wrong == {"not a JSON object": 1}


def test_an_array_that_is_cut_off_is_counted():
    found, wrong = read('[{"a": 1}, {"a": 2}')
    assert (found, wrong) == ([{"a": 1}, {"a": 2}], {"the array is cut off": 1})
    found, wrong = read('[{"a": 1}, {"a": "tw')
    assert (found, wrong) == (
        [{"a": 1}],
        {"not a JSON object": 1, "the array is cut off": 1},
    )


def test_nothing_that_is_nested_too_deeply_ends_the_reading():
    found, wrong = read('{"a": ' + "[" * 100_000 + '\n{"a": 1}\n')
    assert found == [{"a": 1}]
    assert wrong == {"not a JSON object": 1}


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]",:\\ \na1', max_size=60))
def test_any_text_is_read_to_its_end(text):
    found, wrong = read(text)
    assert all(isinstance(row, dict) for row in found)
    assert bool(found or wrong) or not text.strip(" \n,") or not text.strip("[] \n,")


@pytest.mark.parametrize("indent", [None, 1])
def test_memory_stays_constant_however_long_an_array_is(tmp_path, indent):
    path = tmp_path / "long.json"
    rows = [{"chosen": "x" * 100, "rejected": str(number)} for number in range(40_000)]
    path.write_text(json.dumps(rows, indent=indent))
    count = 0
    with path.open() as file:
        tracemalloc.start()
        for row in json_rows(file, print):
            count += row["rejected"] == str(count)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 40_000
    assert peak < 500_000 < path.stat().st_size / 10


def test_a_value_beyond_the_limit_is_no_row(monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 1000)
    monkeypatch.setattr(module, "AT_ONCE", 100)
    found, wrong = read(json.dumps({"a": "x" * 5000}) + '\n{"a": 1}\n')
    assert (found, wrong) == ([{"a": 1}], {"not a JSON object": 1})
