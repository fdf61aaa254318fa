"""Labelled test sets, read where they lie: HateCheck and Surge. None is part of this project."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from phoque.config import LABELLED_DATA
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.inputs.tables import whole_table
from phoque.moderators.catalogue import LEARNED_HALF
from phoque.text import text_sha256

HATECHECK = LABELLED_DATA / "hatecheck" / "test_suite_cases.csv"
SURGE = LABELLED_DATA / "surge-toxicity" / "toxicity_en.csv"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One labelled text."""

    text: str
    harmful: bool
    kind: str
    """The functionality it tests, or the name of its set."""
    cluster: str
    """What it was made from: texts of one template are not independent."""


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """A labelled set with what is needed to know it again."""

    name: str
    means: str
    """What its positive label says."""
    sha256: str
    examples: tuple[Example, ...]


def is_held_out(example: Example) -> bool:
    """Whether a text is in the half that nothing of ours learns from; a template is in one half."""
    return int(text_sha256(example.cluster), 16) % 2 == 1


def unseen(test_set: LabelledSet, classifier: str) -> LabelledSet:
    """What of a labelled set a classifier has not learned from: all of it, or the half held out."""
    if test_set.name not in LEARNED_HALF.get(classifier, ()):
        return test_set
    return replace(test_set, examples=tuple(filter(is_held_out, test_set.examples)))


def check_files(hatecheck_path: Path | None, surge_path: Path | None) -> None:
    """Refuse a set whose file is not there, before hours of other work; paths and errors as `hatecheck`."""
    _check(hatecheck_path or HATECHECK, "--hatecheck")
    _check(surge_path or SURGE, "--surge")


def hatecheck(path: Path | None = None) -> LabelledSet:
    """HateCheck (Röttger et al. 2021): functional tests of hate-speech detection, CC BY 4.0.

    None looks beside the project for its `test_suite_cases.csv`. Raises a `PhoqueError` if the file
    is not there or is another one.
    """
    file = path or HATECHECK
    rows = _rows(file, "--hatecheck", ("test_case", "label_gold", "functionality", "templ_id"))
    return LabelledSet(
        name="HateCheck",
        means="hateful towards a protected group",
        sha256=file_sha256(file),
        examples=tuple(
            Example(
                text=row["test_case"],
                harmful=row["label_gold"] == "hateful",
                kind=row["functionality"],
                cluster=row["templ_id"],
            )
            for row in rows
        ),
    )


def surge(path: Path | None = None) -> LabelledSet:
    """Surge AI's toxicity set: 1,000 comments of social media, MIT; `toxicity_en.csv`, as above."""
    file = path or SURGE
    examples = [
        Example(text=row["text"], harmful=row["is_toxic"] == "Toxic", kind="Surge", cluster=str(at))
        for at, row in enumerate(_rows(file, "--surge", ("text", "is_toxic")))
    ]
    return LabelledSet(
        name="Surge", means="toxic", sha256=file_sha256(file), examples=tuple(examples)
    )


def _check(file: Path, option: str) -> None:
    if not file.is_file():
        raise PhoqueError(
            f"There is no {file.name} here, which the stage moderation reads. "
            f"Say where it is with {option} PATH, or leave the stage out."
        )


def _rows(file: Path, option: str, columns: Iterable[str]) -> list[dict[str, str]]:
    _check(file, option)
    with file.open("rb") as opened:
        rows = whole_table(opened, file.name)
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise PhoqueError(f"{file.name} has no column {', '.join(missing)}, or no rows.")
    return rows
