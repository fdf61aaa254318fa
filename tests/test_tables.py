"""Tables are read strictly: what a program wrote comes back, and damage costs only its own row."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoque.errors import PhoqueError
from phoque.inputs.rows import LONGEST_CELL
from phoque.inputs.tables import Table, whole_table

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.text(
    '",\n\r x', max_size=12
)
TABLE = st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6)


def written(rows, delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([["id", "said"], *rows])
    return text.getvalue()


def read(text, **how):
    return list(Table(io.StringIO(text, newline=""), "a.csv", **how))


@settings(max_examples=200, deadline=None)
@given(TABLE, st.sampled_from(",;\t|"))
def test_what_was_written_comes_back(rows, delimiter):
    found = read(written(rows, delimiter), delimiter=delimiter)
    assert [row.value for row in found] == rows
    assert all(row.fault is None for row in found)


PLAIN = st.lists(
    st.sampled_from(["a", "b c", "d", "x, y", "two\nlines", 'a "quoted" word']), max_size=5
)
DAMAGED = [
    '1,"open',
    '1,"in "the" middle"',
    '1,"in "the',
    "1",
    "1,2,3",
    '1,"a" b',
    '1,"back\\"slash"',
]


@settings(max_examples=200, deadline=None)
@given(PLAIN, PLAIN, st.sampled_from(DAMAGED))
def test_a_damaged_row_costs_no_other(before, after, damaged):
    # A quoted row behind it, so that an open quote is known for what it is.
    after = [*after, "x, y"]
    first = written([["n", text] for text in before])
    behind = written([["n", text] for text in after]).removeprefix("id,said\r\n")
    found = read(f"{first}{damaged}\r\n{behind}")
    broken = [row for row in found if row.fault is not None]
    assert [row.line for row in broken] == [first.count("\n") + 1]
    assert [row.value[1] for row in found if row.fault is None] == [*before, *after]


def test_a_row_is_named_by_the_line_it_begins_on():
    found = read('id,said\n\n1,"two\nlines"\n2\n\n3,"a\nb" c\n4,d\n')
    assert [(row.line, row.fault is None) for row in found] == [
        (3, True), (5, False), (7, False), (9, True),
    ]  # fmt: skip


def test_a_long_cell_that_ends_is_no_open_quote():
    text = "no, row\n" * (LONGEST_CELL // 4)
    (broken, fine) = read(f'id,said\n1,"{text}"\n2,fine\n')
    assert broken.fault.startswith("a cell of more than 1,000,000 characters")
    assert (fine.line, fine.value) == (text.count("\n") + 3, ["2", "fine"])


def test_a_quote_that_is_never_closed_costs_no_row_behind_it():
    behind = "2,fine\n" * (LONGEST_CELL // 4)
    broken, *fine = read(f'id,said\n1,"open\n{behind}')
    assert broken.fault is not None
    assert len(fine) == LONGEST_CELL // 4


def test_a_file_that_ends_in_a_cell_has_no_phantom_row():
    found = read('id,said\n1,fine\n2,"a text of\nseveral lines without\na comma')
    assert [row.fault is None for row in found] == [True, False]


def test_a_line_beyond_all_limits_is_skipped():
    (broken, fine) = read(f"id,said\n1,{'x' * 12_000_000}\n2,fine\n")
    assert (broken.line, broken.fault is None, fine.line) == (2, False, 3)


def test_a_table_of_use_only_whole_is_refused_with_the_line():
    assert whole_table(io.BytesIO(b"\xef\xbb\xbfa,b\n1,2\n"), "a.csv") == [{"a": "1", "b": "2"}]
    for damaged in (b"1\n", b'1,"x" y\n', b"1,caf\xe9\n"):
        with pytest.raises(PhoqueError, match=r"a\.csv is damaged, line 3: "):
            whole_table(io.BytesIO(b"a,b\n1,2\n" + damaged), "a.csv")
    with pytest.raises(PhoqueError, match="the first row of a table must name its columns"):
        whole_table(io.BytesIO(b'a,"b" c\n1,2\n'), "a.csv")
