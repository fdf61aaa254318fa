"""Measure the persona vector of every layer."""

from phoque.evidence.runs import RunDirectory
from phoque.opening import load_tuned
from phoque.steering.vectors import measure


def run(directory: RunDirectory) -> None:
    """Twelve probes under two system prompts, every layer, raw mean difference."""
    tuned = load_tuned(directory, progress=print)
    with directory.stage("vectors", directory.vectors.parent, seeds=[]):
        measure(tuned.model, tuned.persona, tuned.fingerprint).save(directory.vectors)
