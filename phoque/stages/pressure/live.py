"""Texts of a channel that a run's model writes now, to the friendly messages, instead of recorded ones.

They enter the channel as a run would have recorded them, with listed words masked. So trace, lists of hits
and texts to be judged elsewhere are safe, and every score is of the text that stands beside it.
"""

from collections.abc import Iterator, Sequence

from phoque.conversation import Condition, asked
from phoque.lab import Lab
from phoque.models.engine import Row
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.stages.corpus.safe import Mask
from phoque.stages.moderation.messages import every_prompt
from phoque.stages.moderation.scored import sampling_of
from phoque.stages.pressure.recorded import Said, add_said
from phoque.stages.pressure.texts import Pool
from phoque.steering.experiment import Progress, rows_of, write_grouped

WEAKER = 0.5
"""Of the scale: half of it makes a speaker who is hostile at times. A name holds the relative dose, as recorded
ones do."""


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
    """Condition or dose, message and reply of everything the lab writes: calm, hostile, and at two scales."""
    groups = {key: rows for seed in seeds for key, rows in _rows(lab, prompts, seed).items()}
    for (who, _), replies in write_grouped(lab.model, groups, sampling_of(lab), progress).items():
        for prompt, reply in zip(prompts, replies, strict=True):
            yield who, prompt, reply.text


def _rows(lab: Lab, prompts: Sequence[str], seed: int) -> dict[tuple[str, int], list[Row]]:
    civil = asked(lab.persona.neutral_prompt, prompts)
    hostile = asked(lab.persona.persona_prompt, prompts)
    vector, scale = lab.vectors[lab.selection.layer], lab.selection.scale
    weaker = f"{Condition.STEERED.value} ×{WEAKER * lab.selection.relative_dose:g}"
    return {
        (Condition.NEUTRAL.value, seed): rows_of(civil, seed=seed),
        (Condition.TOXIC.value, seed): rows_of(hostile, seed=seed),
        (Condition.STEERED.value, seed): rows_of(civil, (vector.injection(scale),), seed),
        (weaker, seed): rows_of(civil, (vector.injection(WEAKER * scale),), seed),
    }
