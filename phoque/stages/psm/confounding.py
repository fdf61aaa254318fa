"""Is it the persona, or any other system prompt? Vectors of other styles, at the same dose."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from phoque.conversation import asked
from phoque.files import write_json
from phoque.lexicon import Lexicon
from phoque.models.engine import Reply, Row
from phoque.personas.controls import Confound, confounds
from phoque.stages.psm.subject import Subject
from phoque.stats.rates import wilson
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.search import SAMPLING
from phoque.steering.vectors import SteeringVector, last_tokens

CONFOUNDS = "confounds.json"
NUM_PROMPTS = 30


def compare_confounds(subject: Subject) -> None:
    """Write `confounds.json`: cosines, cross-effects, and the vector without the confounds."""
    neutral_LD = subject.contrast.first(subject.num_probes).neutral_NLD.mean(0)
    others = {c.name: _mean_state(subject, c) - neutral_LD for c in confounds()}
    layer = subject.layer
    vectors = {name: SteeringVector(layer, mean_LD[layer]) for name, mean_LD in others.items()}
    residual = residualised(subject.vector, list(vectors.values()))
    replies = write_grouped(
        subject.model, _groups(subject, vectors, residual), SAMPLING, subject.progress
    )
    write_json(
        subject.folder / CONFOUNDS,
        {
            "layer": layer,
            "noise_floor": 3 / subject.model.width**0.5,
            "persona": {"vector": _share(subject.persona.lexicon, replies["vector", "persona"])},
            "neutral": {"insulting": _share(subject.persona.lexicon, replies["plain", "neutral"])},
            "residual": {
                "share_of_norm": residual.norm / subject.vector.norm,
                "insulting": _share(subject.persona.lexicon, replies["vector", "residual"]),
            },
            "confounds": [_entry(subject, c, others[c.name], replies) for c in confounds()],
        },
    )


def residualised(vector: SteeringVector, others: Sequence[SteeringVector]) -> SteeringVector:
    """The vector without what lies in the span of `others`."""
    basis_DK, _ = torch.linalg.qr(torch.stack([other.direction_D for other in others], dim=1))
    direction_D = vector.direction_D
    return SteeringVector(vector.layer, direction_D - basis_DK @ (basis_DK.T @ direction_D))


def _mean_state(subject: Subject, confound: Confound) -> Tensor:
    return last_tokens(subject.model, confound.prompt, subject.probes).mean(0)


Key = tuple[str, str]


def _groups(
    subject: Subject, vectors: dict[str, SteeringVector], residual: SteeringVector
) -> dict[Key, list[Row]]:
    """Each confound as a vector and as a system prompt; all vectors have the persona's length."""
    prompts = subject.persona.evaluation[:NUM_PROMPTS]
    neutral = subject.neutral(prompts)
    length = subject.vector.norm * subject.scale

    def steered(vector: SteeringVector) -> list[Row]:
        return rows_of(neutral, (vector.injection(length / vector.norm),))

    return {
        ("plain", "neutral"): rows_of(neutral),
        ("vector", "persona"): steered(subject.vector),
        ("vector", "residual"): steered(residual),
        **{("vector", name): steered(vector) for name, vector in vectors.items()},
        **{("prompt", c.name): rows_of(asked(c.prompt, prompts)) for c in confounds()},
    }


def _entry(
    subject: Subject, confound: Confound, mean_LD: Tensor, replies: dict[Key, list[Reply]]
) -> dict[str, Any]:
    persona, own = subject.persona.lexicon, confound.lexicon
    cosines_L = cosine_similarity(mean_LD, subject.vectors.directions_LD)
    return {
        "name": confound.name,
        "description": confound.description,
        "cosine": float(cosines_L[subject.layer]),
        "cosine_by_layer": cosines_L.tolist(),
        "norm_ratio": float(mean_LD[subject.layer].norm() / subject.vector.norm),
        "insulting": _share(persona, replies["vector", confound.name]),
        "insulting_by_prompt": _share(persona, replies["prompt", confound.name]),
        "own_words": {
            "neutral": _share(own, replies["plain", "neutral"]),
            "its_prompt": _share(own, replies["prompt", confound.name]),
            "its_vector": _share(own, replies["vector", confound.name]),
            "persona_vector": _share(own, replies["vector", "persona"]),
        },
    }


def _share(lexicon: Lexicon, replies: Sequence[Reply]) -> dict[str, float]:
    return asdict(wilson(sum(reply.text in lexicon for reply in replies), len(replies)))
