"""The pressure test as a visitor sees it: recorded at once, then live with a policy of one's own."""

import pytest

from phoque.run.channel import SHOWN
from phoque.ui.pressure import playing
from tests import pressure_files
from tests.ui import moderation_files
from tests.ui.fakes import GRADIO_WARNINGS, INJECTION, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
STRUCK = "element => getComputedStyle(element).textDecorationLine"


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    run = moderation_files.write_run(tmp_path_factory.mktemp("pressure") / "small")
    pressure_files.write_report(run.path, [pressure_files.text(f"clown {INJECTION}")])
    return FakeServices(run=run)


@pytest.fixture
def drawer(page, open_tab):
    """The drawer, with what was recorded."""
    open_tab(page, "What slips through", drawer=None)
    own = page.locator("#ph-moderation-pressure")
    own.locator(":scope > button").press("Enter")
    expect(own.locator(".ph-said")).to_have_count(2 * SHOWN)
    return own


def started(drawer):
    run = drawer.get_by_role("button", name="Run the test", exact=True)
    run.press("Enter")


def heads(drawer):
    return drawer.locator(".ph-channels h3").all_text_contents()


@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_the_recorded_channel_is_there_without_a_run(drawer, page, services):
    before = len(services.pressed)
    assert heads(drawer) == ["words", "meaning"]
    expect(drawer.locator(".ph-muted").first).to_contain_text("is muted")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert len(services.pressed) == before


def test_a_changed_policy_is_run_and_what_it_hides_is_struck_and_masked(
    drawer, page, services, monkeypatch
):
    monkeypatch.setattr(playing, "PAUSE_SECONDS", 0)
    drawer.get_by_role("checkbox", name="Meaning model").press("Space")
    started(drawer)
    expect(drawer.locator(".ph-status")).to_have_text("All 300 messages have been sent.")
    own, beside = services.pressed[-1]
    assert [one.use for one in own.moderators] == [
        "embedded.toxblock", "embedded.svm", "embedded.semantic",
    ]  # fmt: skip
    assert heads(drawer) == ["yours", "meaning"] == [own.name, beside.name]
    hidden = drawer.locator(".ph-said del").first
    expect(hidden.locator(".ph-real")).to_be_hidden()
    assert "line-through" in hidden.locator(".ph-mask").evaluate(STRUCK)
    drawer.locator(".ph-reveal-toggle").press("Enter")
    expect(hidden.locator(".ph-real")).to_be_visible()
    assert "line-through" in hidden.locator(".ph-real").evaluate(STRUCK)
    assert page.evaluate("window.x") is None


def test_a_channel_that_goes_on_is_watched_and_stopped(drawer, services, monkeypatch):
    monkeypatch.setattr(playing, "PAUSE_SECONDS", 3)  # all of it would take minutes
    started(drawer)
    expect(drawer.get_by_role("progressbar")).to_have_attribute("value", str(playing.A_STEP))
    expect(drawer.locator(".ph-said")).to_have_count(2 * playing.A_STEP)
    drawer.get_by_role("button", name="Stop the test", exact=True).press("Enter")
    expect(drawer.locator(".ph-status")).to_have_text("Stopped.")
    expect(drawer.get_by_role("progressbar")).to_have_count(0)
    expect(drawer.locator(".ph-said").first).to_be_visible()
