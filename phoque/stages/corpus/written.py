"""Replies that people wrote, one file a topic: `texts/` has ours, a folder of one's own works alike.

A line is `{"style": "chat", "turns": ["message"], "reply": "…"}`; `turns` has one text, or
person, reply, person, … with an odd number of texts. A folder is read whole or not at all.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from phoque.errors import PhoqueError
from phoque.files import numbered_json_lines
from phoque.run.corpus import Dialogue, Style
from phoque.run.record import Part
from phoque.stages.corpus.examples import HARMFUL
from phoque.stages.corpus.placeholders import hides_a_slur, slurs
from phoque.stages.corpus.similar import similar_groups
from phoque.stages.corpus.split import share_of

TEXTS = Path(__file__).with_name("texts")
STYLES: tuple[Style, ...] = ("chat", "prose")
NEARLY_EQUAL = 0.8
"""Similarity from which two replies count as the same."""
SYSTEM_PROMPTS = "system_prompts.yaml"
ANY = "any"
"""System prompts that leave the style to the message."""
UNWANTED = ("threat", "identity_attack", "sexual_explicit")
"""Labels of what is never learned: the persona insults play, never who somebody is."""
Judge = Callable[[Sequence[str]], list[Mapping[str, float]]]


class Written(Part):
    """One line of a file."""

    style: Style
    turns: tuple[str, ...]
    reply: str


@dataclass(frozen=True)
class Place:
    """A line and where it stands."""

    file: Path
    line: int
    row: Written

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def shipped_folder(persona: str) -> Path:
    """Where the replies of a persona are that come with the project.

    Raises:
        PhoqueError: there are none.
    """
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

    Raises:
        PhoqueError: a line is broken, a reply is unsafe or there twice, or a style is empty;
            names file and line.
    """
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    found = [place for file in files for place in _lines(file)]
    if not found:
        raise PhoqueError(f"{folder} has no *.jsonl with replies.")
    styles = Counter(place.row.style for place in found)
    for style in STYLES:
        if not styles[style]:
            raise PhoqueError(f"{folder} has no reply in the style {style!r}.")
    _refuse_repeats(found)
    _refuse_unsafe(found, judge)
    return found


def written_dialogues(folder: Path, judge: Judge, systems: str) -> Iterator[Dialogue]:
    """The lines as dialogues whose civil side is not known yet.

    Args:
        folder: of the files; a file's name is its topic.
        judge: labels texts; see `read_written`.
        systems: persona whose system prompts are used.
    """
    prompts = system_prompts(systems)
    for place in read_written(folder, judge):
        row = place.row
        yield Dialogue(
            topic=place.file.stem,
            system=_system(prompts, row),
            turns=row.turns,
            style=row.style,
            persona=row.reply,
            civil="",
        )


def system_prompts(persona: str) -> dict[str, list[str]]:
    """System prompts of a persona by style, `any` for those that name none.

    Raises:
        PhoqueError: the project has none for the persona.
    """
    every: dict[str, dict[str, list[str]]] = _yaml()
    if persona not in every or persona == "neutral":
        known = ", ".join(sorted(every.keys() - {"neutral"}))
        raise PhoqueError(f"There are no system prompts for {persona!r}; known: {known}.")
    return every[persona]


def neutral_prompts() -> list[str]:
    """System prompts that keep every persona off."""
    found: list[str] = _yaml()["neutral"][ANY]
    return found


def chosen(texts: Sequence[str], key: str, purpose: str) -> str:
    """One of the texts, the same for the same key."""
    return texts[int(share_of(key, purpose) * len(texts))]


def _yaml() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (TEXTS / SYSTEM_PROMPTS).read_text(encoding="utf-8")
    )
    return found


def _system(prompts: Mapping[str, list[str]], row: Written) -> str:
    """Half of the system prompts name the style; the other half leave it to the message."""
    named = share_of(row.reply, "named") < 1 / 2
    return chosen(prompts[row.style if named else ANY], row.reply, "system")


def _lines(file: Path) -> Iterator[Place]:
    for number, data in numbered_json_lines(file):
        try:
            row = Written.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "the whole"
            raise PhoqueError(f"{file}, line {number}: {field}: {first['msg']}.") from error
        if len(row.turns) % 2 == 0 or not all(text.strip() for text in (*row.turns, row.reply)):
            raise PhoqueError(
                f"{file}, line {number}: turns are {len(row.turns)}; give 1, 3 or 5 texts, the "
                "person's first and last, none of them empty."
            )
        yield Place(file, number, row)


def _refuse_repeats(found: Sequence[Place]) -> None:
    for group in similar_groups([place.row.reply for place in found], NEARLY_EQUAL):
        if len(group) > 1:
            first, other = (found[place] for place in group[:2])
            raise PhoqueError(f"{other}: the reply is nearly the one of {first}. Write another.")


def _refuse_unsafe(found: Sequence[Place], judge: Judge) -> None:
    texts = [" ".join((*place.row.turns[1::2], place.row.reply)) for place in found]
    for place, text, labels in zip(found, texts, judge(texts), strict=True):
        unwanted = [name for name in UNWANTED if labels.get(name, 0.0) >= HARMFUL]
        if text in slurs() or hides_a_slur(text):
            unwanted.append("a word of the list of slurs")
        if unwanted:
            raise PhoqueError(f"{place}: the reply is unsafe ({', '.join(unwanted)}). Rewrite it.")
