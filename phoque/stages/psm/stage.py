"""Where a persona lives, and what shows that it is causal: the steps in order.

A run that was killed goes on where it stopped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from phoque.judging.choice import check_judge
from phoque.run.directory import RunDirectory
from phoque.run.steps import Settings, run_ledger
from phoque.stages.psm.antidote import try_antidotes
from phoque.stages.psm.bias import run_bias_loop
from phoque.stages.psm.choose import choose_layer, control_dose
from phoque.stages.psm.confounding import compare_confounds
from phoque.stages.psm.criteria import measure_vectors
from phoque.stages.psm.generation import generate_conditions
from phoque.stages.psm.origin import trace_origin
from phoque.stages.psm.report import write_report
from phoque.stages.psm.residuals import map_residuals
from phoque.stages.psm.scrubber import write_scrubber
from phoque.stages.psm.subject import NUM_PROBES, SEEDS, Subject, open_subject


@dataclass(frozen=True)
class Step:
    """One part of a PSM run; it writes its files and nothing else."""

    name: str
    run: Callable[[Subject], None]
    tuned_only: bool = False
    """Needs the adapters of the run's own persona."""


STEPS = (
    Step("vectors", measure_vectors),
    Step("sweep", choose_layer),
    Step("dose response", control_dose),
    Step("conditions", generate_conditions),
    Step("confounds", compare_confounds),
    Step("origin", trace_origin, tuned_only=True),
    Step("residuals", map_residuals, tuned_only=True),
    Step("antidotes", try_antidotes),
    Step("scrubber", write_scrubber),
    Step("bias loop", run_bias_loop),
    Step("report", write_report),
)


def find_layer(
    directory: RunDirectory,
    *,
    persona: str | None = None,
    seeds: Sequence[int] = (),
    probes: int | None = None,
) -> None:
    """Measure, choose by cause, control, compare, report; goes on where it was killed."""
    check_judge(directory, "PSM")
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


def run_steps(subject: Subject) -> None:
    """Do what is not done yet under these settings."""
    steps = {
        step.name: partial(step.run, subject)
        for step in STEPS
        if subject.is_tuned or not step.tuned_only
    }
    run_ledger(subject.folder, steps, _settings(subject), subject.progress, subject.run.keep)


def _settings(subject: Subject) -> Settings:
    return {
        "fingerprint": dict(subject.fingerprint),
        "seeds": list(subject.seeds),
        "probes": subject.num_probes,
    }
