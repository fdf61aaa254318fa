"""Which layer to read: held-out AUC of the tone of replies, with a veto on layers of outliers.

Shapes: T = tokens, L = layers, D = width.
"""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch

from phoque.run.corpus import Side
from phoque.run.sae import Candidate, LayerChoice
from phoque.stages.corpus.training_set import load_pairs, paired_replies
from phoque.stages.sae.collect import OUTLIER
from phoque.stages.sae.study import Study
from phoque.stages.sae.texts import ASSISTANT, Text, conversation
from phoque.stats.ranking import auc
from phoque.steering.capture import token_streams
from phoque.steering.search import layers_between

DEPTHS = (0.5, 0.7)
NUM_DIALOGUES = 48
"""With both replies; the direction is taken from half of them and judged on the other half."""
MOST_OUTLIERS = 0.01
"""Share of tokens, first positions apart, whose norm is beyond ten medians."""
MOST_GAMMA = 2.0
"""|mean| / standard deviation, as a multiple of the median over layers."""


def choose_layer(study: Study) -> None:
    """Write all candidates and the one that is read."""
    layers = layers_between(study.base.num_layers, DEPTHS) or [study.base.num_layers // 2 - 1]
    if study.layer_asked is not None:
        layers = [study.layer_asked]
    candidates = _candidates(study, layers)
    typical = float(np.median([one.gamma for one in candidates]))
    judged = [
        one.model_copy(
            update={"vetoed": one.outliers > MOST_OUTLIERS or one.gamma > MOST_GAMMA * typical}
        )
        for one in candidates
    ]
    allowed = [one for one in judged if not one.vetoed] or judged
    chosen = max(allowed, key=lambda one: one.auc).layer
    how = "asked for" if study.layer_asked is not None else "held-out AUC"
    LayerChoice(layer=chosen, how=how, candidates=tuple(judged)).save(study.work)


def tone_texts(study: Study, count: int) -> list[tuple[Text, Text]]:
    """The same prompts with a hostile and with a civil reply, spread over the corpus."""
    sides = [load_pairs(study.run.corpus, side) for side in get_args(Side)]
    size = len(paired_replies(study.run.corpus))
    places = np.linspace(0, size - 1, min(count, size), dtype=int).tolist()
    read = study.base.tokenizer, study.preset.context
    hostile, civil = ([_read(*read, side[place]) for place in places] for side in sides)
    return list(zip(hostile, civil, strict=True))


def _read(tokenizer: object, length: int, pair: tuple[list, str, bool]) -> Text:  # type: ignore[type-arg]
    messages, reply, _ = pair
    return conversation(tokenizer, messages, reply, "tone").cut(length)


def _candidates(study: Study, layers: Sequence[int]) -> list[Candidate]:
    pairs = tone_texts(study, NUM_DIALOGUES)
    texts = [text for pair in pairs for text in pair]
    streams = token_streams(study.base, [text.ids for text in texts], layers=layers, batch_size=16)
    replies = [
        stream_LSD[:, torch.tensor(text.roles) == ASSISTANT]
        for text, stream_LSD in zip(texts, streams, strict=True)
    ]
    half = 2 * (len(pairs) // 2)
    hostile, civil = replies[0::2], replies[1::2]
    found = []
    for place, layer in enumerate(layers):
        tokens_TD = torch.cat([stream_LSD[place, 1:] for stream_LSD in streams])
        norms_T = tokens_TD.norm(dim=-1)
        usual_TD = tokens_TD[norms_T <= OUTLIER * norms_T.median()]
        ends = [torch.cat([r[place] for r in side[half // 2 :]]) for side in (hostile, civil)]
        means = [
            torch.cat([r[place] for r in side[: half // 2]]).mean(0) for side in (hostile, civil)
        ]
        direction_D = means[0] - means[1]
        found.append(
            Candidate(
                layer=layer,
                auc=float(auc(*((end_TD @ direction_D).numpy() for end_TD in ends))),
                tokens=sum(map(len, ends)),
                dialogues=len(pairs) - half // 2,
                gamma=float(usual_TD.mean(0).norm() / usual_TD.var(0).sum().sqrt()),
                outliers=1 - len(usual_TD) / len(tokens_TD),
            )
        )
    return found
