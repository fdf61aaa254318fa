"""The server's answers into fields: one that comes late changes no field that was changed meanwhile.

An answer goes to a hidden component, as an order; the page's script carries it out.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from phoque.ui.events import PRIVATE

FILL = "(order, ...fields) => phoque.fill(order, fields)"


def order(was: Sequence[Any], becomes: Sequence[Any]) -> str:
    """What fields shall hold, each only where it still holds what it held when it was asked for."""
    # The time makes two equal orders two: an equal one would be no change.
    return json.dumps({"was": was, "becomes": becomes, "time": time.monotonic_ns()})


def carry_out(event: Any, orders: gr.Textbox, fields: Sequence[Any]) -> None:
    """After the event, do what the order says."""
    event(None, [orders, *fields], list(fields), js=FILL, **PRIVATE)
