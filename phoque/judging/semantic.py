"""The semantic moderator as a judge: the reply alone, by what it means."""

from collections.abc import Sequence

from phoque.judging.judge import Exchange
from phoque.moderators import semantic
from phoque.moderators.classifier import Classifier
from phoque.moderators.scoring import harm_scores


class SemanticJudge:
    """Harm scores of `embedded.semantic`."""

    name = "semantic"

    def __init__(self, moderator: Classifier) -> None:
        self._moderator, self.digest = moderator, moderator.digest

    def scores(self, exchanges: Sequence[Exchange]) -> list[float]:
        """Probabilities that people would call the reply harmful."""
        return harm_scores(self._moderator, [one.reply for one in exchanges])


def load() -> SemanticJudge:
    """The judge with the embedded moderator."""
    return SemanticJudge(semantic.load())
