"""Which sparse features the tuning moved: the steps in order; a killed one goes on where it stopped."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.models.packed.threads import limited
from phoque.run.directory import RunDirectory
from phoque.run.steps import run_ledger
from phoque.stages.sae.cause import prove_cause
from phoque.stages.sae.dictionaries import collect_activations, train_dictionary
from phoque.stages.sae.fidelity import measure_fidelity
from phoque.stages.sae.moved_prompts import rank_prompts
from phoque.stages.sae.readings import write_replies
from phoque.stages.sae.report import gather_evidence, write_report
from phoque.stages.sae.shifts import measure_shifts
from phoque.stages.sae.study import Study, check, sae_preset, with_tokens


def compare_features(
    directory: RunDirectory,
    *,
    layer: str | None = None,
    tokens: int | None = None,
    preset: str | None = None,
    text: Sequence[Path] = (),
) -> None:
    """Collect, train, compare, prove, report; goes on where it was killed."""
    chosen = sae_preset(preset, directory.manifest().model)
    study = Study(
        run=directory,
        preset=with_tokens(chosen, tokens) if tokens is not None else chosen,
        layer_asked=_layer(layer),
        text_files=tuple(text),
        progress=lambda told: print(told, flush=True),
    )
    with directory.stage("sae", study.folder, seeds=study.preset.seeds, in_place=True):
        run_steps(study)


def _layer(asked: str | None) -> int | None:
    if asked in (None, "causal"):
        return None
    try:
        return int(str(asked))
    except ValueError:
        raise PhoqueError(f"The layer is {asked!r}; give a number, or causal.") from None


def steps_of(study: Study) -> dict[str, Callable[[], None]]:
    """Name and work of every step."""
    seeds = study.preset.seeds
    return {
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
