"""Record the residual stream of prompts.

Shapes: N = prompts, L = layers, B = batch, S = positions, D = width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from phoque.engine import left_padded
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.records import Messages
from phoque.steering.hooks import recorded


@torch.inference_mode()
def residual_streams(
    model: LanguageModel, prompts: Sequence[Messages], *, batch_size: int = 12
) -> list[Tensor]:
    """Per prompt the residual_LSD at every block's output, fp32 on the CPU, padding cut off."""
    encoded = [encode(model.tokenizer, messages) for messages in prompts]
    streams: list[Tensor] = []
    for start in range(0, len(encoded), batch_size):
        batch = encoded[start : start + batch_size]
        ids_BS, mask_BS = left_padded(batch, model)
        positions_BS = (mask_BS.cumsum(-1) - 1).clamp(min=0)
        with model.forward_lock, recorded(model.layers) as blocks:
            model.model(
                input_ids=ids_BS,
                attention_mask=mask_BS,
                position_ids=positions_BS,
                use_cache=False,
                logits_to_keep=1,
            )
        states_LBSD = torch.stack(blocks).float().cpu()
        streams += [states_LBSD[:, row, -len(ids) :] for row, ids in enumerate(batch)]
    return streams
