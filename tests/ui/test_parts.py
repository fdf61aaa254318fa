"""Pieces that tabs share: tables, numbers, embedded data. All text is escaped."""

import html
import json
from dataclasses import dataclass, field

import gradio as gr
import pytest

from phoque.figures.table import Table, Value, digits, p_text, rate_cell
from phoque.stats.rates import Rate
from phoque.ui.parts import embedded, table_html
from phoque.ui.results import intro
from tests.records import a_rate
from tests.ui.fakes import INJECTION


def test_embedded_data_survives_and_cannot_close_its_element():
    said = embedded({"text": f"</div>{INJECTION} & &lt; \u2028"})
    inner = said.removeprefix('<div class="ph-data" hidden>').removesuffix("</div>")
    assert not set(inner) & set("<>&")
    assert json.loads(html.unescape(inner))["text"].startswith(f"</div>{INJECTION}")


def test_a_table_saves_its_numbers_in_full():
    rows = (("one", rate_cell(a_rate(1 / 3)), Value("0.3", {"": 0.25})), ("two", "–", "–"))
    table = Table(caption="c", head=("name", "share|of all", "x"), rows=rows)
    lines = table.csv().splitlines()
    assert lines[0] == "name,share,share low,share high,share n,x"
    assert lines[1].startswith("one,0.3333333333333333,")
    assert lines[2] == "two,,,,,"


@dataclass
class Item:
    """What a row is made of."""

    rate: Rate | None
    share: float = 0.25
    holds: bool = True
    by_kind: dict[str, float] = field(default_factory=dict)


def test_a_column_shows_a_field_as_its_type_is():
    columns = {
        "rate": "rate",
        "n": "rate.n",
        "share": "share",
        "one digit": ("share", digits(1)),
        "holds?": "holds",
        "plans": "by_kind.plans",
        "twice": lambda one: str(2 * one.share),
    }
    items = {"full": Item(a_rate(0.5), by_kind={"plans": 3.0}), "empty": Item(None)}
    table = Table.named("c", "item", items.items(), columns)
    assert table.head == ("item", *columns)
    full, empty = table.markdown().splitlines()[2:]
    assert full.startswith("| full | 50.0 % [")
    assert full.endswith(" | 0.25 | 0.2 | yes | 3.00 | 0.5 |")
    assert empty == "| empty | – | – | 0.25 | 0.2 | yes | – | 0.5 |"


def test_a_column_of_no_field_is_refused():
    with pytest.raises(AttributeError, match="rat"):
        Table.of("c", [Item(None)], {"rate": "rat"})


def test_a_table_escapes_what_is_in_it():
    head = (f"{INJECTION}|{INJECTION}",)
    table = Table(caption=INJECTION, head=head, rows=((INJECTION,),))
    assert "<img" not in table_html(table, INJECTION)


def test_a_p_value_is_not_smaller_than_its_permutations():
    assert p_text(1 / 10_001) == "≤ 0.0001"
    assert p_text(0.04) == "0.04"


def test_a_choice_of_one_is_not_shown():
    with gr.Blocks():
        assert intro("About.", ["psm"], value="psm").visible is False
        assert intro("About.", ["psm", "psm-melancholy"], value="psm").visible is True
