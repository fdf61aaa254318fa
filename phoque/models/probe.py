"""Check that the lab can use a network, before anybody waits for a reply."""

from typing import Any

import torch
from torch import Tensor

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.models.hooks import recorded
from phoque.models.passes import read, select
from phoque.models.structure import decoder_layers, final_norm, text_config
from phoque.models.template import encode

ASKED = "What is rain?"
TALK = [Message("system", "Stay calm."), Message("user", ASKED)]
MOST = 0.5
"""Two passes are equal up to this difference of logits, as a share of their spread; rounding and
ties between experts always cause some."""


def require_readable(network: Any, tokenizer: Any, name: str) -> None:
    """Read two prompts of different length, then one more token with the cache.

    PhoqueError where a pass fails; blocks, norm or head are not found or not joined by a residual
    stream; the cache is missing or shared between conversations; or padding changes the result.
    """
    ids = encode(tokenizer, TALK)
    final_norm(network)
    try:
        fault = _fault(network, ids, ids[: len(ids) // 2])
    except Exception as error:  # whatever an architecture raises that we have not met
        said = next(iter(str(error).splitlines()), "")
        fault = f"reading a prompt fails with {type(error).__name__}: {said}"
    if fault:
        raise PhoqueError(
            f"{name} ({type(network).__name__}) cannot be used: {fault}. This architecture is not "
            "supported."
        )


def require_own_tokenizer(network: Any, tokenizer: Any, name: str) -> None:
    """Check that a prompt survives the way to tokens and back.

    PhoqueError where the tokenizer knows no words, as transformers makes one if files are missing.
    """
    ids = encode(tokenizer, TALK)
    known, back = len(network.get_input_embeddings().weight), tokenizer.decode(ids)
    if max(ids, default=known) >= known or _letters(ASKED) not in _letters(back):
        raise PhoqueError(
            f"The tokenizer of {name} is missing or not its own: it reads a prompt as {len(ids)} "
            f"tokens up to {max(ids, default=0)} of {known}, and gives back {back[-40:]!r}. Give a "
            "complete copy of the model."
        )


def _letters(text: str) -> str:
    return "".join(text.split()).lower()


@torch.inference_mode()
def _fault(network: Any, long: list[int], short: list[int]) -> str | None:
    device, gap = network.device, len(long) - len(short)
    both_BS = torch.tensor([long, [0] * gap + short], device=device)
    mask_BS = torch.tensor([[1] * len(long), [0] * gap + [1] * len(short)], device=device)
    with recorded(decoder_layers(network)) as streams:
        padded_BKV, seen = read(network, both_BS, mask_BS)
    wanted = (*both_BS.shape, text_config(network).hidden_size)
    if any(tuple(stream.shape) != wanted for stream in streams) or not streams:
        shapes = [tuple(stream.shape) for stream in streams[:1]]
        return f"its blocks give {shapes} where a residual stream would be {wanted}"
    head = network.get_output_embeddings()
    if head is None or head.weight.shape[-1] != wanted[-1]:
        return "its output head does not read the residual stream"
    if seen is None:
        return "it gives back nothing from which another token could be read"
    # Another conversation comes in between and must leave no trace.
    alone_BS = torch.tensor([[*short, long[-1]]], device=device)
    alone_BKV, _ = read(network, alone_BS, torch.ones_like(alone_BS), keep=2)
    select(seen, torch.tensor([1], device=device))
    next_BS, next_mask_BS = alone_BS[:, -1:], torch.nn.functional.pad(mask_BS[1:], (0, 1), value=1)
    stepped_BKV, _ = read(network, next_BS, next_mask_BS, seen)
    if _far(padded_BKV[1, -1], alone_BKV[0, 0]):
        return "what stands beside a conversation changes it: padding is read as text"
    if _far(stepped_BKV[0, -1], alone_BKV[0, 1]):
        return "with its cache it reads something else than without"
    return None


def _far(one_V: Tensor, other_V: Tensor) -> bool:
    one_V, other_V = one_V.float(), other_V.float()
    # Not `>`: NaN counts as different, too.
    return not float((one_V - other_V).norm()) <= MOST * float((other_V - other_V.mean()).norm())
