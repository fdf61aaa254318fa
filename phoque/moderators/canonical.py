"""Canonical text: what a message says once its spelling tricks are undone.

A separate stage before any classifier, so that every model is reported raw and canonical. It undoes
what is mechanical: look-alike letters, unseen characters, digits for letters, letters set apart,
stretched letters. Digits become letters, and letters set apart a word, only where a known word comes out
(`leet.py`, `vocabulary.py`). It does not guess at swapped or missing letters, and it leaves names,
numbers, formulas, addresses and other scripts as they are. The result is never longer than the text,
and canonical text stays as it is.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise

from phoque.moderators.leet import STANDS_FOR, TOKEN, undisguised
from phoque.moderators.vocabulary import words_in

# Written from the shapes of the letters; pairs of a look-alike and the Latin letter it imitates.
LOOKALIKES = str.maketrans(
    dict(
        zip(
            # Cyrillic
            "аеорсухкіјѕԁһӏԛԝвмнтгпьАВЕКМНОРСТУХІЈЅ"
            # Greek
            "αεικνορτυχβηωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
            # Latin beyond ASCII, Armenian
            "ɑɡıƖǀոսօ",
            "aeopcyxkijsdhlqwbmhtrnbABEKMHOPCTYXIJSaeiknoptuxbnwABEZHIKMNOPTYXagillnuo",
            strict=True,
        )
    )
)
TABLES = tuple(
    str.maketrans({sign: letters[place] for sign, letters in STANDS_FOR.items()})
    for place in (0, -1)
)
"""Every sign with the letter it stands for: the likelier one, and the other."""
JOINERS = "\u200c\u200d\ufe0f"
LATIN_END = "\u0250"
ADDRESS = re.compile(
    r"(?<!\S)\S+?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]+@[\w-]+\.\S+|(?<!\S)[@#]\w+", re.IGNORECASE
)
"""Links, mail addresses, mentions and tags: their spelling is their meaning. Each is looked for from
its beginning only, so that a text without blanks takes no time either."""
SIGN, LETTER = re.compile(r"[013457@$!|+*]"), re.compile(r"[a-zA-Z]")
"""A token with both may be a word in disguise."""
SET_APART = re.compile(
    r"(?<!\w)(?<![.*_~-])[^\W\d_](?:([.*_~-])[^\W\d_])(?:\1[^\W\d_])+(?!\w)|"
    r"(?<!\S)[^\W\d_](?: [^\W\d_]){3,}(?!\S)"
)
STRETCHED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
ROMAN = re.compile(r"[IVXLCDM]+")
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Step:
    """One change on the way to canonical text."""

    name: str
    before: str
    after: str


def canonicalise(text: str) -> str:
    """The canonical form of `text`: never longer, and its own canonical form.

    Raises:
        PhoqueError: a digit may stand for a letter, and the moderators' wheels are not installed.
    """
    steps = canonical_trace(text)
    return steps[-1].after if steps else text


def possible_readings(text: str) -> Iterator[str]:
    """The canonical form, and what the text says with every digit and sign taken for a letter.

    For those who must not miss a word, whether or not the moderators know it.

    Raises:
        PhoqueError: as `canonicalise`.
    """
    yield canonicalise(text)
    plain = _latin(_seen(_composed(text)))
    joined = SET_APART.sub(lambda found: re.sub(r"[\W_]", "", found[0]), plain)
    for letters in (joined.translate(table) for table in TABLES):
        yield STRETCHED.sub(r"\1", letters)


def canonical_trace(text: str) -> list[Step]:
    """Every change from `text` to its canonical form; empty when it is canonical already."""
    steps: list[Step] = []
    before = None
    # One trick may hide another: repeat until nothing changes. A stage only shortens the text or
    # turns characters into Latin letters that no stage turns back, so this ends.
    while before != text:
        before = text
        for name, stage in STAGES.items():
            if (after := stage(text)) != text:
                steps.append(Step(name, text, after))
                text = after
    return steps


def _composed(text: str) -> str:
    # Full-width, circled and mathematical letters become plain ones, where one stays one.
    forms = ((one, unicodedata.normalize("NFKC", one)) for one in text)
    plain = "".join(form if len(form) == 1 else one for one, form in forms)
    joined = unicodedata.normalize("NFC", plain)
    return joined if len(joined) <= len(plain) else plain


def _seen(text: str) -> str:
    kept = ""
    for character, following in zip(text, text[1:] + " ", strict=False):
        kept += "" if _unseen(character, kept[-1:], following) else character
    return kept


def _unseen(character: str, before: str, following: str) -> bool:
    if character in JOINERS:
        # Spelling in Arabic, Indic scripts and emoji; beside a Latin letter they hide.
        return before < LATIN_END or (following.isalpha() and following < LATIN_END)
    category = unicodedata.category(character)
    stacked = category in {"Mn", "Me"} and before.isascii() and before != ""
    return category == "Cf" or stacked


def _latin(text: str) -> str:
    # Only beside real Latin letters: a word of another script is a word.
    return WORD.sub(
        lambda word: word[0].translate(LOOKALIKES) if LETTER.search(word[0]) else word[0], text
    )


def _undisguised(found: re.Match[str]) -> str:
    token = found[0]
    return undisguised(token) if SIGN.search(token) and LETTER.search(token) else token


def _spelled_out(found: re.Match[str]) -> str:
    # Initials, variables and a scale are letters set apart, too: what comes out must be words.
    letters = re.sub(r"[\W_]", "", found[0])
    ends = accumulate(map(len, words_in(letters.lower())))
    return " ".join(letters[start:end] for start, end in pairwise((0, *ends))) or found[0]


def _shorter(found: re.Match[str]) -> str:
    word = found[0]
    # "www", "hmm", "III": a word of one letter, or a number, is not a stretched word.
    if len(set(word.lower())) == 1 or ROMAN.fullmatch(word):
        return word
    return STRETCHED.sub(r"\1", word)


def _outside_addresses(
    spots: re.Pattern[str], change: Callable[[re.Match[str]], str], text: str
) -> str:
    parts, end = [], 0
    for found in ADDRESS.finditer(text):
        parts += [spots.sub(change, text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, spots.sub(change, text[end:])])


STAGES: dict[str, Callable[[str], str]] = {
    "compatible characters": _composed,
    "unseen characters": _seen,
    "look-alike letters": _latin,
    "digits for letters": partial(_outside_addresses, TOKEN, _undisguised),
    "letters set apart": partial(_outside_addresses, SET_APART, _spelled_out),
    "stretched letters": partial(_outside_addresses, WORD, _shorter),
}
