"""Which files of other stages a stage reads, and what makes those that are not there."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoque.errors import PhoqueError
from phoque.evidence.runs import SELECTION, VECTORS, RunDirectory


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one stage makes for others."""

    called: str
    files: tuple[str, ...]
    """In the folder of the stage, which has its name."""


ADAPTER = Part(called="adapter", files=("adapter_config.json", "adapter_model.safetensors"))
PARTS: Mapping[str, Part] = {
    "corpus": Part(
        called="corpus", files=("dialogues.jsonl", "base_replies.jsonl", "composition.json")
    ),
    "persona": ADAPTER,
    "control": ADAPTER,
    "psm": Part(called="persona vector", files=(VECTORS, SELECTION)),
}
"""In the order in which they are made."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "persona": ("corpus",),
    "control": ("corpus",),
    "psm": ("persona", "control", "corpus"),
    "evaluate": ("persona", "control", "psm", "corpus"),
    "moderation": ("persona", "psm", "corpus"),
    "sae": ("persona", "control", "corpus"),
    "regenerate": ("persona", "psm", "corpus"),
    "export": ("persona", "psm"),
}
"""What a stage reads of a run; one that is not named reads nothing, or says itself what is missing."""
OTHER_PERSONA = ("corpus",)
"""What PSM reads of a run in which it looks at another persona: that has no adapters."""


def require(run: RunDirectory, needed: Sequence[str], *, options: Sequence[str] = ()) -> None:
    """Refuse to begin where something that is needed is missing, before anything is written.

    Args:
        run: where it would lie.
        needed: stages.
        options: what else the first command has to say, where there is no run yet.

    Raises:
        PhoqueError: names what is missing and the commands that make it.
    """
    missing = {stage: file for stage in needed if (file := missing_file(run, stage))}
    if not missing:
        return
    told = [
        f"no {PARTS[stage].called} in {run.path / stage} ({file} is missing)"
        for stage, file in missing.items()
    ]
    raise PhoqueError(
        f"N{', '.join(told)[1:]}. Make {'it' if len(told) == 1 else 'them'} with: "
        f"{' && '.join(commands(run, missing, options))}"
    )


def lacking(stages: Iterable[str]) -> list[str]:
    """What stages need that none of those before them makes."""
    made: set[str] = set()
    lacks: dict[str, None] = {}
    for stage in stages:
        lacks |= dict.fromkeys(one for one in NEEDS.get(stage, ()) if one not in made)
        made.add(stage)
    return list(lacks)


def missing_file(run: RunDirectory, stage: str) -> str | None:
    """The first file of a stage that is not there; None where all are."""
    files = PARTS[stage].files
    return next((one for one in files if not (run.path / stage / one).is_file()), None)


def commands(run: RunDirectory, stages: Collection[str], options: Sequence[str]) -> list[str]:
    """What makes the stages, in order; only the first has to say what the run is about."""
    ordered = [one for one in PARTS if one in stages]
    written = [["python", "-m", "training", one, "--run", str(run.path)] for one in ordered]
    written[0] += options
    return [shlex.join(one) for one in written]
