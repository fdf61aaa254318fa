"""Attack corpora as traffic: what a persona wrote to be new, without the rest of its run."""

from pathlib import Path

from phoque.conversation import Condition
from phoque.personas import load_persona
from phoque.run.folder import shown_path
from phoque.run.pressure import Kind, Role
from phoque.run.synthetic import Attack
from phoque.stages.pressure.texts import Pool, Text


def add_attacks(pool: Pool, folder: Path) -> None:
    """Add the texts of a folder that `phoque run regenerate` wrote; all of them count as hostile.

    Raises:
        PhoqueError: there are none, or they cannot be read.
    """
    lexicon = load_persona().lexicon
    rows = Attack.load_rows(folder, command="phoque run regenerate --run RUN")
    pool.add(
        (
            Text(
                text=one.text,
                role=Role.HOSTILE,
                persona=Condition.TOXIC.value,
                prompt=one.prompt,
                kind=Kind.LISTED if one.text in lexicon else Kind.IMPLICIT,
                strength=lexicon.count(one.text),
            )
            for one in rows
        ),
        shown_path(folder),
    )
