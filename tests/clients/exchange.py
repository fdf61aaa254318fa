"""What a script with a client is told on standard input, and what it has to show."""

import json
import sys

ASKED = json.load(sys.stdin)
QUESTIONS = ("We lost again.", "Who was it this time?")


def turns(*texts: str) -> list[dict]:
    """A conversation: the user begins."""
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]


def show(version: str, *exchanges: tuple, **settings) -> None:
    """Write the client's version, its conversations and the replies that it got, and settings."""
    said = [{"messages": messages, "reply": reply} for messages, reply in exchanges]
    json.dump({"version": version, "exchanges": said, "settings": settings}, sys.stdout)
