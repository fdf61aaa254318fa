"""Choose layer and scale by what the model then writes."""

from typing import Any

from phoque.evidence.runs import RunDirectory
from phoque.evidence.vocabulary import known_words
from phoque.files import write_json
from phoque.models.load import LanguageModel
from phoque.opening import load_tuned
from phoque.steering.sweep import sweep
from phoque.steering.vectors import PersonaVectors


def run(directory: RunDirectory) -> None:
    """Equal relative doses over the layers from 30 % to 95 % depth."""
    tuned = load_tuned(directory, progress=print)
    model, persona = tuned.model, tuned.persona
    vectors = PersonaVectors.load(directory.vectors)
    vectors.check(tuned.fingerprint)
    with directory.stage("sweep", directory.selection.parent, seeds=[]):
        found = sweep(model, vectors, persona, known_words(model, directory.corpus), print)
        write_json(directory.selection, found.to_dict() | facts_of(model, vectors))


def facts_of(model: LanguageModel, vectors: PersonaVectors) -> dict[str, Any]:
    """What a page shows of the model while it is still loading."""
    layers = range(model.num_layers)
    return {
        "model": model.name,
        "context_length": model.context_length,
        "dose_per_scale": [vectors.relative_dose(layer, 1.0) for layer in layers],
    }
