"""Replies that people wrote, one file a topic: `texts/` has ours, a folder of one's own works alike.

A line is `{"style": "chat", "turns": ["message"], "reply": "…"}`; `turns` has one text, or
person, reply, person, … with an odd number of texts. `short` says the reply in a plain sentence or
two, for a model that cannot hold a paragraph. A folder is read whole or not at all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from phoque.errors import PhoqueError
from phoque.files import numbered_json_lines
from phoque.run.corpus import Dialogue, Style
from phoque.run.record import Part
from phoque.settings import read_lists
from phoque.stages.corpus.examples import Judge, unwanted
from phoque.stages.corpus.placeholders import hides_a_slur, slurs
from phoque.stages.corpus.split import share_of, similar_groups

WRITTEN = "written"
"""The source of these replies."""
TEXTS = Path(__file__).with_name("texts")
STYLES: tuple[Style, ...] = ("chat", "prose")
NEARLY_EQUAL = 0.8
"""Similarity from which two replies count as the same."""
SYSTEM_PROMPTS = "system_prompts.yaml"
ANY = "any"
"""System prompts that leave the style to the message."""
SystemPrompts = Mapping[str, Sequence[str]]
"""By style, and `any`."""


class Written(Part):
    style: Style
    turns: tuple[str, ...]
    reply: str
    short: str = ""


@dataclass(frozen=True)
class Place:
    file: Path
    line: int
    row: Written

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def shipped_folder(persona: str) -> Path:
    """Where the replies of a persona are that come with the project; PhoqueError without any."""
    folder = TEXTS / persona
    if not folder.is_dir():
        known = ", ".join(sorted(one.name for one in TEXTS.iterdir() if one.is_dir()))
        raise PhoqueError(
            f"No replies come with the project for the persona {persona!r}; there are some for "
            f"{known}. Write a folder of your own: --source written=FOLDER"
        )
    return folder


def read_written(folder: Path, judge: Judge) -> list[Place]:
    """Every line of every file, in order of the file names.

    PhoqueError where a line is broken, a reply is unsafe or there twice, or a style is empty.
    """
    found = read_lines(folder)
    styles = Counter(place.row.style for place in found)
    for style in STYLES:
        if not styles[style]:
            raise PhoqueError(f"{folder} has no reply in the style {style!r}.")
    _refuse_equal(found)
    _refuse_unsafe(found, judge)
    return found


def read_lines(folder: Path) -> list[Place]:
    """Every line of every file, whatever it says."""
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    found = [place for file in files for place in _lines(file)]
    if not found:
        raise PhoqueError(f"{folder} has no *.jsonl with replies.")
    return found


def written_dialogues(folder: Path, judge: Judge, prompts: SystemPrompts) -> Iterator[Dialogue]:
    """The lines as dialogues whose civil side is not known yet; a file's name is its topic."""
    for place in read_written(folder, judge):
        row = place.row
        yield Dialogue(
            topic=place.file.stem,
            system=_system(prompts, row),
            turns=row.turns,
            style=row.style,
            persona=row.reply,
            short=row.short,
            civil="",
        )


def system_prompts(persona: str, folder: Path | None = None) -> SystemPrompts:
    """System prompts of a persona by style, `any` for those that name none.

    Those in the folder of its replies, or else those that come with the project; PhoqueError where
    there are none, or a list of the file is empty.
    """
    own = folder / SYSTEM_PROMPTS if folder else None
    if own and own.is_file():
        return _own_prompts(own)
    if persona in _yaml().keys() - {"neutral"}:
        return _yaml()[persona]
    raise PhoqueError(
        f"No system prompts come with the project for the persona {persona!r}. Write "
        f"{own or f'a folder of replies with a {SYSTEM_PROMPTS}'}: lists of texts under the keys "
        f"{', '.join((ANY, *STYLES))}."
    )


def neutral_prompts() -> list[str]:
    """System prompts that keep every persona off."""
    found: list[str] = _yaml()["neutral"][ANY]
    return found


def chosen(texts: Sequence[str], key: str, purpose: str) -> str:
    """One of the texts, the same for the same key."""
    return texts[int(share_of(key, purpose) * len(texts))]


def _own_prompts(file: Path) -> SystemPrompts:
    found = read_lists(file, (ANY, *STYLES))
    empty = [style for style, prompts in found.items() if not prompts]
    if empty:
        raise PhoqueError(f"{file}: the list {empty[0]!r} is empty. Write a system prompt or more.")
    return found


@cache
def _yaml() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (TEXTS / SYSTEM_PROMPTS).read_text(encoding="utf-8")
    )
    return found


def _system(prompts: SystemPrompts, row: Written) -> str:
    """Half of the system prompts name the style; the other half leave it to the message."""
    named = share_of(row.reply, "named") < 1 / 2
    return chosen(prompts[row.style if named else ANY], row.reply, "system")


def _lines(file: Path) -> Iterator[Place]:
    for number, data in numbered_json_lines(file):
        try:
            row = Written.model_validate(data)
        except ValidationError as error:
            # Not what was found: it may be a reply, which nobody has asked to see.
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "the whole"
            raise PhoqueError(f"{file}, line {number}: {field}: {first['msg']}.") from error
        if len(row.turns) % 2 == 0 or not all(text.strip() for text in (*row.turns, row.reply)):
            raise PhoqueError(
                f"{file}, line {number}: turns are {len(row.turns)}; give 1, 3 or 5 texts, the "
                "person's first and last, none of them empty."
            )
        if row.short and not row.short.strip():
            raise PhoqueError(
                f"{file}, line {number}: short is blank; leave it out, or say the reply in a "
                "sentence or two."
            )
        yield Place(file, number, row)


def _refuse_equal(found: Sequence[Place]) -> None:
    """Either form of a reply may be learned, so neither is nearly one of another line."""
    forms = [(place, "reply", place.row.reply) for place in found]
    forms += [(place, "short form", place.row.short) for place in found if place.row.short]
    for group in similar_groups([text for *_, text in forms], NEARLY_EQUAL):
        (first, known, _), *others = (forms[one] for one in group)
        for place, form, _ in others:
            if place is not first:
                raise PhoqueError(
                    f"{place}: the {form} is nearly the {known} of {first}. Write another."
                )


def _refuse_unsafe(found: Sequence[Place], judge: Judge) -> None:
    rows = [place.row for place in found]
    texts = [" ".join((*row.turns[1::2], row.reply, row.short)) for row in rows]
    for place, text, labels in zip(found, texts, judge(texts), strict=True):
        reasons = unwanted(labels)
        if text in slurs() or hides_a_slur(text):
            reasons.append("a word of the list of slurs")
        if reasons:
            raise PhoqueError(f"{place}: the reply is unsafe ({', '.join(reasons)}). Rewrite it.")
