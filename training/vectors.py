"""Measure the persona vector of every layer."""

from phoque.evidence.runs import RunDirectory
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.steering.vectors import fingerprint_of, measure


def run(directory: RunDirectory) -> None:
    """Twelve probes under two system prompts, every layer, raw mean difference."""
    manifest = directory.manifest()
    persona = load_persona(manifest["persona"])
    base = load_model(manifest["model"], progress=print)
    digest = base.digest()
    tuned = base.with_adapter(directory.persona)
    fingerprint = fingerprint_of(tuned, persona, model=digest, adapter=directory.persona)
    with directory.stage("vectors", directory.vectors.parent, seeds=[]):
        measure(tuned, persona, fingerprint).save(directory.vectors)
