"""On a slow server: what stands in a field is the visitor's, and every button reads it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ui.chatting import expect, press
from tests.ui.conftest import visited
from tests.ui.fakes import GRADIO_WARNINGS

pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]


class SlowServer:
    """Holds back what the page asks for without the queue, until it is told to answer."""

    def __init__(self, page) -> None:
        self._page = page
        self._held = []
        self._hold = self._held.append
        page.route("**/run/predict*", lambda asked: self._hold(asked))

    def answer(self):
        for _ in range(150):  # what was just asked for is on its way, on a busy machine for long
            if self._held:
                break
            self._page.wait_for_timeout(100)
        assert self._held, "nothing was asked for"
        self._hold = lambda asked: asked.continue_()
        for asked in self._held:
            asked.continue_()


@pytest.fixture
def opened(page, url):
    """The page as it is before the server has said what a link fills in, and the server."""
    server = SlowServer(page)
    page.goto(f"{url}?p=From+a+link&scale=0.5&layer=3&seed=9")
    page.get_by_role("button", name="Run", exact=True).wait_for()
    return page, server


def box(page):
    return page.get_by_label("Your message")


def copied(page) -> dict:
    """What a link holds that is copied now."""
    page.evaluate("navigator.clipboard.writeText('')")
    press(page, "Copy link")
    expect(page.locator(".ph-status")).to_contain_text("Link copied")
    return held(page)


def held(page) -> dict:
    """What the link holds that is being copied."""
    link = page.wait_for_function("navigator.clipboard.readText()").json_value()
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def seed(page):
    return page.locator(".ph-seed input[type=number]")


def test_a_late_link_leaves_what_was_typed_and_fills_the_rest(opened):
    page, server = opened
    box(page).fill("Mine")
    assert copied(page)["p"] == "Mine"
    server.answer()
    expect(page.locator("#ph-dose")).to_contain_text("Scale 0.50")
    expect(box(page)).to_have_value("Mine")
    expect(page.locator(".ph-status")).to_contain_text("Link copied")
    assert copied(page) == {"p": "Mine", "scale": "0.5", "layer": "3", "seed": "9"}


def test_a_late_link_leaves_a_setting_that_was_moved(opened):
    page, server = opened
    page.locator("#ph-scale input[type=range]").press("ArrowRight")
    server.answer()
    expect(box(page)).to_have_value("From a link")
    assert copied(page) == {"p": "From a link", "scale": "1.05", "layer": "3", "seed": "9"}


def test_where_no_link_was_followed_a_late_answer_empties_no_box(page, url):
    server = SlowServer(page)
    page.goto(url)
    page.get_by_role("button", name="Run", exact=True).wait_for()
    box(page).fill("Mine")
    with page.expect_response("**/run/predict*"):
        server.answer()
    page.wait_for_timeout(300)  # time to do wrong
    assert copied(page)["p"] == "Mine"


@pytest.mark.parametrize("page", [{"query": "?scale=99"}], indirect=True)
def test_a_link_without_a_message_empties_no_box(page):
    expect(page.locator(".ph-status")).to_contain_text("ignored")
    box(page).fill("Mine")
    assert copied(page)["p"] == "Mine"


SET_AND_PRESS = """([field, value]) => {
  const found = document.querySelector(field);
  found.value = value;
  found.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector("#ph-link").click();
}"""


@pytest.fixture(scope="module")
def settings(chromium, url):
    """A page with its settings open, for tests to which it is all one what stands in its fields."""
    with visited(chromium, url) as page:
        page.get_by_role("button", name="Settings").click()
        expect(seed(page)).to_have_value("42")
        yield page


def test_copy_link_reads_every_field_in_the_same_instant(settings):
    for field, name, value in (
        (".ph-ask textarea", "p", "typed"),
        ("#ph-scale input[type=range]", "scale", "0.5"),
        ("#ph-scale input[type=number]", "scale", "0.75"),
        (".ph-seed input[type=number]", "seed", "77"),
    ):
        settings.evaluate("navigator.clipboard.writeText('')")
        settings.evaluate(SET_AND_PRESS, [field, value])
        assert held(settings)[name] == value, field


def test_an_emptied_seed_is_not_in_the_link(page):
    page.get_by_role("button", name="Settings").click()
    expect(seed(page)).to_have_value("42")  # it is drawn empty for a moment
    for _ in range(50):
        seed(page).fill("")
        page.wait_for_timeout(100)  # the page may still be drawing, and set the field again
        if "seed" not in (found := copied(page)):
            break
    assert (set(found), seed(page).input_value()) == ({"scale", "layer"}, "")


def test_a_new_seed_is_there_at_once(settings):
    before = seed(settings).input_value()
    press(settings, "Random seed")
    drawn = copied(settings)["seed"]
    assert drawn == seed(settings).input_value() != before


def run_is_over(page, turns=1):
    expect(page.get_by_role("log").first.get_by_text("complete")).to_have_count(turns)
    expect(page.locator(".ph-log.ph-open")).to_have_count(
        0
    )  # or what is found in it is still to come


@pytest.mark.parametrize("send", ["Run", "Enter", "Lost match"])
def test_what_is_typed_while_a_run_is_asked_for_stays(page, services, send):
    services.settled.clear()
    box(page).fill("Sent")
    box(page).press(send) if send == "Enter" else press(page, send)
    expect(page.locator(".ph-status")).to_contain_text("waits for the model")
    box(page).fill("The next one")
    services.settled.set()
    run_is_over(page)
    expect(box(page)).to_have_value("The next one")
    assert copied(page)["p"] == "The next one"
    assert services.asked[-1].prompt == (
        "I lost the final by one point." if send == "Lost match" else "Sent"
    )


def test_the_same_message_twice_empties_the_box_twice(page):
    for turn in (1, 2):
        box(page).fill("Again")
        press(page, "Run")
        run_is_over(page, turn)
        expect(box(page)).to_have_value("")


def test_an_example_stands_in_the_box_until_replies_begin(page, services):
    services.settled.clear()
    press(page, "Lost match")
    expect(box(page)).to_have_value("I lost the final by one point.")
    services.settled.set()
    run_is_over(page)
    expect(box(page)).to_have_value("")


def test_what_is_typed_after_clear_stays(page):
    server = SlowServer(page)
    box(page).fill("To be cleared")
    press(page, "Clear")
    expect(box(page)).to_have_value("")
    box(page).fill("Mine")
    server.answer()
    expect(page.locator(".ph-status")).to_contain_text("Cleared")
    expect(box(page)).to_have_value("Mine")


def test_a_number_that_a_slider_does_not_have_becomes_the_nearest(settings):
    slider = settings.locator("#ph-scale input[type=range]")
    number = settings.locator("#ph-scale input[type=number]")
    for typed, kept in (("99", "max"), ("-99", "min"), ("", "value")):
        number.fill("0.5")
        expect(settings.locator("#ph-dose")).to_contain_text("Scale 0.50")
        wanted = {"value": "0.5"}.get(kept) or slider.get_attribute(kept)
        number.fill(typed)
        number.press("Enter")
        expect(number).to_have_value(wanted)
        expect(settings.locator("#ph-dose")).to_contain_text(f"Scale {float(wanted):.2f}")
