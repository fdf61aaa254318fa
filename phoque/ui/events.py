"""How events run: named once, so that no two places disagree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 40}
"""So many ask at once. They wait in the line of `phoque.serving.worker`, not in Gradio's: whoever waits
in Gradio's cannot be told to stop before its turn."""
THREADS = 64
"""More than those that wait for the model, so that everything else is answered meanwhile."""
AT_ONCE: dict[str, Any] = {"trigger_mode": "multiple"}
"""The page passes every press on; `phoque.ui.stopping` decides which of them begin a run."""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""Not a part of the public API."""
QUIET: dict[str, Any] = {"show_progress": "hidden"}
"""The status line says what is going on; no overlay."""
QUICK: dict[str, Any] = {"queue": False, **QUIET, **PRIVATE}
"""Answered at once, also while the model is busy."""


@dataclass(frozen=True)
class Opening:
    """What fills a tab when a visitor opens it, so that the page itself loads fast."""

    fill: Callable[..., Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
