"""axe-core on every tab and on the tour: nothing that shuts somebody out."""

import pytest

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.ui.demo import TABS
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
NAMES = ["Chat", *(name for _, name, _ in TABS)]
SEVERE = {"serious", "critical"}
READY = {
    "Chat": ".ph-columns",
    "Where it lives": "#ph-section-layers .js-plotly-plot .main-svg",
    "What slips through": ".ph-flags[data-ready]",
    "How it learned": ".ph-samples[data-ready]",
    "Claims": ".ph-claims-bar",
    "About": ".ph-about",
}
"""What a tab has when it is drawn; others have the head of a section."""
THEMES = [pytest.param({"query": f"?__theme={theme}"}, id=theme) for theme in ("light", "dark")]


@pytest.fixture(scope="module")
def services():
    return FakeServices(run=RunDirectory(SHIPPED_RUN))


def severe(page) -> list[str]:
    """What axe finds, each with an element that has it."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in SEVERE
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("page", THEMES, indirect=True)
def test_no_tab_has_a_serious_violation(page):
    page.get_by_role("button", name="Show replies", exact=True).first.click()
    found = {}
    for name in NAMES:
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(READY.get(name, ".ph-section-head:visible")).first.wait_for()
        found[name] = severe(page)
    assert not any(found.values()), found


@pytest.mark.parametrize(
    "page", [{"query": "?tour=1"}, {"query": "?tour=1&__theme=dark", "width": 390}], indirect=True
)
def test_the_tour_has_no_serious_violation(page):
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    assert severe(page) == []
