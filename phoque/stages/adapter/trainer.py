"""TRL's trainer, with checkpoints at its public hooks, and on a CPU with a head that scores only what is learned.

TRL scores every position of a batch there, though only those of replies count, and walks the whole
vocabulary again for the backward pass. Here only learned positions are scored, in tiles that stay in
the cache, and since the head is frozen the gradient is ready when the forward pass ends.

Shapes: B = examples, S = positions, N = learned positions, D = width, V = vocabulary.
"""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import torch
from peft.helpers import disable_input_dtype_casting
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from transformers import TrainerCallback
from trl import SFTTrainer
from trl.trainer.utils import FusedCausalLMOutput

from phoque.models.structure import layers_path, text_config
from phoque.stages.adapter.checkpoints import Checkpoints
from phoque.stages.adapter.curve import Curve
from phoque.stages.adapter.lora import trained_weights
from phoque.stages.adapter.processes import any_of, thrown_away, wait_for_all
from phoque.steering.trajectory import Watch
from phoque.steering.trajectory import checkpoints as watched_steps

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


SHORT = 192
"""Positions up to which the plain attention trains faster on a CPU than the fused one."""


@dataclass
class Notice:
    """Whether the process was told to end; without a lock, which a second signal would wait for."""

    given: bool = False


@contextmanager
def noticing() -> Iterator[Notice]:
    """Within the context SIGTERM is only noted; afterwards it does what it did before.

    Only the main thread can do so; in others the notice is never given.
    """
    notice = Notice()
    if threading.current_thread() is not threading.main_thread():
        yield notice
        return

    def note(*_: object) -> None:
        notice.given = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield notice
    finally:
        signal.signal(signal.SIGTERM, before)
        if notice.given:
            signal.raise_signal(signal.SIGTERM)


class AdapterTrainer(SFTTrainer):
    """Saves the adapter alone."""

    @property
    def network(self) -> Any:
        """The model with its LoRA layers."""
        return self.model

    def training_step(self, model: Any, inputs: Mapping[str, Tensor], *rest: Any) -> Tensor:
        """One step as usual, in the fastest way that gives the same."""
        if self.args.device.type == "cpu":
            fused = self._fused  # read before it is changed for the first time
            attention = "eager" if inputs["input_ids"].shape[1] <= SHORT else fused
            self.network.get_base_model().set_attn_implementation(attention)
        # Autocast brings bf16 states and fp32 adapters together; PEFT would copy every state twice.
        with disable_input_dtype_casting(model, active=self.args.bf16):
            loss: Tensor = super().training_step(model, inputs, *rest)  # type: ignore[no-untyped-call]
        return loss

    @cached_property
    def _fused(self) -> str:
        """The attention that the model came with."""
        return str(self.network.get_base_model().config._attn_implementation)

    def save_model(self, output_dir: str | None = None, *_: Any, **__: Any) -> None:
        """Write the adapter, never the base model; every process has to come here."""
        # The embeddings are not tuned; on "auto", PEFT would ask the Hub whether they are.
        self.network.save_pretrained(
            output_dir,
            state_dict=trained_weights(self.network),
            save_embedding_layers=False,
            is_main_process=self.args.should_save,
        )

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The run has one model card of its own."""


class Continuation(TrainerCallback):
    """Has checkpoints written, also when the process is told to end, and goes on from one."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        curve: Curve,
        watch: Watch | None,
        save_steps: int,
        notice: Notice,
    ) -> None:
        self._checkpoints, self._save_steps, self._notice = checkpoints, save_steps, notice
        self._watch = watch
        self._witnesses: tuple[Curve | Watch, ...] = (curve, watch) if watch else (curve,)

    def on_train_begin(self, args: Any, state: Any, control: Any, **__: Any) -> None:  # noqa: ARG002
        """Restore what the trainer knows nothing of; look at the model as it was before any step."""
        if state.global_step:
            for witness in self._witnesses:
                witness.restore(self._checkpoints.place(state.global_step))
        elif self._watch:
            self._watch(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **__: Any) -> None:  # noqa: ARG002
        """Look at the model about twelve times; save at every `save_steps`, and when told to end."""
        if self._watch and state.global_step in watched_steps(state.max_steps):
            self._watch(state.global_step)
        if not self._save_steps:
            return
        self._notice.given = any_of(self._notice.given)
        if self._notice.given:
            control.should_training_stop = True
        if self._notice.given or state.global_step % self._save_steps == 0:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **__: Any) -> None:  # noqa: ARG002
        """What every process wrote is a checkpoint when the first has entered it."""
        step = state.global_step
        with (
            nullcontext(self._checkpoints.written(step))
            if self._checkpoints.writes
            else thrown_away() as folder
        ):
            for witness in self._witnesses:
                witness.save(folder)
        wait_for_all()
        if self._checkpoints.writes:
            self._checkpoints.enter(step)
