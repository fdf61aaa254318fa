"""A corpus of one's own as traffic: rows of a text and whether it is hostile."""

from pathlib import Path

from phoque.errors import PhoqueError
from phoque.inputs.pairs import read_pairs, verdict
from phoque.lexicon import Lexicon
from phoque.moderators.listed import words
from phoque.personas import load_persona
from phoque.run.pressure import Kind, Role
from phoque.stages.pressure.texts import Pool, Text

PERSONA = "corpus"


def add_corpus(pool: Pool, path: Path, *, text: str = "text", label: str = "hostile") -> None:
    """Add the rows of a file: hostile ones for hostile speakers, the others for civil ones.

    Raises:
        PhoqueError: the file cannot be read, a label is no yes or no, or rows of one side are missing.
    """
    lexicon = Lexicon([*load_persona().lexicon.entries, *words()])
    found = [
        _text(said, lexicon, hostile=_hostile(word, label, path, line))
        for line, said, word in read_pairs(path, text, label)
    ]
    for role in (Role.HOSTILE, Role.CIVIL):
        if not any(one.role is role for one in found):
            raise PhoqueError(
                f"{path} has no {role.value} text. Give rows with {label} true and rows with false."
            )
    pool.add(found, path.name)


def _text(said: str, lexicon: Lexicon, *, hostile: bool) -> Text:
    strength = lexicon.count(said)
    return Text(
        text=said,
        role=Role.HOSTILE if hostile else Role.CIVIL,
        persona=PERSONA,
        prompt=said,
        kind=(Kind.LISTED if strength else Kind.IMPLICIT) if hostile else None,
        strength=strength,
    )


def _hostile(word: str, label: str, path: Path, line: int) -> bool:
    if (said := verdict(word)) is None:
        raise PhoqueError(f"{path}, line {line}: {label} is {word[:40]!r}. Give true or false.")
    return said
