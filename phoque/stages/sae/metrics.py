"""How faithful a dictionary is: pure functions, and the loss of a model that reads through it.

Shapes: B = tokens, D = width, F = latents, S = positions.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from phoque.models.decoders import left_padded
from phoque.models.hooks import Change, hooked
from phoque.models.load import LanguageModel
from phoque.run.sae import Recovered
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import Text
from phoque.stats.resampling import middle_95, resampled_means

CHUNK = 4096


def explained_variance(residual_BD: Tensor, reconstruction_BD: Tensor) -> float:
    """1 - E|x - x̂|² / E|x - E x|²: 1 is perfect, and predicting the mean gives 0."""
    missed = (residual_BD - reconstruction_BD).square().sum()
    return 1 - float(missed / (residual_BD - residual_BD.mean(0)).square().sum())


def explained_change(before_BD: Tensor, after_BD: Tensor, sae: SparseAutoencoder) -> float:
    """1 - |Δx - D Δz|² / |Δx|²: how much of a change the dictionary can express."""
    change_BD = after_BD - before_BD
    expressed_BD = (sae.encode(after_BD) - sae.encode(before_BD)) @ sae.decoder_FD
    total = float(change_BD.square().sum())
    return 1 - float((change_BD - expressed_BD).square().sum()) / total if total else 1.0


def in_chunks(function: Callable[[Tensor], Tensor], rows_BD: Tensor) -> Tensor:
    """`function` of the rows, a few thousand at a time."""
    return torch.cat([function(some_BD) for some_BD in rows_BD.split(CHUNK)])


def principal_components(train_BD: Tensor, count: int) -> Callable[[Tensor], Tensor]:
    """Reconstruction by the mean and the first `count` principal components of `train_BD`."""
    mean_D = train_BD.mean(0)
    directions_DC = torch.linalg.eigh(torch.cov(train_BD.T)).eigenvectors[:, -count:]
    return lambda rows_BD: (rows_BD - mean_D) @ directions_DC @ directions_DC.T + mean_D


@torch.inference_mode()
def text_losses(
    model: LanguageModel, texts: Sequence[Text], layer: int, change: Change, limit: float
) -> Tensor:
    """Losses_NC of each text under `change` of `layer`: summed nats, and how many tokens.

    Attention sinks (the first position, norms beyond `limit`) are left as they are.
    """

    def replace(residual_BSD: Tensor) -> Tensor:
        rows_BSD = residual_BSD.float()
        counts_BS = rows_BSD.norm(dim=-1) <= limit
        counts_BS[:, 0] = False
        changed_BSD = change(rows_BSD.flatten(0, 1)).view_as(rows_BSD)
        return torch.where(counts_BS[..., None], changed_BSD, rows_BSD).to(residual_BSD)

    found = []
    for text in texts:
        ids_BS, mask_BS = left_padded([text.ids], model)
        with model.forward_lock, hooked(model.layers[layer], replace):
            logits = model.model(input_ids=ids_BS, attention_mask=mask_BS, use_cache=False).logits
        nats = torch.nn.functional.cross_entropy(
            logits[0, 1:-1].float(), ids_BS[0, 2:], reduction="sum"
        )
        found.append([float(nats), ids_BS.shape[1] - 2])
    return torch.tensor(found)


def recovered(real_NC: Tensor, ablated_NC: Tensor, replaced_NC: Tensor) -> Recovered:
    """Loss recovered over all tokens; texts are drawn again for the interval."""
    sums = torch.stack([part[:, 0] for part in (real_NC, ablated_NC, replaced_NC)], 1).numpy()

    def share(total: Any) -> Any:
        return (total[..., 1] - total[..., 2]) / (total[..., 1] - total[..., 0])

    low, high = middle_95(share(resampled_means(sums)))
    return Recovered(
        value=float(share(sums.sum(0))),
        low=float(low),
        high=float(high),
        texts=len(sums),
        tokens=int(real_NC[:, 1].sum()),
    )
