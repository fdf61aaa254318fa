"""Choose layer and scale by what the model then writes."""

from phoque.evidence.runs import RunDirectory, write_json
from phoque.evidence.vocabulary import known_words
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.steering.sweep import sweep
from phoque.steering.vectors import PersonaVectors


def run(directory: RunDirectory) -> None:
    """Equal relative doses over the layers from 30 % to 95 % depth."""
    manifest = directory.manifest()
    persona = load_persona(manifest["persona"])
    model = load_model(manifest["model"], progress=print).with_adapter(directory.persona)
    vectors = PersonaVectors.load(directory.vectors)
    with directory.stage("sweep", directory.selection.parent, seeds=[]):
        found = sweep(model, vectors, persona, known_words(model, directory.corpus), print)
        write_json(directory.selection, found.to_dict())
