"""Take the screenshots of README and docs, and record the tour, from the real page of the shipped run.

    python tools/screens.py

Writes assets/screenshots/*-light.png and tour.gif. Replies stay masked: whoever reads a README did
not ask to see them.
"""

import argparse
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from phoque.config import app_settings
from phoque.ui.demo import opened

SCREENS = Path(__file__).parent.parent / "assets" / "screenshots"
TABS = ("chat", "psm", "sae", "moderation")
WIDTH, HEIGHT = 1440, 900
SETTLED_MS = 8_000
"""Until figures are drawn, on a slow machine."""
STEP_MS, MOVE_MS = 4_000, 400
"""How long a step of the tour stands, and a move of the slider."""
GIF_WIDTH, COLOURS = 960, 240
LARGEST = 5 * 2**20
"""Bytes of the recording."""


def main() -> None:
    """Open the page, look at it, write what is seen."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    SCREENS.mkdir(parents=True, exist_ok=True)
    with page_address() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for tab in TABS:
            page.goto(f"{address}?tab={tab}&__theme=light")
            page.get_by_text("Ready:").wait_for(timeout=120_000)
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=SCREENS / f"{tab}-light.png")
        page.goto(f"{address}?tour=1&__theme=light")
        save_gif(list(tour(page)), SCREENS / "tour.gif")
        browser.close()


@contextmanager
def page_address() -> Iterator[str]:
    """The page of the shipped run, with its real model, while it is needed."""
    demo, options = opened(app_settings())
    options |= {"server_name": "127.0.0.1", "server_port": None}
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, **options)
    try:
        yield address
    finally:
        demo.close()


def tour(page: Page) -> Iterator[tuple[Image.Image, int]]:
    """What is seen, and for how many milliseconds."""
    dialog = page.get_by_role("dialog")
    dialog.wait_for(timeout=120_000)
    while True:
        page.wait_for_timeout(SETTLED_MS)
        yield seen(page), STEP_MS
        if "Steer" in dialog.inner_text():
            yield from dragged(page)
        forward = dialog.get_by_role("button", name="Next")
        if not forward.count():
            return
        forward.click()


def dragged(page: Page) -> Iterator[tuple[Image.Image, int]]:
    """The scale on its way from nothing to the most that was recorded."""
    slider = page.locator("#ph-scale input[type=range]")
    low, high = 0.0, float(slider.get_attribute("max") or 1)
    for part in range(1, 6):
        slider.fill(str(low + (high - low) * part / 5))
        page.wait_for_timeout(MOVE_MS)
        yield seen(page), MOVE_MS


def seen(page: Page) -> Image.Image:
    """The window, in the size of the recording."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = image.resize((GIF_WIDTH, GIF_WIDTH * HEIGHT // WIDTH), Image.Resampling.LANCZOS)
    return small.quantize(COLOURS, dither=Image.Dither.NONE)


def save_gif(frames: list[tuple[Image.Image, int]], path: Path) -> None:
    """Write the recording; too large a one is an error."""
    images: list[Any] = [image for image, _ in frames]
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=[shown for _, shown in frames],
        loop=0,
        optimize=True,
    )
    size = path.stat().st_size
    print(f"{path.name}: {len(frames)} frames, {size / 2**20:.1f} MiB")
    if size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST / 2**20:.0f} MiB. Record less.")


if __name__ == "__main__":
    main()
