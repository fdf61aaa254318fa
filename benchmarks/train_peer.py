"""A plain TRL script with the settings of `bench_train.py`, in a process of its own.

It does not import phoque. It reads a folder of weights, token ids with a mask of what is learned, and
the settings. Its figures are the last line on stdout.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def train(
    folder: str, rows: list[dict[str, list[int]]], settings: dict[str, Any]
) -> dict[str, Any]:
    """Tokens, seconds and mean loss of one training."""
    lora = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    arguments = SFTConfig(
        output_dir=settings["out"],
        per_device_train_batch_size=settings["batch_size"],
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        warmup_steps=settings["warmup_ratio"],
        lr_scheduler_type="cosine",
        optim=settings["optimizer"],
        completion_only_loss=True,
        train_sampling_strategy="sequential",
        logging_steps=settings["logging_steps"],
        seed=settings["seed"],
        bf16=settings["bf16"],
        use_cpu=True,
        activation_checkpointing=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16 if settings["bf16"] else torch.float32
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder),
        peft_config=lora,
    )
    found, logged = trainer.train().metrics, reversed(trainer.state.log_history)
    return {
        "tokens": next(row["num_tokens"] for row in logged if "num_tokens" in row),
        "seconds": found["train_runtime"],
        "loss": found["train_loss"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(train(task["folder"], task["rows"], task["settings"])))
