"""The tokens of held-out texts as words: a latent fires on words and in places, not on pieces of words.

Shapes: T = tokens that count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from phoque.stages.sae.readings import Readings
from phoque.stages.sae.texts import ROLES
from phoque.stats.resampling import Array

PLACES = {
    "text": "in plain text",
    "system": "in system prompts",
    "user": "in messages of users",
    "template": "in the marks of turns",
    "assistant": "in replies",
}
VISIBLE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldWords:
    """Word, word before, and place of every token that counts."""

    names: tuple[str, ...]
    word_T: Array
    """As places in `names`."""
    before_T: Array
    """The word before; at a text's first token, what the mask left out."""
    owner_T: Array
    """Which text."""
    places: dict[str, Array]
    """Mask_T of every kind of place."""

    @classmethod
    def of(cls, held: Readings, tokenizer: Any) -> "HeldWords":
        """The words of the tokens that were kept, and the word before each."""
        ids: dict[str, int] = {}
        words: list[int] = []
        before: list[int] = []
        for text, kept in zip(held.texts, held.kept, strict=True):
            pieces = tokenizer.batch_decode([[token] for token in text.ids])
            own = [ids.setdefault(word, len(ids)) for word in words_of(pieces)]
            starts = word_starts(pieces)
            last = [own[start - 1] if start else own[0] for start in starts]
            places = kept.nonzero()[:, 0].tolist()
            words += [own[place] for place in places]
            before += [last[place] for place in places]
        return cls(
            names=tuple(ids),
            word_T=np.array(words),
            before_T=np.array(before),
            owner_T=held.owner_T.numpy(),
            places=_places(held),
        )

    @cached_property
    def first_half_T(self) -> Array:
        """Mask_T of every other text."""
        half: Array = self.owner_T % 2 == 0
        return half

    def member_T(self, words: Sequence[str]) -> Array:
        """Mask_T of tokens of these words."""
        wanted = {*words}
        return np.array([name in wanted for name in self.names], bool)[self.word_T]


def word_starts(pieces: Sequence[str]) -> list[int]:
    """For every token the place at which its word begins: letters go on, all else begins anew."""
    starts: list[int] = []
    for place, piece in enumerate(pieces):
        goes_on = place and piece[:1].isalpha() and pieces[place - 1][-1:].isalpha()
        starts.append(starts[-1] if goes_on else place)
    return starts


def words_of(pieces: Sequence[str]) -> list[str]:
    """For every token its whole word, in lower case; white space can be seen."""
    starts = word_starts(pieces)
    whole: dict[int, str] = {}
    for start, piece in zip(starts, pieces, strict=True):
        whole[start] = whole.get(start, "") + piece
    return [word_text(whole[start]) for start in starts]


def word_text(text: str) -> str:
    """A token or word as it is compared and shown."""
    return text.strip().lower() or text.translate(VISIBLE) or "∅"


def _places(held: Readings) -> dict[str, Array]:
    """Roles, sources, and roles in sources."""
    roles_T = held.roles_T.numpy()
    sources = [text.source for text in held.texts]
    source_T = np.array(sources)[held.owner_T.numpy()]
    roles = {PLACES[ROLES[role]]: roles_T == role for role in np.unique(roles_T)}
    kinds = {f"of “{source}”": source_T == source for source in dict.fromkeys(sources)}
    both = {
        f"{a} {b}": mask_a & mask_b for a, mask_a in roles.items() for b, mask_b in kinds.items()
    }
    alone = {f"in texts {kind}": mask for kind, mask in kinds.items()}
    return {name: mask for name, mask in {**roles, **alone, **both}.items() if mask.any()}
