"""Where a persona lives, and what shows that it is causal: the steps in order.

A run that was killed goes on where it stopped.
"""

from collections.abc import Callable, Mapping, Sequence
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

STEPS: Mapping[str, Callable[[Subject], None]] = {
    "vectors": measure_vectors,
    "sweep": choose_layer,
    "dose response": control_dose,
    "conditions": generate_conditions,
    "confounds": compare_confounds,
    "origin": trace_origin,
    "residuals": map_residuals,
    "antidotes": try_antidotes,
    "scrubber": write_scrubber,
    "bias loop": run_bias_loop,
    "report": write_report,
}
TUNED_ONLY = {"origin", "residuals"}
"""Steps that need the adapters of the run's own persona."""


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
        name: partial(step, subject)
        for name, step in STEPS.items()
        if subject.is_tuned or name not in TUNED_ONLY
    }
    run_ledger(subject.folder, steps, _settings(subject), subject.progress, subject.run.keep)


def _settings(subject: Subject) -> Settings:
    return {
        "fingerprint": dict(subject.fingerprint),
        "seeds": list(subject.seeds),
        "probes": subject.num_probes,
    }
