"""What a run says of itself without its model: a page is complete before the weights are loaded."""

from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

from phoque.conversation import DEFAULT_SAMPLING, Condition, LabInfo
from phoque.errors import PhoqueError
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader, command
from phoque.run.manifest import Manifest
from phoque.run.persona import own_persona
from phoque.run.psm import Selection


def psm_folder(run: RunDirectory, persona: str | None) -> Path:
    """Where results on a persona, a name or a file, are; None is the run's own.

    Raises:
        PhoqueError: there is no such persona.
    """
    own = own_persona(run).name
    name = own if persona is None else load_persona(persona).name
    return run.psm(None if name == own else name)


def runs_beside(run: RunDirectory) -> Iterator[tuple[RunDirectory, str]]:
    """The run itself, then the runs in the folder beside it, each with its persona; damaged ones are left out."""
    beside = sorted(run.path.resolve().parent.glob(f"*/{Manifest.FILE}"))
    for one in (run, *(RunDirectory(file.parent) for file in beside)):
        with suppress(PhoqueError):
            one.manifest()
            yield one, own_persona(one).name


def run_beside(run: RunDirectory, named: Path | None) -> RunDirectory:
    """The run that is named, or else the first one beside this that has another persona.

    Raises:
        PhoqueError: there is none.
    """
    if named:
        return RunDirectory(named)
    (_, own), *others = runs_beside(run)
    found = next((one for one, persona in others if persona != own), None)
    if found is None:
        raise PhoqueError(
            f"Beside {run.path} there is no run of another persona. Name one with --other, or make it: "
            f"{command('all', run.path.parent / 'pluribus', '--persona', 'pluribus')}"
        )
    return found


TOKENS_PER_WORD = 1.5
LONGEST = 200
"""Tokens of a paragraph of 150 words; what a page lets a visitor ask for."""


def reply_tokens(manifest: Manifest, otherwise: int = DEFAULT_SAMPLING.max_new_tokens) -> int:
    """The most tokens of a reply, so that what a persona learned is not cut off; a multiple of eight.

    `otherwise` is the answer where the run does not say how much of a reply it learned.
    """
    made = manifest.stages.get("persona")
    words = made.settings.get("most_words") if made else None
    if words is None:
        return otherwise
    tokens = 8 * ceil(TOKENS_PER_WORD * int(words) / 8) if words else LONGEST
    return min(LONGEST, max(DEFAULT_SAMPLING.max_new_tokens, tokens))


def lab_info(run: RunDirectory) -> LabInfo:
    """Plain facts for a page.

    Raises:
        PhoqueError: the folder is no run, or has no selection.
    """
    known = run.manifest()
    persona = own_persona(run)
    file = Reader(run).read(Selection)
    prompts = dict.fromkeys(Condition, persona.neutral_prompt)
    return LabInfo(
        model=file.model,
        run=run.path.name,
        persona=persona.name,
        num_layers=len(file.dose_per_scale),
        layer=file.choice.layer,
        scale=file.choice.scale,
        coherent_scale=file.coherent_scale,
        dose_per_scale=file.dose_per_scale,
        context_length=file.context_length,
        reply_tokens=reply_tokens(known),
        system_prompts=prompts | {Condition.TOXIC: persona.persona_prompt},
        lexicon=persona.lexicon.entries,
        presets=persona.presets,
    )
