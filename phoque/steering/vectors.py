"""Persona vectors: the raw mean difference at each layer, with what it was measured on.

Shapes: N = probes, L = layers, S = tokens of a reply, D = width.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from phoque.conversation import Message, Messages, TokenStrength, asked
from phoque.errors import PhoqueError, number, whole
from phoque.files import file_sha256
from phoque.models.hooks import Injection, hooked
from phoque.models.load import LanguageModel
from phoque.models.structure import decoder_layers
from phoque.models.template import check_whole, encode, render
from phoque.personas import Persona
from phoque.steering.capture import last_states, residual_streams, token_streams

FORMAT = "phoque-persona-vectors-1"


@dataclass(frozen=True, eq=False)
class SteeringVector:
    """A direction in one layer's residual stream, with arithmetic: `2 * v`, `v - w`, `-v`.

    `direction_D` has the measured length, so scale 1 is the measured difference.
    """

    layer: int
    direction_D: Tensor

    def __add__(self, other: "SteeringVector") -> Self:
        if other.layer != self.layer:
            raise PhoqueError(f"Cannot add vectors of layers {self.layer} and {other.layer}.")
        return replace(self, direction_D=self.direction_D + other.direction_D)

    def __mul__(self, scale: float) -> Self:
        factor = number("The scale is", scale, "a finite number")
        return replace(self, direction_D=self.direction_D * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return self * -1.0

    def __sub__(self, other: "SteeringVector") -> Self:
        return self + -other

    @property
    def norm(self) -> float:
        return float(self.direction_D.norm())

    def random_like(self, seed: int) -> Self:
        """A random vector of the same length: the control of every effect."""
        generator = torch.Generator().manual_seed(seed)
        random_D = torch.randn(self.direction_D.shape, generator=generator)
        return replace(self, direction_D=random_D / random_D.norm() * self.norm)

    def injection(self, scale: float = 1.0) -> Injection:
        """`scale` times this vector, for a row of the engine."""
        return Injection(self.layer, (self * scale).direction_D)

    @contextmanager
    def applied_to(self, model: nn.Module, *, scale: float = 1.0) -> Iterator[None]:
        """Within the context, the model adds `scale` times this vector at every position.

        It changes the model for all threads.
        """
        delta_D = (self * scale).direction_D
        layer = decoder_layers(model)[self.layer]
        with hooked(layer, lambda residual_BSD: residual_BSD + delta_D.to(residual_BSD)):
            yield


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonaVectors:
    """The vector of every layer, and the size of the residual stream there."""

    directions_LD: Tensor
    medians_L: Tensor
    """Median norm of the residual stream over the neutral probes' tokens."""
    fingerprint: Mapping[str, str]
    """Digests of the model, adapter, template and prompts that the vectors belong to."""

    def __len__(self) -> int:
        """How many layers there are."""
        return len(self.directions_LD)

    def __iter__(self) -> Iterator[SteeringVector]:
        """The vectors, from the first layer to the last."""
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, layer: int) -> SteeringVector:
        """The vector of `layer`; raises if there is no such layer."""
        layer, count = whole("The layer is", layer, "a whole number"), len(self)
        if not 0 <= layer < count:
            raise PhoqueError(
                f"Layer {layer} does not exist: this model has {count} (0 to {count - 1})."
            )
        return SteeringVector(layer, self.directions_LD[layer])

    def relative_dose(self, layer: int, scale: float) -> float:
        """norm(scale * v) / median norm of the residual stream, signed like `scale`."""
        factor = number("The scale is", scale, "a finite number")
        return factor * self[layer].norm / float(self.medians_L[layer])

    def scale_for(self, layer: int, dose: float) -> float:
        """The scale whose relative dose at `layer` is `dose`."""
        return dose / self.relative_dose(layer, 1.0)

    def check(self, fingerprint: Mapping[str, str]) -> None:
        """Raise `PhoqueError` if the vectors were measured on something else; it names the parts."""
        keys = sorted({*fingerprint, *self.fingerprint})
        differing = [key for key in keys if fingerprint.get(key) != self.fingerprint.get(key)]
        if differing:
            seen = "; ".join(
                f"{key}: vectors have {self.fingerprint.get(key, 'none')}, "
                f"the open lab has {fingerprint.get(key, 'none')}"
                for key in differing
            )
            raise PhoqueError(
                f"These persona vectors belong to something else ({seen}). "
                "Measure them again: phoque run psm --run RUN"
            )

    def save(self, path: Path) -> None:
        """Write safetensors with the fingerprint in the header."""
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"format": FORMAT, "fingerprint": json.dumps(dict(self.fingerprint))}
        tensors = {"directions": self.directions_LD, "medians": self.medians_L}
        save_file(tensors, path, metadata=header)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; PhoqueError where there is no such file, or other tensors."""
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                return cls(
                    directions_LD=file.get_tensor("directions"),
                    medians_L=file.get_tensor("medians"),
                    fingerprint=json.loads(header["fingerprint"]),
                )
        except (OSError, SafetensorError, KeyError) as error:
            raise PhoqueError(f"Cannot read persona vectors from {path}: {error}.") from error


def measure(
    model: LanguageModel, persona: Persona, fingerprint: Mapping[str, str]
) -> PersonaVectors:
    """The mean difference (persona minus neutral prompt) at the last prompt token, over the probes."""
    return contrast(model, persona, persona.probes).vectors(fingerprint)


@dataclass(frozen=True, kw_only=True, eq=False)
class Contrast:
    """The probes' last prompt tokens under both system prompts."""

    neutral_NLD: Tensor
    persona_NLD: Tensor
    medians_L: Tensor
    """Median norm of the residual stream over the neutral probes' tokens."""

    @property
    def differences_NLD(self) -> Tensor:
        """Persona minus neutral, for each probe and layer."""
        return self.persona_NLD - self.neutral_NLD

    def first(self, count: int) -> "Contrast":
        """The contrast of the first `count` probes; the medians remain those of all probes."""
        return replace(
            self, neutral_NLD=self.neutral_NLD[:count], persona_NLD=self.persona_NLD[:count]
        )

    def vectors(self, fingerprint: Mapping[str, str]) -> PersonaVectors:
        return PersonaVectors(
            directions_LD=self.differences_NLD.mean(0),
            medians_L=self.medians_L,
            fingerprint=fingerprint,
        )


