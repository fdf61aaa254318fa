"""What the page looks like as a whole: the seal, and the size for a projector."""

import pytest

from tests.ui.fakes import GRADIO_WARNINGS

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]


def title_height(page) -> float:
    title = page.get_by_role("heading", name="What the Phoque")
    title.wait_for()
    return title.bounding_box()["height"]


def test_a_link_opens_the_page_in_stage_size(page, url):
    plain = title_height(page)
    page.goto(f"{url}?stage=1")
    expect(page.locator("html")).to_have_class("ph-stage")
    assert title_height(page) == pytest.approx(1.35 * plain, rel=0.03)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= page.viewport_size["width"]


def test_stage_size_is_a_setting(page):
    page.get_by_role("button", name="Settings").click()
    button = page.get_by_role("button", name="Stage size")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_class("ph-stage")
    button.click()
    expect(page.locator("html")).not_to_have_class("ph-stage")


def test_the_seal_is_in_the_header_and_on_the_browsers_tab(page, url):
    page.locator(".ph-header .ph-seal").wait_for()
    icon = page.request.get(f"{url.rstrip('/')}/favicon.ico")
    assert b"<svg" in icon.body()


RING = """(element) => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
  return [outlineStyle, parseFloat(outlineWidth), outlineColor];
}"""
THEMES = [pytest.param({"query": f"?__theme={theme}"}, id=theme) for theme in ("light", "dark")]


FIELDS = (".ph-ask textarea", ".ph-scale [type=range]", ".ph-scale [type=number]")


@pytest.mark.parametrize("page", THEMES, indirect=True)
def test_who_uses_the_keyboard_sees_where_it_is(page):
    accent = page.locator("body").evaluate(
        """(body) => {
          const probe = Object.assign(document.createElement("i"), { style: "color: var(--ph-steered)" });
          document.querySelector(".gradio-container").append(probe);
          return getComputedStyle(probe).color;
        }"""
    )
    for field in FIELDS:
        found = page.locator(field).first
        found.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        expect(found).to_be_focused()
        assert found.evaluate(RING) == ["solid", 2, accent], field
