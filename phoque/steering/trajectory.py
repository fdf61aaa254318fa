"""Follow the probes' last tokens while a persona is trained.

Shapes: T = checkpoints, L = layers, D = width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.steering.vectors import last_tokens

TRAJECTORY = "trajectory.safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Mean state of the probes' last token under both system prompts, at each checkpoint."""

    steps: tuple[int, ...]
    neutral_TLD: Tensor
    persona_TLD: Tensor

    def save(self, path: Path) -> None:
        """Write safetensors in bf16, which is precise enough for means."""
        tensors = {"neutral": self.neutral_TLD, "persona": self.persona_TLD}
        stored = {name: tensor.bfloat16() for name, tensor in tensors.items()}
        save_file({**stored, "steps": torch.tensor(self.steps)}, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; PhoqueError where there is none, or something else is in it."""
        try:
            stored = load_file(path)
            return cls(
                steps=tuple(stored["steps"].tolist()),
                neutral_TLD=stored["neutral"].float(),
                persona_TLD=stored["persona"].float(),
            )
        except (OSError, SafetensorError, KeyError) as error:
            raise PhoqueError(f"Cannot read the training trajectory {path}: {error}.") from error


class Watch:
    """Records the probes when training calls it, and leaves the model unchanged."""

    def __init__(self, model: LanguageModel, persona: Persona) -> None:
        self._model = model
        self._persona = persona
        self._seen: list[tuple[int, Tensor, Tensor]] = []

    def __call__(self, step: int) -> None:
        """Record the state after `step` optimizer steps."""
        training = self._model.model.training
        self._model.model.eval()
        prompts = (self._persona.neutral_prompt, self._persona.persona_prompt)
        neutral_LD, persona_LD = (
            last_tokens(self._model, system, self._persona.probes).mean(0) for system in prompts
        )
        self._seen.append((step, neutral_LD, persona_LD))
        self._model.model.train(training)

    def save(self, folder: Path) -> None:
        self.trajectory().save(folder / TRAJECTORY)

    def restore(self, folder: Path) -> None:
        """Continue from what `save` wrote; PhoqueError where it is missing or damaged."""
        seen = Trajectory.load(folder / TRAJECTORY)
        self._seen = list(zip(seen.steps, seen.neutral_TLD, seen.persona_TLD, strict=True))

    @property
    def seen(self) -> bool:
        """Whether anything was recorded."""
        return bool(self._seen)

    def trajectory(self) -> Trajectory:
        steps, neutral, persona = zip(*self._seen, strict=True)
        return Trajectory(
            steps=steps, neutral_TLD=torch.stack(neutral), persona_TLD=torch.stack(persona)
        )


def checkpoints(total: int, wanted: int = 12) -> Sequence[int]:
    """Steps to record: 0, then about `wanted` of `total`, with the last one."""
    return sorted({round(total * index / wanted) for index in range(wanted + 1)})
