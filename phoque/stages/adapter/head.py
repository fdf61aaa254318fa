"""Log-probabilities of the tokens to learn, and of no others, on a CPU.

TRL scores every position of a batch there, though only those of replies count, and walks the whole
vocabulary again for the backward pass. Here only learned positions are scored, in tiles that stay in
the cache, and since the head is frozen the gradient is ready when the forward pass ends.

Shapes: B = examples, S = positions, N = learned positions, D = width, V = vocabulary.
"""

from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from trl.trainer.utils import FusedCausalLMOutput

from phoque.models.structure import layers_path, text_config

TILE = 128
"""Positions that are scored at a time: so many logits stay in the cache."""
IGNORED = -100
SCALED = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "output_multiplier",
    "output_router_logits",
)
"""What configs call logits that are more than hidden state times weight; TRL knows them all."""


def score_learned_only(network: Any) -> None:
    """Replace the head that TRL gave `network`, where the plain one below computes the same."""
    if network.base_model is network:
        # The family's class names another attribute than it has (Llama 4's text model): TRL asks, too.
        network.base_model_prefix = layers_path(network).partition(".")[0]
    if not _fits(network):
        return
    of_trl: Any = network.forward

    @wraps(of_trl)
    def forward(
        *positional: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **named: Any
    ) -> Any:
        if labels is None or not fused_lm_head:
            return of_trl(*positional, fused_lm_head=fused_lm_head, labels=labels, **named)
        hidden_BSD = network.base_model(*positional, **named).last_hidden_state
        return _scored(hidden_BSD[:, :-1], network.get_output_embeddings().weight, labels[:, 1:])

    network.forward = forward


def _fits(network: Any) -> bool:
    head: Any = network.get_output_embeddings()
    config = text_config(network)
    return (
        isinstance(head, nn.Linear)
        and head.weight.device.type == "cpu"
        and not head.weight.requires_grad
        and getattr(head, "bias", None) is None
        and not any(getattr(config, name, None) for name in SCALED)
        and _is_all_that_follows(head, network)
    )


@torch.no_grad()
def _is_all_that_follows(head: nn.Linear, network: Any) -> bool:
    """Whether logits are the base model's last state times the head's weight, on two tokens."""
    network.eval()
    ids_BS = torch.tensor([[0, 1]])
    hidden_BSD = getattr(network.base_model(input_ids=ids_BS), "last_hidden_state", None)
    if hidden_BSD is None:
        return False
    logits_BSV = network(input_ids=ids_BS).logits
    return torch.allclose(head(hidden_BSD), logits_BSV, rtol=1e-2, atol=1e-2)


def _scored(hidden_BSD: Tensor, weight_VD: Tensor, labels_BS: Tensor) -> FusedCausalLMOutput:
    learned_BS = labels_BS != IGNORED
    found = _LogProbs.apply(hidden_BSD[learned_BS], weight_VD, labels_BS[learned_BS])  # type: ignore[no-untyped-call]
    log_probs, entropy, is_top1 = (
        one.new_zeros(labels_BS.shape).masked_scatter(learned_BS, one) for one in found
    )
    return FusedCausalLMOutput(
        log_probs=log_probs, entropy=entropy, is_top1=is_top1, label_mask=learned_BS
    )


class _LogProbs(torch.autograd.Function):
    """Log-probability of each label, entropy, and whether the label is the likeliest token."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, hidden_ND: Tensor, weight_VD: Tensor, labels_N: Tensor
    ) -> tuple[Tensor, ...]:
        """Score in tiles, and keep the gradient by the hidden states, [N, D], for `backward`."""
        hidden_ND = hidden_ND.to(weight_VD.dtype)
        tiles = [
            _tile(hidden, weight_VD, labels)
            for hidden, labels in zip(hidden_ND.split(TILE), labels_N.split(TILE), strict=True)
        ]
        gradient_ND, *found = (torch.cat(parts) for parts in zip(*tiles, strict=True))
        ctx.save_for_backward(gradient_ND)
        ctx.mark_non_differentiable(*found[1:])
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, by_log_prob_N: Tensor, *_: Tensor) -> tuple[Tensor, None, None]:
        (gradient_ND,) = ctx.saved_tensors
        return by_log_prob_N[:, None] * gradient_ND, None, None


def _tile(hidden_ND: Tensor, weight_VD: Tensor, labels_N: Tensor) -> tuple[Tensor, ...]:
    """Gradient of the log-probability by the hidden state, log-probability, entropy, is top 1."""
    logits_NV = (hidden_ND @ weight_VD.T).float()
    highest_N, own_N = logits_NV.amax(-1), logits_NV.gather(1, labels_N[:, None])[:, 0]
    odds_NV = (logits_NV - highest_N[:, None]).exp_()
    total_N = odds_NV.sum(-1)
    log_total_N = total_N.log() + highest_N
    entropy_N = log_total_N - torch.linalg.vecdot(odds_NV, logits_NV) / total_N
    expected_ND = (odds_NV.to(weight_VD.dtype) @ weight_VD).float() / total_N[:, None]
    return weight_VD[labels_N] - expected_ND, own_N - log_total_N, entropy_N, own_N == highest_N
