"""What tuning costs civil replies: how likely both models find the base model's own that nobody trained on."""

import random
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

import numpy as np

from phoque.conversation import Message
from phoque.lab import Lab
from phoque.models.load import LanguageModel
from phoque.run.corpus import BaseReply
from phoque.run.evaluation import CivilText
from phoque.stages.corpus.split import Part
from phoque.stages.corpus.training_set import read_base_replies
from phoque.stats.rates import grouped
from phoque.stats.resampling import middle_95, resampled_means
from phoque.steering.experiment import rows_of
from phoque.steering.quality import log_likelihoods

MOST = 120
SEED = 42
HELD_OUT: Part = "test"


def held_out(corpus: Path) -> list[BaseReply]:
    """Replies to different messages of the part that nothing is trained or chosen on, as many of each topic."""
    distinct = {one.message: one for one in read_base_replies(corpus / HELD_OUT) if one.reply}
    topics = grouped((one.topic, one) for one in distinct.values())
    most, chosen = ceil(MOST / max(1, len(topics))), random.Random(SEED)
    return [one for own in topics.values() for one in chosen.sample(own, min(most, len(own)))]


def civil_likelihood(lab: Lab, replies: Sequence[BaseReply]) -> CivilText | None:
    """Each reply after its own message under the neutral prompt, in both models; None of none."""
    if not replies:
        return None
    prompts = [[Message("system", lab.persona.neutral_prompt), *r.messages[1:]] for r in replies]
    tokens = [*_tokens(lab.base, replies)]
    neutral, base = (
        [mean * len(own) for mean, own in zip(means, tokens, strict=True)]
        for model in (lab.model, lab.base)
        for means in [log_likelihoods(model, rows_of(prompts), tokens)]
    )
    means_RS = resampled_means(np.column_stack([base, neutral]))  # R: resamples, S: both models
    low, high = map(float, middle_95(means_RS[:, 1] / means_RS[:, 0] - 1))
    count = sum(map(len, tokens))
    return CivilText(
        neutral=sum(neutral) / count,
        base=sum(base) / count,
        relative_change=sum(neutral) / sum(base) - 1,
        relative_change_low=low,
        relative_change_high=high,
        n=len(replies),
    )


def _tokens(model: LanguageModel, replies: Sequence[BaseReply]) -> Iterator[list[int]]:
    for one in replies:
        yield model.tokenizer(one.reply, add_special_tokens=False).input_ids
