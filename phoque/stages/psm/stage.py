"""Where a persona lives, and what shows that it is causal."""

from collections.abc import Sequence

from phoque.run.directory import RunDirectory
from phoque.stages.psm.steps import run_steps
from phoque.stages.psm.subject import NUM_PROBES, SEEDS, open_subject


def find_layer(
    directory: RunDirectory,
    *,
    persona: str | None = None,
    seeds: Sequence[int] = (),
    probes: int | None = None,
) -> None:
    """Measure, choose by cause, control, compare, report; goes on where it was killed."""
    subject = open_subject(
        directory,
        persona,
        seeds=seeds or SEEDS,
        num_probes=probes or NUM_PROBES,
        progress=lambda text: print(text, flush=True),
    )
    folder = subject.folder
    with directory.stage(folder.name, folder, seeds=subject.seeds, in_place=True):
        run_steps(subject)
