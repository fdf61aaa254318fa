"""How events run, named once, so that no two places disagree; and answers that fill fields."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

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


FILL = "(order, ...fields) => phoque.fill(order, fields)"
"""An answer goes to a hidden component, as an order; the page's script carries it out. One that comes late changes no
field that was changed meanwhile."""


def order(was: Sequence[Any], becomes: Sequence[Any]) -> str:
    """What fields shall hold, each only where it still holds what it held when it was asked for."""
    # The time makes two equal orders two: an equal one would be no change.
    return json.dumps({"was": was, "becomes": becomes, "time": time.monotonic_ns()})


def carry_out(event: Any, orders: gr.Textbox, fields: Sequence[Any]) -> None:
    """After the event, do what the order says."""
    event(None, [orders, *fields], list(fields), js=FILL, **PRIVATE)
