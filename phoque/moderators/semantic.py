"""What a text means, not which words it has: MiniLM's sentence embedding and a logistic head."""

from collections.abc import Sequence
from pathlib import Path

from phoque.moderators import minilm
from phoque.moderators.catalogue import SEMANTIC
from phoque.moderators.classifier import Item, Score
from phoque.moderators.head import Head
from phoque.moderators.minilm import MOST_TOKENS, MiniLM

HEAD = Path(__file__).parent / "semantic.json"


class Semantic:
    """Probability that people would call the text harmful, as the label `toxicity`."""

    def __init__(self, model: MiniLM, head: Head) -> None:
        self._model, self._head = model, head
        self.info, self.digest = SEMANTIC, f"{model.digest}+{head.digest}"

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label; truncated where a text has more than 256 tokens."""
        tokens = self._model.tokens([item.text for item in items])
        chances_N = self._head.probabilities(self._model.embed_tokens(tokens).astype(float))
        return [
            Score(labels={"toxicity": float(chance)}, truncated=len(known) > MOST_TOKENS)
            for chance, known in zip(chances_N, tokens, strict=True)
        ]


def load() -> Semantic:
    """The model of the installed wheel with the head of this package."""
    return Semantic(minilm.load(), Head.load(HEAD))
