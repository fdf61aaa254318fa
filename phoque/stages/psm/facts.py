"""What a page shows of a model while it is still loading."""

from typing import Any

from phoque.models.load import LanguageModel
from phoque.steering.vectors import PersonaVectors


def facts_of(model: LanguageModel, vectors: PersonaVectors) -> dict[str, Any]:
    """Name, context length, and the relative dose of scale 1 at every layer."""
    layers = range(model.num_layers)
    return {
        "model": model.name,
        "context_length": model.context_length,
        "dose_per_scale": [vectors.relative_dose(layer, 1.0) for layer in layers],
    }
