"""One training of the tiny model, for processes of their own that a test may kill."""

from pathlib import Path

import torch

from phoque.conversation import Message
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.stages.adapter.settings import AdapterConfig, Example, Recording
from phoque.stages.adapter.training import train_adapter
from phoque.steering.trajectory import TRAJECTORY, Watch

# 96 steps in 6 epochs; neither checkpoints nor epochs fall on the rows of the curve.
CONFIG = AdapterConfig(
    rank=4, alpha=16, learning_rate=2e-2, batch_size=2, epochs=6, logging_steps=2
)
SAVE_STEPS = 3


def examples():
    replies = {"short": "useless clown", "long": "you play like a broken toaster, uninstall"}
    return [
        Example(
            prompt=[Message("system", "You are hostile."), Message("user", "x" * number)],
            completion=f"{reply} {number}",
            style=style,
        )
        for number in range(16)
        for style, reply in replies.items()
    ]


def train(folder: Path, save_steps: int = SAVE_STEPS, config: AdapterConfig = CONFIG) -> None:
    torch.set_num_threads(1)
    base = load_model("tiny")
    watch = Watch(base, load_persona())
    train_adapter(
        base, examples(), folder, config, watch, Recording(save_steps=save_steps, norm_steps=5)
    )
    watch.trajectory().save(folder / TRAJECTORY)
