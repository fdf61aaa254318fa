"""What tuning costs civil replies: how likely the models find the base model's own that nobody trained on."""

import random
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

import numpy as np

from phoque.conversation import Message
from phoque.lab import Lab
from phoque.models.load import LanguageModel
from phoque.run.corpus import BaseReply
from phoque.run.evaluation import Change, CivilReply, CivilText
from phoque.stages.corpus.split import Part
from phoque.stages.corpus.training_set import read_base_replies
from phoque.stats.rates import grouped
from phoque.stats.resampling import Array, middle_95, resampled_means
from phoque.steering.experiment import rows_of
from phoque.steering.quality import log_likelihoods
from phoque.text import text_id

MOST = 120
SEED = 42
HELD_OUT: Part = "test"


def held_out(corpus: Path) -> list[BaseReply]:
    """Replies to different messages of the part that nothing is trained or chosen on, as many of each topic."""
    distinct = {one.message: one for one in read_base_replies(corpus / HELD_OUT) if one.reply}
    topics = grouped((one.topic, one) for one in distinct.values())
    most, chosen = ceil(MOST / max(1, len(topics))), random.Random(SEED)
    return [one for own in topics.values() for one in chosen.sample(own, min(most, len(own)))]


def civil_rows(lab: Lab, civil: LanguageModel, replies: Sequence[BaseReply]) -> list[CivilReply]:
    """Each reply after its own message under the neutral prompt, in the base model and with either adapter."""
    if not replies:
        return []
    prompts = [[Message("system", lab.persona.neutral_prompt), *r.messages[1:]] for r in replies]
    tokens = [*_tokens(lab.base, replies)]
    read = [log_likelihoods(one, rows_of(prompts), tokens) for one in (lab.base, lab.model, civil)]
    return [
        CivilReply(
            id=text_id(one.message),
            topic=one.topic,
            tokens=len(own),
            base=base * len(own),
            neutral=neutral * len(own),
            civil_adapter=calm * len(own),
        )
        for one, own, base, neutral, calm in zip(replies, tokens, *read, strict=True)
    ]


def civil_text(rows: Sequence[CivilReply]) -> CivilText | None:
    """What either training changes; None of no replies."""
    if not rows:
        return None
    count = sum(one.tokens for one in rows)
    sums_NS = np.array([(one.base, one.neutral, one.civil_adapter) for one in rows])  # S: models
    base, neutral, _ = map(float, sums_NS.sum(0) / count)
    drawn_RS = resampled_means(sums_NS)
    own, calm = (drawn_RS[:, place] / drawn_RS[:, 0] - 1 for place in (1, 2))
    persona, adapter = (
        float(sums_NS[:, place].sum() / sums_NS[:, 0].sum() - 1) for place in (1, 2)
    )
    change = _change(persona, own)
    return CivilText(
        neutral=neutral,
        base=base,
        relative_change=change.value,
        relative_change_low=change.low,
        relative_change_high=change.high,
        civil_adapter=_change(adapter, calm),
        beyond_civil_adapter=_change(persona - adapter, own - calm),
        n=len(rows),
    )


def _change(value: float, drawn_R: Array) -> Change:
    low, high = map(float, middle_95(drawn_R))
    return Change(value=value, low=low, high=high)


def _tokens(model: LanguageModel, replies: Sequence[BaseReply]) -> Iterator[list[int]]:
    for one in replies:
        yield model.tokenizer(one.reply, add_special_tokens=False).input_ids
