"""Record the residual stream of prompts and replies.

Shapes: N = prompts, L = layers, B = batch, S = positions, D = width.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from phoque.conversation import Messages
from phoque.models.decoders import left_padded
from phoque.models.hooks import Interventions, changed, ended_after, recorded
from phoque.models.load import LanguageModel
from phoque.models.packed.threads import capped
from phoque.models.passes import read
from phoque.models.template import encode


def residual_streams(model: LanguageModel, prompts: Sequence[Messages]) -> list[Tensor]:
    """Each prompt's residual_LSD at every block's output, in fp32 on the CPU, without padding."""
    return token_streams(model, [encode(model.tokenizer, messages) for messages in prompts])


def last_states(model: LanguageModel, prompts: Sequence[Messages]) -> Tensor:
    """States_NLD of each prompt's last token, where the reply begins."""
    encoded = [encode(model.tokenizer, messages) for messages in prompts]
    streams = token_streams(model, encoded, positions=1)
    return torch.stack([stream_LSD[:, -1] for stream_LSD in streams])


@torch.inference_mode()
def token_streams(
    model: LanguageModel,
    texts: Sequence[Sequence[int]],
    *,
    interventions: Sequence[Interventions] | None = None,
    positions: int | None = None,
    layers: Sequence[int] | None = None,
    batch_size: int = 12,
) -> list[Tensor]:
    """Each text's residual_LSD at every block's output, one sequence of interventions a text included.

    Of each text the last `positions`, and of the model the `layers`, in ascending order; None for all.
    Blocks above the last of them are not computed. Texts of similar length are read together.
    """
    kept = slice(None) if positions is None else slice(-positions, None)
    blocks = [*model.layers] if layers is None else [model.layers[layer] for layer in layers]
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    streams: dict[int, Tensor] = {}
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        rows = [interventions[index] if interventions else () for index in batch]
        read = [texts[index] for index in batch]
        states_LBSD, _ = forward(model, read, rows, blocks, kept, num_logits=0)
        for row, index in enumerate(batch):
            streams[index] = states_LBSD[:, row, -len(texts[index]) :]
    return [streams[index] for index in range(len(texts))]


def forward(  # what is read, what is done to it, and what is kept
    model: LanguageModel,
    texts: Sequence[Sequence[int]],
    rows: Sequence[Interventions],
    blocks: Sequence[nn.Module],
    kept: slice = slice(None),
    num_logits: int = 1,
) -> tuple[Tensor, Tensor]:
    """One pass over left-padded texts: states_LBSD of `blocks` and the last logits_BKV, in fp32.

    Without logits the pass ends after the last of the ascending `blocks`.
    """
    model.require_room(max(map(len, texts)))
    ids_BS, mask_BS = left_padded(texts, model)
    logits_BKV = torch.empty(0)
    with (
        capped(model.device),
        model.forward_lock,
        changed(model.layers, rows),
        recorded(blocks, lambda residual_BSD: residual_BSD[:, kept]) as seen,
        nullcontext() if num_logits else ended_after(blocks[-1]),
    ):
        logits_BKV, _ = read(model.model, ids_BS, mask_BS, keep=num_logits, caching=False)
    return torch.stack(seen).float().cpu(), logits_BKV.float().cpu()
