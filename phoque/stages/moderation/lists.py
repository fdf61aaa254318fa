"""Every word list that comes with the project: what none of them knows has no bad word."""

from phoque.lexicon import Lexicon
from phoque.moderators import listed
from phoque.stages.corpus.placeholders import slurs


def word_lists(persona: Lexicon) -> tuple[Lexicon, ...]:
    """The persona's own, the embedded moderators', and the one of slurs.

    Raises:
        PhoqueError: a list is not installed.
    """
    return persona, Lexicon(listed.words()), slurs()
