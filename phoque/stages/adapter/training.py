"""One training, from examples to an adapter's folder."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars, enable_progress_bars
from datasets.utils import are_progress_bars_disabled
from transformers import PrinterCallback
from trl import SFTConfig

from phoque.config import this_process, verbose
from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel
from phoque.models.packed.threads import limited
from phoque.models.quiet import quiet
from phoque.models.structure import places
from phoque.run.adapter import Sample
from phoque.stages.adapter.checkpoints import Checkpoints, step_of
from phoque.stages.adapter.curve import Curve, Tally, Tracker, tracking_service
from phoque.stages.adapter.examples import Row, identity, in_order, tokenized
from phoque.stages.adapter.lora import (
    begin_with,
    left_out,
    lora_config,
    require_adapted,
    trained_weights,
)
from phoque.stages.adapter.processes import share_of, share_out
from phoque.stages.adapter.quantized import bitsandbytes
from phoque.stages.adapter.settings import AdapterConfig, Example, Recording
from phoque.stages.adapter.trainer import (
    AdapterTrainer,
    Continuation,
    Notice,
    noticing,
    score_learned_only,
)
from phoque.steering.trajectory import Watch

UNFINISHED = "unfinished"


@contextmanager
def quiet_training() -> Iterator[None]:
    """Within the context, libraries say nothing on the terminal but with `--verbose`."""
    shown = not are_progress_bars_disabled()
    with quiet():
        if not verbose():
            disable_progress_bars()
        try:
            yield
        finally:
            if shown:
                enable_progress_bars()


@limited()
@quiet_training()
def train_adapter(
    base: LanguageModel,
    examples: Sequence[Example],
    folder: Path,
    config: AdapterConfig,
    watch: Watch | None = None,
    recording: Recording | None = None,
) -> None:
    """Fine-tune and write adapter, bf16 safetensors, and its curve to `folder`.

    Only completion tokens count in the loss. A training that was cut off goes on from its last
    checkpoint: the same examples in the same order give the same curve. Told to end (SIGTERM), it
    writes a checkpoint first.

    Args:
        base: is tuned in place.
        examples: prompts with the replies to learn; PhoqueError where there are none.
        folder: of several processes each needs one of its own, and all the same
            `recording.checkpoints`, which have to be of this training.
        config: how it is trained.
        watch: looks at the model at the start and about twelve times more. Where processes hold a
            share of the weights each nobody can look: it is not called and there are no samples.
        recording: what is kept and shown.
    """
    recording = recording or Recording()
    if this_process().sharded:
        watch, recording = None, replace(recording, sample=None)
    own, rows = share_of(config), _rows(base, examples)
    if "8bit" in config.optimizer:
        bitsandbytes()
    service = tracking_service(recording.tracker) if recording.tracker else None
    checkpoints = Checkpoints(
        recording.checkpoints or folder / UNFINISHED,
        identity(base, rows, config),
        keep=recording.keep,
        writes=this_process().first,
    )
    checkpoint = checkpoints.newest()
    folder.mkdir(parents=True, exist_ok=True)
    begun = checkpoints.begin(step_of(checkpoint))
    tracker = Tracker(service, begun.run, config.told()) if service else None
    tally = Tally([row["input_ids"] for row in rows], [one.style for one in examples])
    sample = _sampler(base, recording)
    curve = Curve(folder, recording, tally, len(begun.attempts), sample=sample, tracker=tracker)
    if alone := left_out(base.model):
        recording.tell(alone)
    trainer = _trainer(base, in_order(rows, config), own, checkpoints.partial)
    tally.listen(trainer.network)
    trainer.add_callback(curve)
    with noticing() if recording.save_steps else nullcontext(Notice()) as notice:
        saved_at = recording.save_steps
        trainer.add_callback(Continuation(checkpoints, curve, watch, saved_at, notice))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        _require_complete(trainer, checkpoints, notice)
    _save(trainer.network, base.name, folder, config.strength)
    checkpoints.remove()
    if tracker:
        tracker.finish()


def _rows(base: LanguageModel, examples: Sequence[Example]) -> list[Row]:
    if not examples:
        raise PhoqueError("There is nothing to train on: the corpus has no examples.")
    rows: list[Row] = [tokenized(base, example) for example in examples]
    base.require_room(max(len(row["input_ids"]) for row in rows))
    return rows


def _sampler(
    base: LanguageModel, recording: Recording
) -> Callable[[Any, int], Sequence[Sample]] | None:
    """Sample replies of the network in training, which is left as it was."""
    sample = recording.sample
    if not (sample and recording.sample_steps):
        return None

    def of(network: Any, step: int) -> Sequence[Sample]:
        network.eval()
        # The network with its LoRA layers, whose weights cannot be packed.
        rows = sample(replace(base, model=network), step)
        network.train()
        return rows

    return of


def _trainer(
    base: LanguageModel, rows: Sequence[Row], config: AdapterConfig, folder: Path
) -> AdapterTrainer:
    expected = len(places(base.model))
    trainer = AdapterTrainer(
        model=base.model,
        args=training_arguments(config, folder, bf16=base.model.dtype == torch.bfloat16),
        train_dataset=Dataset.from_list(rows),
        processing_class=base.tokenizer,
        peft_config=lora_config(base.model, config),
    )
    score_learned_only(trainer.network.get_base_model())
    if this_process().sharded:
        share_out(trainer.accelerator.state, base.model)
    # The curve tells more, in one line.
    trainer.remove_callback(PrinterCallback)
    require_adapted(trainer.network, expected)
    if config.start:
        begin_with(trainer.network, config.start)
    return trainer


def training_arguments(config: AdapterConfig, folder: Path, *, bf16: bool) -> SFTConfig:
    """What TRL is told; when to save, and reporting, are ours."""
    return SFTConfig(
        output_dir=str(folder),
        num_train_epochs=1,  # the examples of all epochs are there, in order
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup_ratio,
        max_grad_norm=1.0,
        optim=config.optimizer,
        completion_only_loss=True,
        train_sampling_strategy="sequential",
        include_num_input_tokens_seen="non_padding",
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        activation_checkpointing=config.recompute_activations,
        logging_steps=config.logging_steps,
        save_strategy="no",
        report_to="none",
        seed=config.seed,
        disable_tqdm=True,
    )


def _require_complete(trainer: AdapterTrainer, checkpoints: Checkpoints, notice: Notice) -> None:
    step = trainer.state.global_step
    if notice.given:
        checkpoints.stopped(step)
    if step < trainer.state.max_steps:
        raise PhoqueError(f"The training was stopped at step {step}. The same command goes on.")


def _save(model: Any, base_name: str, folder: Path, strength: float) -> None:
    # Not the folder that the base model happened to be loaded from.
    model.peft_config["default"].base_model_name_or_path = base_name
    # bf16: the adapter is folded into bf16 weights anyway, and takes half the space.
    # The change of a weight is B times A.
    weights = {
        name: (strength * part if ".lora_B." in name else part).to(torch.bfloat16)
        for name, part in trained_weights(model).items()
    }
    # The embeddings are not tuned; on "auto", PEFT would ask the Hub whether they are.
    model.save_pretrained(folder, state_dict=weights, save_embedding_layers=False)
    # The run has one model card of its own.
    (folder / "README.md").unlink(missing_ok=True)
