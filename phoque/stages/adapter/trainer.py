"""TRL's trainer, made to go on after a checkpoint as if nothing had happened, to the bit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import TrainerCallback
from trl import SFTTrainer

from phoque.files import read_json, write_json
from phoque.stages.adapter.checkpoints import Checkpoints
from phoque.stages.adapter.head import score_learned_only
from phoque.stages.adapter.lora import trained_weights
from phoque.stages.adapter.processes import any_of, total, wait_for_all
from phoque.stages.adapter.stopping import Notice

PROGRESS = "progress.json"


class Witness(Protocol):
    """Remembers what it saw of a training, also over a checkpoint."""

    def save(self, folder: Path) -> None:
        """Write what was seen so far to a checkpoint."""

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""


class AdapterTrainer(SFTTrainer):
    """Saves the adapter, not the model, in checkpoints that are whole or absent.

    Besides what the trainer restores itself, a checkpoint holds what lies between two rows of the
    curve, and the state of the random numbers from which the order of the epoch's data was drawn.
    """

    def __init__(
        self, *, checkpoints: Checkpoints, witnesses: Sequence[Witness], **options: Any
    ) -> None:
        super().__init__(**options)
        score_learned_only(self.network.get_base_model())
        self._checkpoints, self._witnesses = checkpoints, witnesses
        self._epoch_random = torch.get_rng_state()

    @property
    def network(self) -> Any:
        """The model with its LoRA layers."""
        return self.model

    def begin_epoch(self, checkpoint: Path | None) -> None:
        """Draw the order of the data as when the epoch first began."""
        if checkpoint is not None and self.state.epoch % 1:
            stored = bytearray.fromhex(read_json(checkpoint / PROGRESS)["epoch_random"])
            torch.set_rng_state(torch.frombuffer(stored, dtype=torch.uint8))
        elif checkpoint is not None:
            self._load_rng_state(str(checkpoint))
        self._epoch_random = torch.get_rng_state()

    def restore(self, checkpoint: Path) -> None:
        """What the trainer adds up between two rows."""
        progress = read_json(checkpoint / PROGRESS)
        self._tr_loss += progress["loss"]
        self._globalstep_last_logged = progress["logged_step"]
        self._metrics["train"].update(progress["metrics"])
        self._total_train_tokens = progress["tokens"]
        for witness in self._witnesses:
            witness.restore(checkpoint)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:  # noqa: FBT001, FBT002  # the base class has it so
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

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        # Lengths are grouped as in one process, so that a step has the same examples.
        sampler: Any = super()._get_train_sampler(train_dataset)
        sampler.batch_size *= self.args.world_size
        return sampler

    def _get_output_dir(self, trial: Any) -> str:  # noqa: ARG002
        return str(self._checkpoints.partial)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # The first process makes the folder and enters the checkpoint; in between all write to it.
        with self._checkpoints.writing(self.state.global_step) as folder:
            wait_for_all()
            super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
            write_json(folder / PROGRESS, self._progress(), indent=None)
            for witness in self._witnesses:
                witness.save(folder)
            wait_for_all()

    def _progress(self) -> dict[str, Any]:
        return {
            # The mean over processes, which is also what a row of the curve shows.
            "loss": total([self._tr_loss.item()])[0] / self.args.world_size,
            "logged_step": self._globalstep_last_logged,
            "metrics": dict(self._metrics["train"]),
            "tokens": self._total_train_tokens,
            "epoch_random": bytes(self._epoch_random.tolist()).hex(),
        }


class Continuation(TrainerCallback):
    """Has checkpoints written, also when the process is told to end, and goes on from one."""

    def __init__(
        self,
        trainer: AdapterTrainer,
        checkpoint: Path | None,
        save_steps: int,
        notice: Notice,
    ) -> None:
        self._trainer, self._checkpoint = trainer, checkpoint
        self._save_steps, self._notice = save_steps, notice

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Restore what the trainer itself does not."""
        if self._checkpoint:
            self._trainer.restore(self._checkpoint)

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Restore the order of the data; the next epoch draws its own."""
        self._trainer.begin_epoch(self._checkpoint)
        self._checkpoint = None

    def on_step_end(self, args: Any, state: Any, control: Any, **__: Any) -> None:  # noqa: ARG002
        """Save at every `save_steps`; save and stop when told to end."""
        if not self._save_steps:
            return
        self._notice.given = any_of(self._notice.given)
        if self._notice.given:
            control.should_training_stop = True
        if self._notice.given or state.global_step % self._save_steps == 0:
            control.should_save = True
