"""The tour as a visitor takes it: a real browser, the shipped run, a model that nobody asks."""

import pytest

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.ui.tour import steps
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices, fake_info

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
TITLES = [step.title for step in steps(fake_info())]
LINK = "?tour=1"
BOXES = """(selectors) => {
  const box = (one) => one.getBoundingClientRect().toJSON();
  const points = selectors.map((one) => document.querySelector(one)).filter((one) => one).map(box);
  return {
    said: box(document.querySelector('.ph-tour')),
    ring: box(document.querySelector('.ph-tour-ring')),
    points: points.filter((one) => one.width && one.height),
  };
}"""


@pytest.fixture(scope="module")
def services():
    return FakeServices(run=RunDirectory(SHIPPED_RUN))


def dialog(page):
    return page.get_by_role("dialog")


def start(page):
    return page.get_by_role("button", name="Take the tour")


def apart(one, other) -> bool:
    beside = one["right"] <= other["left"] or other["right"] <= one["left"]
    return beside or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def faults(said, ring, points, size) -> list[str]:
    """What is wrong with where the dialog and the outline stand."""
    wrong = {
        "the dialog covers the outline": not apart(said, ring),
        "nothing is outlined": not ring["height"],
        "the dialog leaves the window": said["left"] < 0
        or said["top"] < 0
        or said["right"] > size["width"]
        or said["bottom"] > size["height"],
        "the dialog covers what it points at": not all(apart(said, one) for one in points),
        "the outline is too small": not all(
            ring["top"] <= one["top"] and one["bottom"] <= ring["bottom"] + 1 for one in points
        ),
        "it points above the window": any(one["top"] < 0 for one in points),
    }
    return [fault for fault, there in wrong.items() if there]


def check_step(page, step) -> None:
    """The dialog comes to rest in the window and covers nothing of what is outlined."""
    before, wrong = None, []
    for _ in range(60):
        page.wait_for_timeout(250)
        boxes = page.evaluate(BOXES, [*step.points])
        wrong = faults(**boxes, size=page.viewport_size)
        if boxes == before and not wrong:
            return
        before = boxes
    pytest.fail(f"{step.title}: {wrong or 'it does not come to rest'}: {before}")


@pytest.mark.parametrize(
    "page",
    [
        {"query": LINK, "width": 1440},
        {"query": LINK, "width": 390},
        {"query": f"{LINK}&stage=1", "width": 1280},
        {"query": f"{LINK}&stage=1", "width": 1920},
    ],
    indirect=True,
)
def test_a_link_starts_six_steps_that_cover_nothing_they_point_at(page, services):
    for place, step in enumerate(steps(services.info), 1):
        expect(dialog(page)).to_have_accessible_name(step.title)
        expect(dialog(page)).to_contain_text(step.text)
        expect(dialog(page)).to_contain_text(f"{place} of 6")
        check_step(page, step)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.keyboard.press("ArrowRight")
    expect(dialog(page)).to_have_count(0)
    expect(start(page)).to_be_focused()
    assert services.asked == []


def test_the_tour_sets_the_page_and_gives_it_back(page):
    scale = page.locator("#ph-scale input[type=range]")
    opening = page.locator("#ph-panel-0 .ph-chips [aria-pressed=true]").inner_text()
    page.get_by_role("button", name="Chess opening", exact=True).click()
    start(page).click()
    page.route("**/gradio_api/**", lambda request: None)  # the chat's steps need no server
    expect(dialog(page).get_by_role("button", name="Next")).to_be_focused()
    expect(page.get_by_role("button", name=opening)).to_have_attribute("aria-pressed", "true")
    note = dialog(page).get_by_text("Content note")
    expect(note).to_be_hidden()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_accessible_name("Compare")
    expect(note).to_be_visible()
    steered, neutral = (
        page.locator(f"#ph-panel-0 .ph-col-{c} .ph-real").first for c in ("steered", "neutral")
    )
    expect(neutral).to_be_hidden()
    dialog(page).get_by_role("button", name="Show replies").click()
    expect(note).to_be_hidden()
    assert steered.inner_text() != neutral.inner_text()
    page.keyboard.press("ArrowRight")
    expect(scale).to_have_value("0")
    expect(page.locator("#ph-panel-0 .ph-col-steered footer").first).to_contain_text(
        "at scale 0.00"
    )
    assert steered.inner_text() == neutral.inner_text()
    dialog(page).get_by_role("button", name="Back").click()
    expect(scale).to_have_value("1")
    scale.press("ArrowRight")  # the slider's own keys are no step
    expect(dialog(page)).to_have_accessible_name("Compare")
    scale.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(start(page)).to_be_focused()
    page.unroute_all(behavior="ignoreErrors")


def test_every_step_says_one_sentence_without_a_measured_number():
    for step in steps(fake_info(persona="pluribus")):
        assert step.text.count(".") == 1
        assert step.text.endswith(".")
        assert not set("123456789") & set(step.text)
        assert "Toxic" not in step.text
