"""Claims, and links to tabs, as a visitor sees them: a real browser, the shipped ledger, a fake model."""

import pytest

from phoque.config import SHIPPED_RUN
from phoque.figures import claims as figure
from phoque.run.claims import Claims
from phoque.run.directory import RunDirectory
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
NARROW, WIDE = {"width": 390}, {"width": 1440}

GROWS = """() => {
  document.documentElement.style.overflowAnchor = "none"; // a browser such as Safari keeps no place by itself
  const late = document.createElement("div");
  late.style.height = "3000px";
  const section = document.querySelector("#ph-section-talk_conditions");
  section.parentElement.insertBefore(late, section);
}"""


@pytest.fixture(scope="module")
def services():
    return FakeServices(run=RunDirectory(SHIPPED_RUN))


def linked(query, size, ready=None):
    return pytest.param({"query": query, "ready": ready, **size}, id=f"{query} {size['width']}")


def unfolded(page, name):
    """A claim of the shipped ledger, and its line on the page, whose drawer is open now."""
    [known] = [
        one for one in Claims.load(SHIPPED_RUN / "report", command="").claims if one.id == name
    ]
    drawer = page.locator(".ph-claims .ph-more", has=page.locator("li", has_text=known.claim))
    drawer.locator("> summary").click()
    return known, drawer.locator("li", has_text=known.claim)


@pytest.mark.parametrize(
    "page",
    [linked("?tab=claims", size, ".ph-claims") for size in (NARROW, WIDE)],
    indirect=True,
)
def test_a_claim_leads_to_where_it_is_shown_without_a_reload(page):
    expect(page.locator(".ph-claims-bar")).to_be_visible()
    cut = "[...document.querySelectorAll('.ph-claims-bar span')].filter((one) => one.scrollWidth > one.clientWidth)"
    assert page.evaluate(f"{cut}.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.evaluate("window.stays = true")
    known, claim = unfolded(page, "stable-direction")
    expect(claim.locator(".ph-verdict")).to_have_text(figure.WORDS[known.verdict])
    claim.get_by_text("Why?").click()
    expect(claim).to_contain_text("psm/reliability.json")
    claim.locator("a.ph-show").click()
    heading = page.locator("#ph-section-reliability > button")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    assert page.evaluate("window.stays") is True
    number = figure.number_alone(known)
    expect(page.locator("#ph-section-reliability .ph-sought")).to_contain_text(number)
    expect(heading).to_be_in_viewport()


@pytest.mark.parametrize("page", [linked("?tab=claims", NARROW, ".ph-claims")], indirect=True)
def test_a_number_in_a_folded_table_is_unfolded_and_pointed_at(page):
    known, claim = unfolded(page, "times-fifteen")
    claim.locator("a.ph-show").click()
    cell = page.locator("#ph-section-talk_conditions td.ph-sought")
    expect(cell).to_contain_text(figure.number_alone(known).removesuffix(" %"))
    expect(cell).to_be_in_viewport()
    page.evaluate(GROWS)  # as it does where a picture above is drawn late
    expect(cell).to_be_in_viewport()
    page.mouse.wheel(0, 1)
    page.evaluate(GROWS)
    expect(cell).not_to_be_in_viewport()


@pytest.mark.parametrize(
    "page",
    [
        linked("?tab=training&figure=loss", size, "#ph-section-loss .ph-reading")
        for size in (NARROW, WIDE)
    ],
    indirect=True,
)
def test_a_link_opens_a_tab_at_a_figure(page):
    expect(page.locator("#ph-section-loss > button")).to_be_in_viewport()


LOSES = """() => {
  const lose = (press) => {
    if (!press.target.closest('#ph-section-loss')) return;
    press.stopImmediatePropagation();
    window.removeEventListener('click', lose, true);
  };
  window.addEventListener('click', lose, true);
}"""
"""As a page does that is still being built."""


@pytest.mark.parametrize("page", [linked("?tab=training", WIDE, "#ph-section-loss")], indirect=True)
def test_a_section_opens_where_its_first_press_is_lost(page):
    page.evaluate(LOSES)
    page.evaluate("window.phoque.openTab('training', 'loss')")
    expect(page.locator("#ph-section-loss .ph-reading")).to_be_visible()


@pytest.mark.parametrize("page", [linked("?tab=nothing", WIDE)], indirect=True)
def test_a_link_to_no_tab_opens_the_first_one(page):
    expect(page.get_by_role("tab", name="Chat")).to_have_attribute("aria-selected", "true")
