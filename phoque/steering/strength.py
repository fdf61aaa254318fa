"""How far each token of a reply lies along a vector, to a reader to whom nothing is done.

Shapes: S = tokens of the reply, D = width.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from phoque.conversation import Messages, TokenStrength
from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel
from phoque.models.template import check_whole, encode
from phoque.steering.capture import token_streams
from phoque.steering.vectors import SteeringVector

Reading = Callable[[], list[TokenStrength]]
Running = Callable[[Reading], list[TokenStrength]]


def at_once(reading: Reading) -> list[TokenStrength]:
    """Call it here and now."""
    return reading()


def strengths(
    reader: LanguageModel, messages: Messages, reply: str, vector: SteeringVector
) -> list[TokenStrength]:
    """The reply's tokens after the messages, in lengths of the vector; see `Lab.strengths`."""
    check_whole(reply, "assistant")
    tokens = reader.tokenizer(reply, add_special_tokens=False).input_ids
    if not tokens:
        return []
    text = [*encode(reader.tokenizer, messages), *tokens]
    if len(text) > reader.context_length:
        raise PhoqueError(
            f"Message and reply are {len(text)} tokens long, and {reader.name} can read "
            f"{reader.context_length}. Shorten them."
        )
    [stream_LSD] = token_streams(reader, [text], positions=len(tokens), layers=[vector.layer])
    along_S = stream_LSD[0] @ vector.direction_D / vector.norm**2
    pieces = _texts(reader.tokenizer, tokens)
    return [TokenStrength(*one) for one in zip(pieces, along_S.tolist(), strict=True)]


def _texts(tokenizer: Any, tokens: Sequence[int]) -> Iterator[str]:
    """What each token adds to the text; a part of a character adds nothing until its last part comes."""
    written = ""
    for end in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[:end])
        held = text.endswith("\ufffd") and end < len(tokens)
        yield "" if held else text[len(written) :]
        written = written if held else text
