import os
import shutil

import pytest

from phoque.ui.demo import build_demo, launch_options
from tests.ui.fakes import FakeServices

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
