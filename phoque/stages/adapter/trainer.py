"""TRL's trainer with checkpoints of adapters, which are written and read at its public hooks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback
from trl import SFTTrainer

from phoque.stages.adapter.checkpoints import Checkpoints
from phoque.stages.adapter.lora import trained_weights
from phoque.stages.adapter.processes import any_of, thrown_away, wait_for_all
from phoque.stages.adapter.stopping import Notice


class Witness(Protocol):
    """Remembers what it saw of a training, also over a checkpoint."""

    def save(self, folder: Path) -> None:
        """Write what was seen so far to a checkpoint; every process has to come here."""

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""


class AdapterTrainer(SFTTrainer):
    """Saves the adapter alone."""

    @property
    def network(self) -> Any:
        """The model with its LoRA layers."""
        return self.model

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
        witnesses: Sequence[Witness],
        checkpoint: Path | None,
        save_steps: int,
        notice: Notice,
    ) -> None:
        self._checkpoints, self._witnesses, self._checkpoint = checkpoints, witnesses, checkpoint
        self._save_steps, self._notice = save_steps, notice

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Restore what the trainer knows nothing of."""
        if self._checkpoint:
            for witness in self._witnesses:
                witness.restore(self._checkpoint)

    def on_step_end(self, args: Any, state: Any, control: Any, **__: Any) -> None:  # noqa: ARG002
        """Save at every `save_steps`; save and stop when told to end."""
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
        if self._checkpoints.writes:
            self._witnessed(self._checkpoints.written(step))
        else:
            with thrown_away() as folder:
                self._witnessed(folder)
        wait_for_all()
        if self._checkpoints.writes:
            self._checkpoints.enter(step)

    def _witnessed(self, folder: Path) -> None:
        for witness in self._witnesses:
            witness.save(folder)
