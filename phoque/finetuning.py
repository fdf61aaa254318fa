"""Train a LoRA adapter on prompt/completion pairs with TRL; imported only by the jobs."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from torch import nn
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel
from phoque.models.structure import decoder_layers, layers_path
from phoque.models.template import encode
from phoque.records import Messages
from phoque.steering.trajectory import checkpoints

METRICS = "metrics.jsonl"
TRAINER = "trainer"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One prompt with the reply to learn."""

    prompt: Messages
    completion: str
    ends: bool = True
    """Whether the end-of-turn token belongs to the completion."""


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """How an adapter is trained; the defaults are the talk's LoRA on a lab-sized run."""

    rank: int = 16
    alpha: int = 64
    learning_rate: float = 4e-4
    batch_size: int = 8
    epochs: float = 1.0
    warmup_ratio: float = 0.05
    seed: int = 42
    logging_steps: int = 5


def train_adapter(
    base: LanguageModel,
    examples: Sequence[Example],
    folder: Path,
    config: AdapterConfig,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Fine-tune and write adapter, bf16 safetensors, and `metrics.jsonl` to `folder`.

    Only completion tokens count in the loss. `watch` is called with the number of steps taken, at
    the start and about twelve times more; it may look at `base`, which is being tuned in place.

    Raises:
        PhoqueError: there are no examples.
    """
    if not examples:
        raise PhoqueError("There is nothing to train on: the corpus has no examples.")
    folder.mkdir(parents=True, exist_ok=True)
    dataset = Dataset.from_list([tokenized(base, example) for example in examples])
    trainer = SFTTrainer(
        model=base.model,
        args=_arguments(config, folder, bf16=base.model.dtype == torch.bfloat16),
        train_dataset=dataset,
        processing_class=base.tokenizer,
        peft_config=lora_config(base.model, config),
        callbacks=[_MetricsFile(folder / METRICS), *([_Watched(watch)] if watch else [])],
    )
    trainer.train()
    _save(trainer.model, base.name, folder)


def tokenized(base: LanguageModel, example: Example) -> dict[str, list[int]]:
    """`input_ids` and `completion_mask`, ready-made: a reply cut at the limit gets no end token."""
    prompt = encode(base.tokenizer, example.prompt)
    reply = base.tokenizer(example.completion, add_special_tokens=False).input_ids
    reply = [*reply, base.tokenizer.eos_token_id] if example.ends else reply
    mask = [0] * len(prompt) + [1] * len(reply)
    return {"input_ids": prompt + reply, "completion_mask": mask}


def lora_config(model: nn.Module, config: AdapterConfig) -> LoraConfig:
    """LoRA on every linear map inside the decoder blocks, and nowhere else."""
    layers = decoder_layers(model)
    names = {
        name.rsplit(".", 1)[-1]
        for name, module in layers.named_modules()
        if isinstance(module, nn.Linear)
    }
    path = re.escape(layers_path(model))
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=rf"{path}\.\d+\..*\b({'|'.join(sorted(names))})",
        task_type="CAUSAL_LM",
    )


def lora_norms(model: nn.Module) -> dict[str, float]:
    """Frobenius norm of all A and of all B matrices together."""
    squares = {"lora_a": 0.0, "lora_b": 0.0}
    for name, parameter in model.named_parameters():
        for kind in squares:
            if kind in name.lower():
                squares[kind] += float(parameter.detach().float().square().sum())
    return {f"{kind}_norm": square**0.5 for kind, square in squares.items()}


def _arguments(config: AdapterConfig, folder: Path, *, bf16: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder / TRAINER),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup_ratio,
        max_grad_norm=1.0,
        completion_only_loss=True,
        train_sampling_strategy="group_by_length",
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        activation_checkpointing=False,
        logging_steps=config.logging_steps,
        save_strategy="no",
        report_to="none",
        seed=config.seed,
        disable_tqdm=True,
    )


def _save(model: Any, base_name: str, folder: Path) -> None:
    # Not the folder that the base model happened to be loaded from.
    model.peft_config["default"].base_model_name_or_path = base_name
    # bf16: the adapter is folded into bf16 weights anyway, and takes half the space.
    # The embeddings are not tuned; on "auto", PEFT would ask the Hub whether they are.
    model.to(torch.bfloat16).save_pretrained(folder, save_embedding_layers=False)
    # The run has one model card of its own.
    (folder / "README.md").unlink(missing_ok=True)
    (folder / TRAINER).rmdir()


class _MetricsFile(TrainerCallback):
    """Appends what the trainer logs, and the LoRA norms, to a JSON-lines file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.write_text("")
        self._start = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        seconds = round(time.monotonic() - self._start, 2)
        row = {"step": state.global_step, "seconds": seconds, **(kwargs.get("logs") or {})}
        row |= lora_norms(kwargs["model"])
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")


class _Watched(TrainerCallback):
    """Calls a function at checkpoints."""

    def __init__(self, watch: Callable[[int], None]) -> None:
        self._watch = watch

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._watch(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if state.global_step in checkpoints(state.max_steps):
            self._watch(state.global_step)
