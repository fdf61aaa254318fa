"""The steps of an SAE run in order; one that was killed goes on where it stopped."""

import shutil
from collections.abc import Callable
from functools import partial

from phoque.evidence.step_ledger import run_ledger
from phoque.packed.threads import limited
from phoque.sae.cause import prove_cause
from phoque.sae.dictionaries import collect_activations, train_dictionary
from phoque.sae.fidelity import measure_fidelity
from phoque.sae.layers import choose_layer
from phoque.sae.moved_prompts import rank_prompts
from phoque.sae.readings import write_replies
from phoque.sae.report import gather_evidence, write_report
from phoque.sae.shifts import measure_shifts
from phoque.sae.study import Study, check


def steps_of(study: Study) -> dict[str, Callable[[], None]]:
    """Name and work of every step."""
    seeds = study.preset.seeds
    return {
        "layer": partial(choose_layer, study),
        "activations": partial(collect_activations, study),
        **{f"dictionary {seed}": partial(train_dictionary, study, seed) for seed in seeds},
        "frozen decoder": partial(train_dictionary, study, seeds[0], frozen=True),
        "replies": partial(write_replies, study),
        "fidelity": partial(measure_fidelity, study),
        "shifts": partial(measure_shifts, study),
        "prompts": partial(rank_prompts, study),
        "cause": partial(prove_cause, study),
        "evidence": partial(gather_evidence, study),
        "report": partial(write_report, study),
    }


@limited()
def run_steps(study: Study) -> None:
    """Do what is not done yet under these settings."""
    check(study)
    study.work.mkdir(parents=True, exist_ok=True)
    run_ledger(study.folder, steps_of(study), study.settings, study.progress)
    shutil.rmtree(study.work)
