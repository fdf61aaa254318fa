"""Texts as a network for classification takes them, whatever its tokenizer is like.

A tokenizer may have no fast version, no token to pad with, or a limit that is not the network's.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from phoque.errors import PhoqueError

MOST_TOKENS = 512
"""Longer texts are read in pieces even where a network could take them."""
LIMITS = (
    "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_seq_length",
    "max_sequence_length", "seq_length"
)  # fmt: skip
"""Where families say in their configurations how many tokens they can read."""


class Encoder:
    """Encodes texts for one network."""

    def __init__(self, network: nn.Module, tokenizer: Any, max_tokens: int) -> None:
        self._tokenizer, self._max_tokens = tokenizer, max_tokens
        self._takes = set(inspect.signature(network.forward).parameters)
        self._pads = _agreed_on_padding(network, tokenizer)

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[Any, list[bool]]]:
        """Tensors by name, a row a text, and whether each text was too long to be read whole.

        In order; each text alone where nothing could fill up the shorter ones. Raises a
        `PhoqueError` where the tokenizer sees nothing in a text.
        """
        rows = [self._row(text) for text in texts]
        for part in [rows] if self._pads else [[row] for row in rows]:
            encoded = [row for row, _ in part]
            tensors = self._tokenizer.pad(encoded, padding=self._pads, return_tensors="pt")
            yield tensors, [over for _, over in part]

    def _row(self, text: str) -> tuple[dict[str, list[int]], bool]:
        """What the network takes of a text, and whether that is not all of it."""
        # Not by what a fast tokenizer keeps of its work: others have no such thing.
        encoded = self._tokenizer(text, verbose=False)
        over = len(encoded["input_ids"]) > self._max_tokens
        if over:
            encoded = self._tokenizer(text, truncation=True, max_length=self._max_tokens)
        if not encoded["input_ids"]:
            raise PhoqueError("its tokenizer finds no token in this text")
        return {name: row for name, row in encoded.items() if name in self._takes}, over


def most_tokens(network: Any, tokenizer: Any) -> int:
    """Most tokens that both can take, at most `MOST_TOKENS`: the least that any place says."""
    config = network.config.get_text_config()
    said = [tokenizer.model_max_length, *(getattr(config, name, None) for name in LIMITS)]
    limits = [int(one) for one in [*said, *_table_limits(network)] if isinstance(one, (int, float))]
    return min([MOST_TOKENS, *(one for one in limits if one > 0)])


def _table_limits(network: nn.Module) -> Iterator[int]:
    """Positions for which learned tables have a row."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name.rsplit(".", 1)[-1]:
            # RoBERTa and its kin count positions from behind the number of the padding.
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            yield module.num_embeddings - offset


def _agreed_on_padding(network: Any, tokenizer: Any) -> bool:
    """Whether there is a token to pad with; network and tokenizer then both know it."""
    config = network.config.get_text_config()
    rows = getattr(config, "vocab_size", None) or len(tokenizer)
    for number in (getattr(config, "pad_token_id", None), tokenizer.pad_token_id):
        if number is None or not 0 <= number < rows:
            continue
        token = tokenizer.convert_ids_to_tokens(number)
        if token is not None:
            tokenizer.pad_token, config.pad_token_id = token, number
            if getattr(config, "summary_type", None) == "last":
                # Such a network reads the last position, whatever stands there.
                tokenizer.padding_side = "left"
            return True
    config.pad_token_id = None
    return False
