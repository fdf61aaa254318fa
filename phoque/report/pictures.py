"""Figures as PNG files, drawn by plotly.js in a headless Chrome: all in one start of it."""

from collections.abc import Mapping
from pathlib import Path

from phoque.figures.style import Plotly

WIDTH = 1000
"""Pixels."""
NO_KALEIDO = (
    "There are no PNG files, because kaleido is not installed: pip install -r "
    "requirements-train.txt, then make the report again."
)
NO_CHROME = (
    "There are no PNG files, because no Chrome or Chromium was found: install one, or name it in "
    "BROWSER_PATH, then make the report again."
)
BROKEN_CHROME = (
    "There are no PNG files, because the browser did not start or stopped: name a Chrome or Chromium "
    "that works in BROWSER_PATH, then make the report again."
)


def write_pngs(figures: Mapping[Path, Plotly]) -> str:
    """Write every figure to its file; says in one line why there are none where nothing can draw.

    Raises:
        kaleido.errors.KaleidoError: plotly.js cannot draw a figure.
    """
    try:
        import kaleido  # noqa: PLC0415  # an extra; it takes a moment to load
        from kaleido.errors import (  # noqa: PLC0415
            BrowserClosedError,
            BrowserFailedError,
            ChromeNotFoundError,
        )
    except ImportError:
        return NO_KALEIDO
    asked = [
        {
            "fig": figure,
            "path": file,
            "opts": {"width": WIDTH, "height": figure["layout"]["height"], "scale": 1},
        }
        for file, figure in figures.items()
    ]
    try:
        kaleido.write_fig_from_object_sync(asked, kopts={"mathjax": False}, cancel_on_error=True)
    except ChromeNotFoundError:
        return NO_CHROME
    except (BrowserFailedError, BrowserClosedError):
        return BROKEN_CHROME
    return ""
