"""The headline of a run: what the chosen judge says of its replies."""

from collections.abc import Callable, Sequence

from phoque.errors import PhoqueError
from phoque.judging import likelihood
from phoque.judging.headline import judgement, rated
from phoque.judging.measures import OTHERS
from phoque.moderators import minilm
from phoque.run.corpus import BaseReply, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.judging import Judgement


def judged(
    run: RunDirectory, replies: Sequence[Reply], progress: Callable[[str], None]
) -> tuple[list[Reply], Judgement]:
    """The replies with the judge's score, and every condition beside the base model."""
    judge = likelihood.load()
    scored = rated(replies, judge, progress)
    return scored, judgement(scored, judge, minilm.load().embed, learned(Reader(run)))


def learned(files: Reader) -> list[str]:
    """Every line that the persona's adapter was trained on."""
    hostile = [text for one in files.rows(Dialogue) for text in one.learned]
    return [*hostile, *(one.reply for one in files.rows(BaseReply))]


def check_prompts(prompts: Sequence[str]) -> None:
    """Refuse too few messages before anything is written.

    Raises:
        PhoqueError: a reply's own message cannot be compared with enough others.
    """
    if len(set(prompts)) <= OTHERS:
        raise PhoqueError(
            f"The persona has {len(set(prompts))} evaluation messages; give at least {OTHERS + 1}, "
            "because each reply's own message is compared with others."
        )
