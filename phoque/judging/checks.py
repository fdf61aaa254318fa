"""What the judge and the moderators say of a few replies: recorded ones, and live ones on a page."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from phoque.errors import PhoqueError
from phoque.judging import likelihood
from phoque.judging.judge import Exchange, Judge
from phoque.moderators.classifier import Classifier
from phoque.moderators.registry import EMBEDDED, embedded
from phoque.moderators.scoring import items_of, score
from phoque.progress import Stopped, never
from phoque.run.showcase import Found
from phoque.steering.experiment import Progress, silent


@dataclass(frozen=True)
class Checks:
    judge: Judge | None
    moderators: Sequence[Classifier]

    def found(self, exchanges: Sequence[Exchange]) -> list[Found]:
        """The verdicts of judge and moderators on each reply, in order."""
        silence: list[float | None] = [None] * len(exchanges)
        hostility = self.judge.scores(exchanges) if self.judge else silence
        harm: list[dict[str, float]] = [{} for _ in exchanges]
        for one in self.moderators:
            scores = score(one, items_of(exchange.reply for exchange in exchanges))
            for own, found in zip(harm, scores, strict=True):
                if found.error is None:
                    own[one.info.id] = found.harm_score(one.info)
        return [Found(hostility=h, harm=own) for h, own in zip(hostility, harm, strict=True)]


READER = ThreadPoolExecutor(1, "page-reader")
"""The thread that reads for all pages: a second would make both slower, and keep memory of its own."""


def live(
    answered: Sequence[tuple[str, str]], *, judged: bool, stopped: Stopped = never
) -> list[Found]:
    """Read messages and replies of a page, on the CPU; what reads them is loaded once a process.

    Nothing is read, and found, if it is no longer wanted when its turn comes.
    """
    return READER.submit(_read, [Exchange(*one) for one in answered], judged, stopped).result()


def _read(
    exchanges: Sequence[Exchange],
    judged: bool,  # noqa: FBT001  # handed on
    stopped: Stopped,
) -> list[Found]:
    if stopped():
        return []
    return _live_checks(judged).found(exchanges)


@cache
def _live_checks(judged: bool) -> Checks:  # noqa: FBT001  # handed on
    judge = embedded_judge(silent, device="cpu") if judged else None
    return Checks(judge, embedded_moderators(silent))


def embedded_moderators(progress: Progress) -> list[Classifier]:
    """The moderators that are installed; `progress` is told why each of the others is missing."""
    loaded = []
    for name in EMBEDDED:
        try:
            loaded.append(embedded(name))
        except PhoqueError as error:
            progress(f"without {name}: {error}")
    return loaded


def embedded_judge(progress: Progress, device: str | None = None) -> Judge | None:
    """The judge, if its model is here."""
    try:
        return likelihood.load(device)
    except PhoqueError as error:
        progress(f"without the judge: {error}")
        return None


def embedded_checks(progress: Progress = silent) -> Checks:
    """The judge and the moderators that are installed."""
    return Checks(embedded_judge(progress), embedded_moderators(progress))
