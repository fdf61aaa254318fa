"""Drawers of a tab, which are closed when it opens."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # tests without a browser import this, too
    from playwright.sync_api import Page


def unfold(page: "Page", question: str = "") -> None:
    """Open the drawers whose question has these words."""
    found = page.locator(".ph-folded > button:visible", has_text=question).all()
    assert found or not question, f"no drawer asks {question!r}"
    for one in found:
        one.click()
