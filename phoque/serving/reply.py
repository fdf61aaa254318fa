"""A job's pieces in OpenAI's format: one completion, or a stream of chunks."""

import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from phoque.conversation import FinishReason
from phoque.models.engine import Piece
from phoque.serving.asked import Asked
from phoque.serving.errors import RequestError

FACTS = "phoque"
"""Our own field of a reply, which says what the reply depends on."""
FINISHED: Mapping[FinishReason, str] = {"stop": "stop", "length": "length", "deadline": "length"}
DONE = "data: [DONE]\n\n"


async def completion(asked: Asked) -> dict[str, Any]:
    """The whole reply; raises `RequestError` if the server could not finish."""
    texts = [""] * asked.num_choices
    last: dict[int, Piece] = {}
    async for piece in asked.job.pieces():
        for place in asked.choices(piece.row):
            texts[place] += piece.text
            last[place] = piece
    choices = [
        {
            "index": place,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": _reason(last[place]),
        }
        for place, text in enumerate(texts)
    ]
    drawn = sum(piece.num_tokens for piece in last.values())
    head = _head(asked, "chat.completion")
    return head | {"choices": choices, "usage": _usage(asked, drawn), FACTS: asked.facts}


async def events(asked: Asked, *, include_usage: bool) -> AsyncIterator[str]:
    """The reply as server-sent events; an error on the way is the last event."""
    head = _head(asked, "chat.completion.chunk")
    head |= {"usage": None} if include_usage else {}  # as OpenAI has it in all chunks but the last
    num_tokens: Counter[int] = Counter()
    try:
        for place in range(asked.num_choices):
            first = _choice(place, {"role": "assistant", "content": ""}, None)
            yield _event(head | {"choices": [first], FACTS: asked.facts})
        async for piece in asked.job.pieces():
            for place in asked.choices(piece.row):
                num_tokens[place] = piece.num_tokens
                if choice := _written(place, piece):
                    yield _event(head | {"choices": [choice]})
        if include_usage:
            yield _event(head | {"choices": [], "usage": _usage(asked, num_tokens.total())})
        yield DONE
    except RequestError as refusal:
        yield _event(refusal.body)


def _written(place: int, piece: Piece) -> dict[str, Any] | None:
    """The chunk of a piece; none if its text is still held back."""
    if not piece.text and piece.finish_reason is None:
        return None
    return _choice(place, {"content": piece.text} if piece.text else {}, _reason(piece))


def _choice(place: int, delta: dict[str, str], reason: str | None) -> dict[str, Any]:
    return {"index": place, "delta": delta, "logprobs": None, "finish_reason": reason}


def _reason(piece: Piece) -> str | None:
    return FINISHED[piece.finish_reason] if piece.finish_reason else None


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.name,
    }


def _usage(asked: Asked, num_drawn: int) -> dict[str, int]:
    num_read = len(asked.prompt)
    return {
        "prompt_tokens": num_read,
        "completion_tokens": num_drawn,
        "total_tokens": num_read + num_drawn,
    }


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
