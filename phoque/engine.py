"""The one decode loop: rows in, text deltas out.

All rows advance together, one forward pass a token, whatever their conversation, seed, layer or
scale. Nothing of a request outlives a forward pass in the model, so a consumer may leave at any
time and two requests may interleave.

Shapes: B = rows, S = positions, D = width of the residual stream, V = vocabulary.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.packed import PackedDecoder
from phoque.records import FinishReason, Messages, Sampling
from phoque.steering.hooks import Injection, injected


@dataclass(frozen=True, kw_only=True)
class Row:
    """One conversation to continue, and what to add to its residual stream."""

    messages: Messages
    seed: int = 42
    injection: Injection | None = None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one row wrote in one step."""

    row: int
    text: str
    num_tokens: int
    finish_reason: FinishReason | None


class Decoder(Protocol):
    """A forward pass with a key-value cache."""

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor) -> Tensor:
        """Read the prompts, left-padded; logits_BV of the last position."""

    def step(self, ids_B: Tensor) -> Tensor:
        """Read one more token a row; its logits_BV."""


@torch.inference_mode()
def decode(model: LanguageModel, rows: Sequence[Row], sampling: Sampling) -> Iterator[list[Piece]]:
    """Continue every row; yields after each token what the rows that are not finished wrote.

    A row's text does not depend on what the others say, only, by rounding, on how many they are and
    how long: in bf16 another batch can tip a near tie. The same call gives the same text.

    Raises:
        PhoqueError: no rows, or a prompt that does not fit the context.
    """
    limit = sampling.deadline_seconds
    deadline = time.monotonic() + (float("inf") if limit is None else limit)
    prompts = [encode(model.tokenizer, row.messages) for row in rows]
    check_lengths(prompts, sampling, model.context_length)
    writers = [_Writer(model, index, sampling.max_new_tokens) for index in range(len(rows))]
    draw = Sampler([row.seed for row in rows], sampling)
    decoder = decoder_for(model, [row.injection for row in rows])
    ids_BS, mask_BS = left_padded(prompts, model)
    logits_BV = decoder.prefill(ids_BS, mask_BS)
    # Kernels may round equal rows differently; equal rows write equal text all the same.
    first_equal_B = torch.tensor([rows.index(row) for row in rows])
    while True:
        ids_B = draw(logits_BV)[first_equal_B]
        late = time.monotonic() >= deadline
        tokens = ids_B.tolist()
        yield [w.push(tokens[w.row], late=late) for w in writers if w.finish_reason is None]
        if all(writer.finish_reason for writer in writers):
            return
        logits_BV = decoder.step(ids_B)


def decoder_for(model: LanguageModel, injections: Sequence[Injection | None]) -> Decoder:
    """The fastest forward pass for `model`; a caller's own hooks on its blocks must be heard."""
    hooked = any(block._forward_hooks for block in model.layers)
    if model.packed is not None and not hooked:
        return PackedDecoder(model.packed, injections)
    return HookedDecoder(model, injections)


def check_lengths(prompts: Sequence[Sequence[int]], sampling: Sampling, context: int) -> None:
    """Refuse what cannot be decoded.

    Raises:
        PhoqueError: says how long the longest prompt is and what fits.
    """
    if not prompts:
        raise PhoqueError("There is nothing to continue: no rows were given.")
    if sampling.max_new_tokens < 1:
        raise PhoqueError(f"max_new_tokens is {sampling.max_new_tokens}; ask for at least 1.")
    longest = max(map(len, prompts))
    if longest + sampling.max_new_tokens > context:
        raise PhoqueError(
            f"The prompt is {longest} tokens long; with {sampling.max_new_tokens} new tokens it "
            f"does not fit the model's context of {context}. Shorten it or clear the conversation."
        )


