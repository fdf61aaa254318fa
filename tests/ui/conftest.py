import os
import shutil
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from phoque.ui.demo import build_demo, launch_options
from tests.ui.drawers import unfold
from tests.ui.fakes import FakeServices

LOCAL = {"127.0.0.1", "localhost", ""}
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def services() -> FakeServices:
    return FakeServices(pause_seconds=0.08)


@pytest.fixture(scope="module")
def url(services):
    """Address of the page, served from this process."""
    demo = build_demo(services)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options()
    )
    yield address
    demo.close()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser; its absence is an error where `PHOQUE_REQUIRE_BROWSER=1`."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found and os.environ.get("PHOQUE_REQUIRE_BROWSER") == "1":
        pytest.fail("PHOQUE_REQUIRE_BROWSER=1, but there is no Chromium on the PATH.")
    if not found:
        pytest.skip("No Chromium on the PATH; install one to run the browser tests.")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, url, request):
    """A fresh page, opened as the parameter says; the checks of `visited` follow."""
    with visited(chromium, url, **getattr(request, "param", {})) as opened:
        yield opened


@contextmanager
def visited(chromium, url, *, width=1440, query="", ready=None, login=None):
    """A page in a browser of its own; afterwards: no console error, no request to another machine."""
    size = {"width": width, "height": 900}
    errors, hosts = [], set()
    with closing(chromium.new_context(viewport=size, accept_downloads=True)) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url.rstrip("/"))
        # Before the page is opened: a reload would cut off what it asks for as it starts.
        if login:
            context.add_cookies([{"name": "who", "value": login, "url": url}])
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        opened.on("console", lambda told: errors.append(told.text) if told.type == "error" else 0)
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname or ""))
        opened.goto(url + query)
        # A link to another tab says what is ready there; a figure takes long on a busy machine.
        run = opened.get_by_role("button", name="Run", exact=True)
        (opened.locator(ready).first if ready else run).wait_for(timeout=30_000)
        yield opened
    assert errors == []
    assert hosts <= LOCAL


@pytest.fixture(scope="session")
def open_tab():
    """Open a tab by name, through the menu of those that a narrow window has no room for, and drawers whose question
    has these words; None opens no drawer."""

    def opened(page, name, *, drawer=""):
        tab = page.get_by_role("tab", name=name, exact=True)
        if not tab.is_visible():
            page.locator(".overflow-menu > button").click()
            tab = page.locator(".overflow-dropdown button", has_text=name)
        tab.click()
        page.locator(".ph-section:visible").first.wait_for()
        if drawer is not None:
            unfold(page, drawer)

    return opened
