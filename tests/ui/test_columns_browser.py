"""Columns, slider, links and export as a visitor sees them: a real browser, a fake model."""

import json
import re

import pytest

from tests.ui.chatting import COLUMNS, expect, log, overflow, press, run_chip, run_is_over
from tests.ui.conftest import visited
from tests.ui.fakes import GRADIO_WARNINGS

pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]


@pytest.fixture(scope="module")
def ran(chromium, url):
    """A page after a run, for tests that leave it as it was."""
    with visited(chromium, url) as page:
        run_chip(page)
        yield page


def test_the_slider_answers_to_keyboard_and_pointer(ran):
    slider = ran.locator("#ph-scale input[type=range]")
    dose = ran.locator("#ph-dose")
    expect(dose).to_contain_text("Scale 1.00")
    slider.focus()
    slider.press("ArrowRight")
    expect(dose).to_contain_text("Scale 1.05")
    box = slider.bounding_box()
    ran.mouse.click(box["x"] + box["width"] * 0.98, box["y"] + box["height"] / 2)
    expect(dose).to_contain_text("Beyond 1.30")
    ran.locator("#ph-scale").get_by_test_id("reset-button").click()
    expect(dose).to_contain_text("Scale 1.00")


def test_the_new_scale_reaches_the_model_on_retry(page, services):
    run_chip(page)
    page.locator("#ph-scale input[type=range]").press("ArrowRight")
    expect(page.locator("#ph-dose")).to_contain_text("1.05")
    asked = len(services.asked)
    press(page, "Re-run last prompt")
    expect(page.locator(".ph-status")).to_contain_text("scale 1.05")
    run_is_over(page)
    assert [ask.prompt for ask in services.asked[asked:]] == ["I lost the final by one point."]
    expect(log(page, "Neutral").locator(".ph-you")).to_have_count(1)


def test_replies_are_hidden_until_revealed(ran):
    reply = log(ran, "Toxic").locator(".ph-real")
    expect(reply).to_be_hidden()
    button = ran.locator("#ph-reveal")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.press("Enter")
    expect(reply).to_be_visible()
    expect(reply.locator("mark")).to_have_text(["clown", "garbage"])
    expect(button).to_have_attribute("aria-pressed", "true")
    press(ran, "Hide replies")
    expect(reply).to_be_hidden()


def test_replies_streamed_after_the_reveal_are_visible_at_once(page):
    press(page, "Show replies")
    press(page, "Lost match")
    expect(log(page, "Toxic").locator(".ph-real")).to_contain_text("You clown")
    run_is_over(page)


def test_injected_markup_stays_text(page):
    page.get_by_label("Your message").fill("<img src=x onerror=window.x=1> ${window.x=1}")
    press(page, "Run")
    run_is_over(page)
    press(page, "Show replies")
    expect(log(page, "Neutral + vector")).to_contain_text("${Object.assign(window,{x:1})} `tick`")
    assert page.evaluate("window.x") is None
    assert page.locator(".ph-log img, .ph-log script").count() == 0


def test_one_switch_adds_the_base_model_and_a_random_vector(page):
    expect(log(page, "Random vector")).to_be_hidden()
    page.get_by_label("Also: base model and random vector").check()
    expect(log(page, "Random vector")).to_be_visible()
    run_chip(page)
    for name in ("Base model", "Random vector"):
        expect(log(page, name).get_by_text("complete")).to_have_count(1)
    tops = {round(log(page, name).bounding_box()["y"]) for name in (*COLUMNS, "Base model")}
    assert len(tops) == 1
    assert overflow(page) <= 0


def test_the_export_holds_the_conversation(ran):
    with ran.expect_download() as download:
        press(ran, "Export JSON")
    exported = json.loads(download.value.path().read_text())
    assert exported["columns"]["neutral"][0]["prompt"] == "I lost the final by one point."


def test_a_column_can_be_copied(ran):
    press(ran, "Copy column Toxic")
    expect(ran.locator(".ph-status")).to_contain_text("Column copied")
    assert "You clown, that was garbage" in ran.evaluate("navigator.clipboard.readText()")


def test_a_copied_link_opens_the_same_settings_and_runs_nothing(page, services, url):
    page.get_by_label("Your message").fill("A & B")
    page.locator("#ph-scale input[type=range]").press("ArrowRight")
    expect(page.locator("#ph-dose")).to_contain_text("1.05")
    press(page, "Copy link")
    expect(page.locator(".ph-status")).to_contain_text("Link copied")
    asked = len(services.asked)
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.get_by_label("Your message")).to_have_value("A & B")
    expect(page.locator("#ph-dose")).to_contain_text("Scale 1.05")
    assert len(services.asked) == asked


def test_a_copied_link_has_the_message_whose_replies_are_shown(ran, chromium, url):
    press(ran, "Copy link")
    expect(ran.locator(".ph-status")).to_contain_text("Link copied")
    asked = ran.locator("#ph-panel-0 .ph-col-neutral .ph-you").last.inner_text()
    link = ran.evaluate("navigator.clipboard.readText()")
    assert link.startswith(url)
    with visited(chromium, url, query=link.removeprefix(url)) as page:
        expect(page.get_by_label("Your message")).not_to_have_value("")
        assert page.get_by_label("Your message").input_value() in asked


@pytest.mark.parametrize("page", [{"query": "?scale=nan&layer=99&p=Hi"}], indirect=True)
def test_a_bad_link_is_ignored_with_a_note(page):
    expect(page.get_by_label("Your message")).to_have_value("Hi")
    expect(page.locator("#ph-dose")).to_contain_text("Scale 1.00 at layer 18")
    expect(page.locator(".ph-status")).to_contain_text("ignored")


@pytest.mark.parametrize("page", [{"width": 390}], indirect=True)
def test_on_a_phone_one_column_is_shown_at_a_time_and_nothing_overflows(page):
    press(page, "Lost match")
    expect(log(page, "Neutral + vector").get_by_text("complete")).to_have_count(1)
    press(page, "Show replies")
    choice = page.get_by_role("group", name="Which column is shown")
    for name in COLUMNS:
        choice.get_by_role("button", name=name, exact=True).click()
        visible = page.get_by_role("log").all()
        assert [one.get_attribute("aria-label") for one in visible] == [f"{name} conversation"]
        pressed = choice.locator("[aria-pressed=true]")
        expect(pressed).to_have_count(1)
        expect(pressed).to_contain_text(name)
    assert overflow(page) <= 0


@pytest.mark.parametrize(
    "page", [{"query": "?__theme=light"}, {"query": "?__theme=dark"}], indirect=True
)
def test_text_is_readable_in_both_themes(page):
    run_chip(page)
    press(page, "Show replies")
    for selector in (".ph-header h1", ".ph-real", ".ph-status", ".ph-head > p", ".ph-reply footer"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector) -> float:
    """WCAG contrast of the first match against the background painted behind it."""
    colours = page.locator(selector).first.evaluate(
        """element => {
          const ink = getComputedStyle(element).color;
          let behind = element;
          const clear = (e) => /, 0\\)|transparent/.test(getComputedStyle(e).backgroundColor);
          while (behind.parentElement && clear(behind)) behind = behind.parentElement;
          return [ink, getComputedStyle(behind).backgroundColor];
        }"""
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(float(c)) / 255 for c in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_about_tab_explains_the_words(ran):
    ran.get_by_role("tab", name="About").click()
    expect(ran.get_by_text("How to read the columns")).to_be_visible()
    ran.get_by_role("tab", name="Chat").click()
    expect(log(ran, "Neutral")).to_be_visible()
