"""Word by word, as a visitor sees it: of recorded replies and of live ones, masked, by keyboard."""

import re

import pytest

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.ui.recorded import showcase_of
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
BUTTON = "Show the vector, word by word"
SHIPPED = RunDirectory(SHIPPED_RUN)


@pytest.fixture(scope="module")
def services():
    return FakeServices(pause_seconds=0.02, run=SHIPPED)


def shown(page):
    return page.locator("#ph-panel-0 .ph-words")


def press(page, name):
    page.locator("#ph-panel-0").get_by_role("button", name=name, exact=True).click()


def test_recorded_replies_are_read_when_asked_and_masked_until_revealed(page, services):
    assert services.measured == []
    press(page, BUTTON)
    toxic = shown(page).get_by_role("group", name="▲ Toxic, word by word")
    expect(toxic).to_be_visible()
    opened = page.locator(".ph-which q").text_content()
    one = next(one for one in showcase_of(SHIPPED).examples if one.prompt == opened)
    assert {prompt for prompt, *_ in services.measured} == {opened}
    assert one.toxic.text in {reply for _, reply, _ in services.measured}
    expect(page.locator("#ph-panel-0 .ph-status")).to_contain_text("5 replies at layer")
    expect(toxic.locator(".ph-real")).to_be_hidden()
    expect(toxic.locator(".ph-mask")).to_contain_text("•")
    press(page, "Show replies")
    expect(toxic.locator(".ph-real")).to_contain_text(one.toxic.text.split()[0])
    expect(shown(page).get_by_role("group", name="□ Base model, word by word")).to_be_hidden()


def test_the_number_is_read_by_keyboard_and_has_a_sign(page):
    press(page, BUTTON)
    toxic = shown(page).get_by_role("group", name="▲ Toxic, word by word")
    toxic.focus()
    caption = shown(page).locator(".ph-scrub-token")
    expect(caption).to_have_text(re.compile(r"Toxic, token 1 of \d+: .* [+−]\d+\.\d\d SD$"))
    first = caption.text_content()
    toxic.press("ArrowRight")
    expect(caption).to_contain_text("token 2 of")
    toxic.press("ArrowLeft")
    expect(caption).to_have_text(first)
    expect(caption.locator(".ph-real")).to_be_hidden()
    press(page, "Show replies")
    expect(caption.locator(".ph-real")).to_be_visible()
    expect(caption.locator(".ph-mask")).to_be_hidden()
    word = toxic.locator(".ph-mask .ph-token").first
    assert re.search(r"[+−]\d", word.get_attribute("title"))


def test_what_was_read_goes_when_the_replies_change_and_live_ones_are_read(page, services):
    press(page, BUTTON)
    expect(shown(page)).to_be_visible()
    page.locator("#ph-scale input[type=range]").press("ArrowRight")
    expect(shown(page)).to_be_hidden()
    page.locator("#ph-panel-0").get_by_label("Your message").fill("A live one")
    press(page, "Run")
    expect(page.locator("#ph-panel-0 .ph-now").get_by_text("complete")).to_have_count(3)
    press(page, BUTTON)
    expect(shown(page)).to_be_visible()
    assert {prompt for prompt, *_ in services.measured[-3:]} == {"A live one"}
    assert page.locator("#ph-panel-0").get_attribute("data-mode") == "live"
    assert page.evaluate("window.x") is None


@pytest.mark.parametrize("page", [{"width": 390}], indirect=True)
def test_on_a_phone_the_chosen_column_is_shown_and_nothing_overflows(page):
    press(page, BUTTON)
    expect(
        shown(page).get_by_role("group", name="◆ Neutral + vector, word by word")
    ).to_be_visible()
    expect(shown(page).get_by_role("group", name="▲ Toxic, word by word")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
