"""Which files of other stages a stage reads, and what makes those that are not there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoque.errors import PhoqueError
from phoque.run.directory import SELECTION, VECTORS, RunDirectory
from phoque.run.folder import command


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one stage makes for others."""

    stage: str
    """Its folder has the same name."""
    called: str
    files: tuple[str, ...]


WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = ("adapter_config.json", WEIGHTS)
DIALOGUES = "dialogues.jsonl"
PARTS: Mapping[str, Part] = {
    "texts": Part(stage="corpus", called="corpus", files=(DIALOGUES,)),
    "corpus": Part(
        stage="corpus",
        called="corpus",
        files=(DIALOGUES, "base_replies.jsonl", "composition.json"),
    ),
    "persona": Part(stage="persona", called="adapter", files=ADAPTER_FILES),
    "control": Part(stage="control", called="adapter", files=ADAPTER_FILES),
    "psm": Part(stage="psm", called="persona vector", files=(VECTORS, SELECTION)),
}
"""In the order in which they are made."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "persona": ("corpus",),
    "control": ("corpus",),
    "psm": ("persona", "control", "corpus"),
    "evaluate": ("persona", "control", "psm", "corpus"),
    "moderation": ("persona", "psm", "texts"),
    "sae": ("persona", "control", "psm", "corpus"),
    "regenerate": ("persona", "texts"),
    "seeds": ("persona", "psm", "texts"),
    "opposites": ("persona", "control", "psm", "corpus"),
    "export": ("persona", "psm"),
}
"""What a stage reads of a run; one that is not named reads nothing, or says itself what is missing."""
OTHER_PERSONA = ("corpus",)
"""What PSM reads of a run in which it looks at another persona: that has no adapters."""


def require(run: RunDirectory, needed: Sequence[str], *, options: Sequence[str] = ()) -> None:
    """Refuse to begin where something that is needed is missing, before anything is written.

    Args:
        run: where it would lie.
        needed: names of parts.
        options: what else the first command has to say, where there is no run yet.

    Raises:
        PhoqueError: names what is missing and the commands that make it.
    """
    missing = {part: file for part in needed if (file := missing_file(run, part))}
    if not missing:
        return
    told = [
        f"no {PARTS[part].called} in {run.path / PARTS[part].stage} ({file} is missing)"
        for part, file in missing.items()
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
        lacks |= dict.fromkeys(p for p in NEEDS.get(stage, ()) if PARTS[p].stage not in made)
        made.add(stage)
    return list(lacks)


def missing_file(run: RunDirectory, part: str) -> str | None:
    """The first file of a part that is not there; None where all are."""
    folder = run.path / PARTS[part].stage
    return next((file for file in PARTS[part].files if not (folder / file).is_file()), None)


def commands(run: RunDirectory, parts: Collection[str], options: Sequence[str]) -> list[str]:
    """What makes the parts, in order; only the first has to say what the run is about."""
    first, *rest = dict.fromkeys(part.stage for name, part in PARTS.items() if name in parts)
    return [command(first, run.path, *options), *(command(one, run.path) for one in rest)]
