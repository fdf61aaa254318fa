"""Text as a person would have typed it: no mark-up, addresses or signatures, one language."""

import html
import re
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

MOST_WORDS = 200
FEWEST_LETTERS = 3
FEWEST_WORDS_TO_TELL = 5
"""Below it a language cannot be told by its words; then the script decides alone."""
LATIN_SHARE = 0.8
LANGUAGES = ("en", "ru", "es", "pt", "de", "fr", "it", "pl", "tr", "nl", "id", "tl", "sv", "ro")
"""What players of these games write; telling apart fewer languages errs less."""

REMOVED = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        # Control tokens of chat templates and encoders.
        r"<[|\uff5c].*?[|\uff5c]>|<<\s*/?SYS\s*>>|</?s>"
        r"|\[/?(?:INST|SYSTEM_PROMPT|(?:AVAILABLE_)?TOOLS?(?:_\w+)?|PAD|UNK|CLS|SEPA?|MASK|[BE]OS)\]"
        r"|#{2,}\s*(?:Instruction|Input|Response|Human|User|Assistant|System)\s*:",
        r"<[a-z/!][^<>]{0,300}>",
        r"\{\{[^{}]*\}\}|\{\|.*?\|\}",
        r"\b(?:https?://|www\.)\S+",
        r"\b[\w.+-]+@[\w-]+\.[\w.]+\b",
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])",
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:?){0,6}(?![\w:])",
        r"\(?\s*talk\s*\)?\s*\d{1,2}:\d{2},.{0,40}?\(UTC\)|\d{1,2}:\d{2},.{0,40}?\(UTC\)",
        # What a wiki, its exports and a game's translations put into texts.
        r"[-\u2013\u2014\s]*(?:the )?preceding unsigned comment (?:was )?added by",
        r"(?:NEWLINE|TAB)_TOKEN|\A\s*#?REDIRECT\s|#?\bDOTA_\w+",
        r"'{2,}|={2,}|~{3,}|-{4,}|\{\{|\}\}|\[\[|\]\]|\{\||\|\}"
        r"|(?:\A|(?<=\n))[^\S\n]*(?:[:*#]+(?=\s)|:+(?=[a-z]{2}))",
    )
)
NESTED = re.compile(r"\{\{[^{}]*\}\}")
LINK = re.compile(r"\[\[(?:[^\[\]]*\|)?([^\[\]|]*)\]\]")
SPACES = re.compile(r"\s+")
LETTERS = re.compile(r"[^\W\d_]")
LATIN = re.compile(r"[A-Za-zÀ-ɏ]")


def cleaned(text: str) -> str:
    """The text without mark-up, control tokens, links, addresses (IP, mail) and signatures.

    Nothing that belongs to the form of a source, and not to what was said, is left.
    """
    text = _unnested(html.unescape(text))
    for pattern in REMOVED:
        text = pattern.sub(" ", text)
    return SPACES.sub(" ", text).strip(" \"'")


def _unnested(text: str) -> str:
    """The text without the templates and links of a wiki, which may hold others."""
    inner = LINK.sub(r"\1", NESTED.sub(" ", text)) if "{{" in text or "[[" in text else text
    return text if inner == text else _unnested(inner)


def unfit_length(text: str, most_words: int = MOST_WORDS) -> str | None:
    """Why a cleaned text is of no useful length; None when it is."""
    if len(LETTERS.findall(text)) < FEWEST_LETTERS:
        return "too short"
    return "too long" if len(text.split()) > most_words else None


def is_english(text: str) -> bool:
    """Whether a text is in Latin script and, where it is long enough to tell, in English."""
    letters = LETTERS.findall(text)
    if len(LATIN.findall(text)) < LATIN_SHARE * len(letters):
        return False
    if len(text.split()) < FEWEST_WORDS_TO_TELL:
        return True
    return bool(_identifier().classify(text)[0] == "en")


@cache
def _identifier() -> Any:
    # An identifier of our own: the one of the library is shared by the whole process.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LANGUAGES)
    return identifier
