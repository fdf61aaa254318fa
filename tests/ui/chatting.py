"""What a visitor of the chat does and sees, in a real browser."""

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
COLUMNS = ("Neutral", "Toxic", "Neutral + vector")


def log(page, name):
    return page.get_by_role("log", name=f"{name} conversation", exact=True)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def run_chip(page, chip="Lost match"):
    """Run an example to its end."""
    press(page, chip)
    run_is_over(page)


def run_is_over(page, turns=1):
    for name in COLUMNS:
        expect(log(page, name).get_by_text("complete")).to_have_count(turns)
    # Or what is found in it is still to come.
    expect(page.locator(".ph-log.ph-open")).to_have_count(0)


def overflow(page) -> int:
    """Pixels by which the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def soon(true, page, seconds=15):
    for _ in range(10 * seconds):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never became true")
