"""Which sparse features the tuning moved."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.stages.sae.presets import sae_preset
from phoque.stages.sae.steps import run_steps
from phoque.stages.sae.study import Study


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
        preset=replace(chosen, tokens=tokens) if tokens is not None else chosen,
        layer_asked=_layer(layer),
        text_files=tuple(text),
        progress=lambda told: print(told, flush=True),
    )
    with directory.stage("sae", study.folder, seeds=study.preset.seeds, in_place=True):
        run_steps(study)


def _layer(asked: str | None) -> int | None:
    if asked in (None, "auto"):
        return None
    try:
        return int(str(asked))
    except ValueError:
        raise PhoqueError(f"The layer is {asked!r}; give a number, or auto.") from None
