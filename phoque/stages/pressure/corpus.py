"""Texts that are brought as traffic: a corpus of one's own, and what a persona wrote to be new."""

from pathlib import Path

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.inputs.pairs import read_pairs, verdict
from phoque.lexicon import Lexicon
from phoque.moderators.listed import words
from phoque.personas import load_persona
from phoque.run.folder import shown_path
from phoque.run.pressure import Role
from phoque.run.synthetic import Attack
from phoque.stages.pressure.texts import Pool, Text

PERSONA = "corpus"


def add_corpus(pool: Pool, path: Path, *, text: str = "text", label: str = "hostile") -> None:
    """Add the rows of a file: hostile ones for hostile speakers, the others for civil ones.

    PhoqueError where it cannot be read, a label is no yes or no, or rows of one side are missing.
    """
    lexicon = Lexicon([*load_persona().lexicon.entries, *words()])
    found = []
    for line, said, word in read_pairs(path, text, label):
        if (hostile := verdict(word)) is None:
            raise PhoqueError(f"{path}, line {line}: {label} is {word[:40]!r}. Give true or false.")
        role, strength = (Role.HOSTILE if hostile else Role.CIVIL), lexicon.count(said)
        found.append(Text(text=said, role=role, persona=PERSONA, prompt=said, strength=strength))
    for role in (Role.HOSTILE, Role.CIVIL):
        if not any(one.role is role for one in found):
            raise PhoqueError(
                f"{path} has no {role.value} text. Give rows with {label} true and rows with false."
            )
    pool.add(found, path.name)


def add_attacks(pool: Pool, folder: Path) -> None:
    """Add the texts of a folder that `phoque run regenerate` wrote; all of them count as hostile."""
    lexicon = load_persona().lexicon
    rows = Attack.load_rows(folder, command="phoque run regenerate --run RUN")
    texts = (
        Text(
            text=one.text,
            role=Role.HOSTILE,
            persona=Condition.TOXIC.value,
            prompt=one.prompt,
            strength=lexicon.count(one.text),
        )
        for one in rows
    )
    pool.add(texts, shown_path(folder))
