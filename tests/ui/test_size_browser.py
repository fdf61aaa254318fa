"""How much room the page takes: two screens a tab, one width, one line of header on a phone."""

import pytest

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from tests.ui.chatting import press
from tests.ui.conftest import visited
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
TALLEST = 1800
"""Two screens, before a drawer is opened."""
TWO_LINES = 60
"""Of a reply in stage size."""
FILLED = {
    "chat": ".ph-log",
    "psm": ".js-plotly-plot",
    "sae": ".js-plotly-plot",
    "moderation": ".ph-passing-card",
    "training": ".js-plotly-plot",
    "claims": ".ph-claims-bar",
    "about": ".ph-about h3",
}
"""What a tab has last, once it is drawn."""
EDGES = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent)
  .map((one) => one.getBoundingClientRect()).map((box) => [Math.round(box.left), Math.round(box.right)])"""


@pytest.fixture(scope="module")
def services():
    return FakeServices(run=RunDirectory(SHIPPED_RUN))


def at(tab, width=1440):
    """The page as a link to a tab opens it."""
    return {"query": f"?tab={tab}", "ready": f"{FILLED[tab]}:visible", "width": width}


@pytest.mark.parametrize(
    ("page", "tab"), [pytest.param(at(tab), tab, id=tab) for tab in FILLED], indirect=["page"]
)
def test_a_tab_takes_two_screens_at_most(page, tab):
    expect(page.locator(f"{FILLED[tab]}:visible").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollHeight") <= TALLEST


@pytest.mark.parametrize("page", [at("psm"), at("psm", 1920)], indirect=True)
def test_text_figures_and_questions_share_a_width(page):
    width = page.viewport_size["width"]
    [lead], [figure] = (page.evaluate(EDGES, one) for one in (".ph-intro", ".ph-plot"))
    assert lead == figure
    assert lead[1] - lead[0] >= 0.7 * width
    lefts, rights = (
        sorted(set(edges)) for edges in zip(*page.evaluate(EDGES, ".ph-folded"), strict=True)
    )
    assert len(lefts) == len(rights) == 2
    assert [lefts[0], rights[1]] == lead


@pytest.mark.parametrize("page", [at("psm")], indirect=True)
def test_an_open_question_takes_the_whole_width(page):
    page.locator(".ph-folded:visible > button").nth(1).click()
    expect(page.locator(".ph-folded:visible").nth(1).locator(".ph-drawer")).to_be_visible()
    [lead] = page.evaluate(EDGES, ".ph-intro")
    assert page.evaluate(EDGES, ".ph-folded")[1] == lead


@pytest.mark.parametrize("page", [{"query": "?stage=1"}], indirect=True)
@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_in_stage_size_every_reply_begins_on_the_first_screen(page, size):
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    press(page, "Show replies")
    replies = page.locator(".ph-recorded .ph-real:visible")
    expect(replies).to_have_count(3)
    for reply in replies.all():
        assert reply.bounding_box()["y"] + TWO_LINES <= size[1]


@pytest.fixture(scope="module")
def phone(chromium, url):
    """The page on a phone, for tests that only look at it."""
    with visited(chromium, url, width=390) as page:
        yield page


def test_on_a_phone_a_question_stands_above_its_answer(phone):
    question, answer = phone.locator(".ph-which q"), phone.locator(".ph-recorded:visible")
    expect(question).not_to_have_text("")
    assert question.bounding_box()["y"] < answer.bounding_box()["y"]


def test_on_a_phone_no_name_of_a_column_is_cut_off(phone):
    buttons = phone.locator(".ph-choose button:visible")
    expect(buttons).to_have_count(3)
    boxes = [one.bounding_box() for one in buttons.all()]
    assert max(box["x"] + box["width"] for box in boxes) <= 390
    assert len({round(box["y"]) for box in boxes}) == 1


def test_on_a_phone_the_chosen_example_is_in_sight(phone):
    chosen = phone.locator(".ph-chips [aria-pressed=true]")
    expect(chosen).to_be_in_viewport(ratio=1)


def test_the_header_is_one_line_on_a_phone(phone):
    title, state, tour = (
        found.bounding_box()
        for found in (
            phone.get_by_role("heading", name="What the Phoque"),
            phone.locator(".ph-chip"),
            phone.get_by_role("button", name="Take the tour"),
        )
    )
    middle = title["y"] + title["height"] / 2
    assert title["height"] < 40
    for one in (state, tour):
        assert one["y"] < middle < one["y"] + one["height"]
    expect(phone.locator(".ph-chip")).to_have_text("Ready: fake/model@main")
