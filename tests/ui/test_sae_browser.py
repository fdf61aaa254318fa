"""The SAE tab as a visitor sees it: a real browser, a small run, a fake model."""

import threading

import pytest

from phoque.ui.tabs import sae
from tests.ui import sae_files
from tests.ui.drawers import unfold
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    return FakeServices(run=sae_files.write_run(tmp_path_factory.mktemp("sae") / "small"))


@pytest.fixture
def tab(page, open_tab):
    """The tab with the drawers of the latents and of the live try open."""
    open_tab(page, "What moved", drawer=None)
    page.locator(".ph-latent-card").first.wait_for()  # or a press is lost in what is still drawn
    for question in ("each latent like", "one latent do"):
        unfold(page, question)
    expect(page.locator(".ph-latent-browser[data-ready]")).to_be_visible()
    return page


def rows(tab, side):
    return tab.locator(f"[data-side={side}] tbody tr")


def test_latents_stand_on_the_side_they_moved_to(tab):
    expect(rows(tab, "risen")).to_have_count(2)
    expect(rows(tab, "fallen")).to_have_count(2)
    expect(rows(tab, "risen").first).to_contain_text("+8.00 [+7.00, +9.00]")


def test_tables_are_sorted_searched_and_filtered(tab):
    first = rows(tab, "risen").first.locator(".ph-latent-open")
    expect(first).to_have_text("8")
    tab.locator("[data-side=risen] [data-sort=effect]").press("Enter")
    expect(first).to_have_text("7")
    expect(tab.locator("[data-side=risen] th[aria-sort=ascending]")).to_have_count(1)
    tab.locator("[data-verdict=driver]").click()
    expect(tab.locator(".ph-latent-browser .ph-gap-count")).to_have_text("1 of 4 latents.")
    tab.locator("[data-verdict='']").click()
    tab.locator("[data-badge='civil adapter']").click()
    expect(tab.locator(".ph-latent-browser .ph-gap-count")).to_have_text("3 of 4 latents.")
    tab.locator(".ph-latent-browser").get_by_role("searchbox").fill("clown")
    expect(tab.locator(".ph-latent-browser .ph-gap-count")).to_have_text("1 of 4 latents.")


def test_a_latent_opens_masked_and_leads_to_its_neighbours(tab):
    tab.locator(".ph-latents .ph-latent-open[data-latent='7']").press("Enter")
    board = tab.locator(".ph-dashboard")
    expect(board).to_contain_text("Latent 7 · ★ driver")
    expect(board.locator(".ph-contexts .ph-real").first).to_be_hidden()
    expect(tab.get_by_role("textbox", name="Latent")).to_have_value("7")
    tab.locator(".ph-latent-browser .ph-reveal-toggle").click()
    expect(board.locator(".ph-contexts .ph-real").first).to_be_visible()
    board.locator("[data-latent='8']").click()
    expect(board).to_contain_text("Latent 8 · ○ move unsure")
    assert tab.evaluate("window.x") is None


def test_a_card_leads_to_all_the_evidence_of_its_latent(tab):
    card = tab.locator(".ph-latent-card").first
    expect(card.locator(".ph-contexts .ph-real")).to_be_hidden()
    card.get_by_role("link", name="Latent 7: all its evidence").press("Enter")
    expect(tab.locator(".ph-dashboard")).to_contain_text("Latent 7 · ★ driver")
    expect(tab.locator(".ph-dashboard")).to_be_visible()


def test_what_no_latent_expresses_can_be_opened(tab):
    tab.get_by_role("button", name="R: the part of the change").click()
    expect(tab.locator(".ph-dashboard")).to_contain_text(
        "R: the part of the change that no latent expresses"
    )


def test_a_direction_is_tried_live(tab):
    box = tab.locator("#ph-sae-try")
    box.get_by_role("textbox", name="Your message").fill("Hello")
    box.get_by_role("button", name="Run", exact=True).click()
    expect(box.locator(".ph-error")).to_contain_text("Which latent?")
    box.get_by_role("textbox", name="Latent").fill("7")
    box.get_by_role("button", name="Run", exact=True).click()
    expect(box.locator(".ph-status")).to_contain_text("Latent 7, strength +0.20")
    expect(box.locator(".ph-mask").first).to_be_visible()


def test_a_try_can_be_stopped(tab, services, monkeypatch):
    monkeypatch.setattr(services, "pause_seconds", 0.3)
    box = tab.locator("#ph-sae-try")
    box.get_by_role("textbox", name="Your message").fill("Hello")
    box.get_by_role("textbox", name="Latent").fill("7")
    box.get_by_role("button", name="Run", exact=True).click()
    expect(box.locator(".ph-mask").first).to_contain_text("•")
    box.get_by_role("button", name="Stop", exact=True).click()
    expect(box.locator(".ph-status")).to_have_text("Stopped.")
    expect(box.get_by_text("stopped by you")).to_have_count(2)


def test_a_late_answer_leaves_the_number_that_was_typed(tab, monkeypatch):
    released, drawn = threading.Event(), sae.dashboard_html
    monkeypatch.setattr(sae, "dashboard_html", lambda *asked: released.wait(20) and drawn(*asked))
    tab.locator(".ph-latents .ph-latent-open[data-latent='7']").press("Enter")
    number = tab.locator("#ph-sae-try").get_by_role("textbox", name="Latent")
    number.fill("8")
    released.set()
    expect(tab.locator(".ph-dashboard")).to_contain_text("Latent 7")
    expect(number).to_have_value("8")
    tab.locator(".ph-latents .ph-latent-open[data-latent='7']").press("Enter")
    expect(number).to_have_value("7")


@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_nothing_is_wider_than_the_window(page, open_tab):
    open_tab(tab := page, "What moved")
    expect(tab.locator(".ph-latent-browser[data-ready]")).to_be_visible()
    tab.locator(".ph-latents .ph-latent-open").first.click()
    expect(tab.locator(".ph-dashboard")).to_be_visible()
    for details in tab.locator(".ph-section details").all():
        details.evaluate("element => { element.open = true }")
    assert tab.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