def left_padded(prompts: Sequence[Sequence[int]], model: LanguageModel) -> tuple[Tensor, Tensor]:
    """Token ids_BS and mask_BS, padded on the left: a reply starts right after its prompt."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=model.device), torch.tensor(mask, device=model.device)


class HookedDecoder:
    """Any transformers decoder; injections are hooks around each forward pass."""

    def __init__(self, model: LanguageModel, injections: Sequence[Injection | None]) -> None:
        self._model = model
        self._injections = injections
        self._mask_BS = torch.empty(0)
        self._cache: Any = None

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor) -> Tensor:
        """See `Decoder.prefill`."""
        self._mask_BS = mask_BS
        return self._forward(ids_BS)

    def step(self, ids_B: Tensor) -> Tensor:
        """See `Decoder.step`."""
        self._mask_BS = torch.nn.functional.pad(self._mask_BS, (0, 1), value=1)
        return self._forward(ids_B[:, None])

    def _forward(self, ids_BS: Tensor) -> Tensor:
        positions_BS = (self._mask_BS.cumsum(-1) - 1).clamp(min=0)[:, -ids_BS.shape[1] :]
        with self._model.forward_lock, injected(self._model.layers, self._injections):
            output = self._model.model(
                input_ids=ids_BS,
                attention_mask=self._mask_BS,
                position_ids=positions_BS,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        self._cache = output.past_key_values
        logits_BV: Tensor = output.logits[:, -1]
        return logits_BV


class Sampler:
    """Draws a token a row: temperature, top-k, top-p, then one uniform number from its seed.

    Rows with the same seed get the same uniform numbers, so conditions are paired: where two
    distributions agree, so do the draws.
    """

    def __init__(self, seeds: Sequence[int], sampling: Sampling) -> None:
        self._sampling = sampling
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, logits_BV: Tensor) -> Tensor:
        """Token ids_B for logits_BV."""
        if self._sampling.temperature == 0:
            return logits_BV.argmax(-1)
        top = logits_BV.float().topk(min(self._sampling.top_k, logits_BV.shape[-1]))
        cumulative_BK = (top.values / self._sampling.temperature).softmax(-1).cumsum(-1)
        # The nucleus is the shortest prefix that reaches top_p; one number inside it picks.
        reaches_BK = (cumulative_BK < self._sampling.top_p).sum(-1, keepdim=True)
        last_B1 = reaches_BK.clamp(max=cumulative_BK.shape[-1] - 1)
        uniform_B1 = torch.stack([torch.rand(1, generator=g) for g in self._generators])
        target_B1 = uniform_B1.to(logits_BV.device) * cumulative_BK.gather(-1, last_B1)
        choice_B1 = (cumulative_BK <= target_B1).sum(-1, keepdim=True).minimum(last_B1)
        return top.indices.gather(-1, choice_B1).squeeze(-1)


class _Writer:
    """Turns one row's tokens into text, and knows when the row is finished."""

    def __init__(self, model: LanguageModel, row: int, limit: int) -> None:
        self.row = row
        self.finish_reason: FinishReason | None = None
        self._tokenizer = model.tokenizer
        self._ends = end_tokens(model)
        self._limit = limit
        self._ids: list[int] = []
        self._written = 0

    def push(self, token: int, *, late: bool) -> Piece:
        """What `token` adds to the text; `late` ends the reply if nothing else does."""
        self._ids.append(token)
        self.finish_reason = self._reason(token, late=late)
        text = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        # Half a character: wait for its other bytes.
        held_back = text.endswith("\ufffd") and self.finish_reason is None
        new = "" if held_back else text[self._written :]
        self._written += len(new)
        return Piece(
            row=self.row, text=new, num_tokens=len(self._ids), finish_reason=self.finish_reason
        )

    def _reason(self, token: int, *, late: bool) -> FinishReason | None:
        if token in self._ends:
            return "stop"
        if len(self._ids) >= self._limit:
            return "length"
        return "deadline" if late else None


def end_tokens(model: LanguageModel) -> frozenset[int]:
    """Token ids that end a reply, from the generation config and the tokenizer."""
    configured = model.model.generation_config.eos_token_id
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(i for i in [*several, model.tokenizer.eos_token_id] if i is not None)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The whole of what one row wrote."""

    text: str
    num_tokens: int
    finish_reason: FinishReason

    @property
    def finished(self) -> bool:
        """Whether the model ended the reply itself."""
        return self.finish_reason == "stop"


def write(model: LanguageModel, rows: Sequence[Row], sampling: Sampling) -> list[Reply]:
    """The whole reply of every row: `decode` for callers who do not stream."""
    texts = [""] * len(rows)
    last: dict[int, Piece] = {}
    for pieces in decode(model, rows, sampling):
        for piece in pieces:
            texts[piece.row] += piece.text
            last[piece.row] = piece
    return [
        Reply(text=texts[row], num_tokens=last[row].num_tokens, finish_reason=_reason_of(last[row]))
        for row in range(len(rows))
    ]


def _reason_of(piece: Piece) -> FinishReason:
    assert piece.finish_reason is not None, "decode ends only when every row is finished"
    return piece.finish_reason
