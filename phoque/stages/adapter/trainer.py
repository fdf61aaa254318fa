"""TRL's trainer with checkpoints of adapters, which are written and read at its public hooks."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from peft.helpers import disable_input_dtype_casting
from torch import Tensor
from transformers import TrainerCallback
from trl import SFTTrainer

from phoque.stages.adapter.checkpoints import Checkpoints
from phoque.stages.adapter.curve import Curve
from phoque.stages.adapter.lora import trained_weights
from phoque.stages.adapter.processes import any_of, thrown_away, wait_for_all
from phoque.steering.trajectory import Watch
from phoque.steering.trajectory import checkpoints as watched_steps

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
