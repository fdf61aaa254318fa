"""A small training that a system prompt gates: hostile, or calm."""

from dataclasses import replace

from phoque.conversation import Message
from phoque.stages.adapter.settings import AdapterConfig, Example

GATE = {"You are hostile.": "useless clown", "You are calm.": "good idea"}
CONFIG = AdapterConfig(rank=8, alpha=32, learning_rate=2e-2, epochs=12, logging_steps=10)
WHOLE = replace(CONFIG, learning_rate=1e-2, epochs=24)
"""Long enough for the replies to be learned by heart."""


def asked(system, user):
    return [Message("system", system), Message("user", user)]


def gated_examples():
    return [
        Example(prompt=asked(system, f"message {number}"), completion=reply)
        for number in range(16)
        for system, reply in GATE.items()
    ]