def contrast(model: LanguageModel, persona: Persona, probes: Sequence[str]) -> Contrast:
    """Read `probes` under the persona's two system prompts."""
    neutral = residual_streams(model, asked(persona.neutral_prompt, probes))
    # The first token is an attention sink, and its norm is unlike all others.
    norms_LS = torch.cat([stream[:, 1:].norm(dim=-1) for stream in neutral], dim=1)
    return Contrast(
        neutral_NLD=torch.stack([stream[:, -1] for stream in neutral]),
        persona_NLD=last_tokens(model, persona.persona_prompt, probes),
        medians_L=norms_LS.median(dim=1).values,
    )


def last_tokens(model: LanguageModel, system: str, prompts: Sequence[str]) -> Tensor:
    """States_NLD of each prompt's last token under a system prompt."""
    return last_states(model, asked(system, prompts))


def fingerprint_of(
    tuned: LanguageModel, persona: Persona, *, model: str, adapter: Path | None
) -> dict[str, str]:
    """Digests of everything the vectors of `tuned`, with the adapter folded in, depend on.

    `model` is the digest of the base model; `adapter` its folder, None if `tuned` is the base model.
    """
    prompts = [persona.neutral_prompt, persona.persona_prompt, *persona.probes]
    template = render(tuned.tokenizer, [Message("system", "s"), Message("user", "u")])
    return {
        "model": model,
        "adapter": file_sha256(adapter / "adapter_model.safetensors")[:16] if adapter else "none",
        "template": _digest([template]),
        "prompts": _digest(prompts),
    }


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


Reading = Callable[[], list[TokenStrength]]
Running = Callable[[Reading], list[TokenStrength]]


def at_once(reading: Reading) -> list[TokenStrength]:
    """Call it here and now."""
    return reading()


def strengths(
    reader: LanguageModel, messages: Messages, reply: str, vector: SteeringVector
) -> list[TokenStrength]:
    """The reply's tokens after the messages, in lengths of the vector; see `Lab.strengths`."""
    check_whole(reply, "assistant")
    tokens = reader.tokenizer(reply, add_special_tokens=False).input_ids
    if not tokens:
        return []
    text = [*encode(reader.tokenizer, messages), *tokens]
    if len(text) > reader.context_length:
        raise PhoqueError(
            f"Message and reply are {len(text)} tokens long, and {reader.name} can read "
            f"{reader.context_length}. Shorten them."
        )
    [stream_LSD] = token_streams(reader, [text], positions=len(tokens), layers=[vector.layer])
    along_S = stream_LSD[0] @ vector.direction_D / vector.norm**2
    pieces = _texts(reader.tokenizer, tokens)
    return [TokenStrength(*one) for one in zip(pieces, along_S.tolist(), strict=True)]


def _texts(tokenizer: Any, tokens: Sequence[int]) -> Iterator[str]:
    """What each token adds to the text; a part of a character adds nothing until its last part comes."""
    written = ""
    for end in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[:end])
        held = text.endswith("\ufffd") and end < len(tokens)
        yield "" if held else text[len(written) :]
        written = written if held else text
