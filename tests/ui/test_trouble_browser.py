"""Pages of the shipped run on a machine in trouble, and with a model that is not there: all there is stays."""

import pytest

from tests.troubled import AT_ONCE, app

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
DRAWN = {
    "Where it lives": "#ph-section-layers .js-plotly-plot",
    "What moved": "#ph-section-sae_shifts .js-plotly-plot",
    "What slips through": ".ph-passing-card",
    "How it learned": "#ph-section-samples .js-plotly-plot",
    "Claims": ".ph-claims-bar",
}


@pytest.mark.parametrize("troubles", AT_ONCE, ids=" ".join)
def test_every_page_is_drawn(troubles, chromium, open_tab, tmp_path):
    with app(troubles, tmp_path, PHOQUE_MODEL="/no/such/model") as address:
        page = chromium.new_page()
        page.set_default_timeout(30_000)
        page.goto(address)
        expect(page.locator(".ph-chip.ph-failed")).to_contain_text("/no/such/model", timeout=30_000)
        recorded = page.locator("#ph-panel-0 .ph-recorded:visible")
        expect(recorded.first).not_to_be_empty(timeout=30_000)
        page.get_by_label("Your message").first.fill("Hello.")
        page.get_by_role("button", name="Run", exact=True).first.click()
        said = page.locator("#ph-panel-0 .ph-status.ph-error")
        expect(said).to_contain_text("/no/such/model", timeout=30_000)
        for tab, drawn in DRAWN.items():
            open_tab(page, tab, drawer=None)
            page.locator(f"{drawn}:visible").first.wait_for()
            expect(page.locator(".ph-gap:visible")).to_have_count(0)
            expect(page.locator(".toast-wrap .error")).to_have_count(0)
        page.close()
