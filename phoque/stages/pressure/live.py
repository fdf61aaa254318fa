"""Texts of a channel that a run's model writes now, to the friendly messages, instead of recorded ones.

They enter the channel as a run would have recorded them, with listed words masked. So trace, lists of hits
and texts to be judged elsewhere are safe, and every score is of the text that stands beside it.
"""

from collections.abc import Iterator, Sequence

from phoque.lab import Lab
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.stages.corpus.safe import Mask
from phoque.stages.moderation.messages import every_prompt
from phoque.stages.moderation.scored import replies_of
from phoque.stages.pressure.recorded import Said, add_said
from phoque.stages.pressure.texts import Pool
from phoque.steering.experiment import Progress


def add_live(pool: Pool, run: RunDirectory, seeds: Sequence[int], progress: Progress) -> None:
    """Have a run's model reply to every friendly message under every condition, and add that, masked.

    PhoqueError where the run cannot be opened, or its persona is neither hostile nor happy.
    """
    mask = Mask()
    said = said_now(open_lab(run.path), every_prompt(), seeds, progress)
    add_said(pool, run, ((who, asked, mask.text(reply)) for who, asked, reply in said))
    if mask.count is not None:
        pool.masked = (pool.masked or 0) + mask.count


def said_now(
    lab: Lab, prompts: Sequence[str], seeds: Sequence[int], progress: Progress
) -> Iterator[Said]:
    """Condition, message and reply of everything the lab writes."""
    for (condition, _), replies in replies_of(lab, prompts, seeds, progress).items():
        for prompt, reply in zip(prompts, replies, strict=True):
            yield condition.value, prompt, reply
