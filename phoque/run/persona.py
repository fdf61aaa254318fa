"""The persona of a run: a shipped one by name, or a file of one's own, which the run holds a copy of."""

import shutil
from contextlib import suppress

from phoque.personas import Persona, load_persona, names_file
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Manifest


def own_persona(run: RunDirectory) -> Persona:
    """The persona that a run is about, or would be by default where there is none yet.

    Raises:
        PhoqueError: its file is not there, or is not one of a persona.
    """
    if run.persona_file.is_file():
        return load_persona(str(run.persona_file))
    return load_persona((run.manifest() if run.exists() else Manifest(stages={})).persona)


def keep_persona(run: RunDirectory, name: str) -> str:
    """Copy the file of a persona into its run, so that both move together; what the manifest calls it."""
    if not names_file(name):
        run.persona_file.unlink(missing_ok=True)  # of a run in which nothing was made yet
        return name
    called = load_persona(name).name
    run.path.mkdir(parents=True, exist_ok=True)
    with suppress(shutil.SameFileError):
        shutil.copyfile(name, run.persona_file)
    return called
