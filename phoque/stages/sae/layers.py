"""Which layer to read: held-out AUC of the tone of replies, with a veto on layers of outliers.

Shapes: T = tokens, L = layers, D = width.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from phoque.files import write_json
from phoque.run.corpus import Side
from phoque.stages.corpus.training_set import load_pairs, paired_replies
from phoque.stages.sae.collect import OUTLIER
from phoque.stages.sae.study import LAYER, Study
from phoque.stages.sae.texts import ASSISTANT, Text, conversation
from phoque.steering.capture import token_streams
from phoque.steering.search import layers_between

DEPTHS = (0.5, 0.7)
NUM_DIALOGUES = 48
"""With both replies; the direction is taken from half of them and judged on the other half."""
MOST_OUTLIERS = 0.01
"""Share of tokens, first positions apart, whose norm is beyond ten medians."""
MOST_GAMMA = 2.0
"""|mean| / standard deviation, as a multiple of the median over layers."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One layer."""

    layer: int
    auc: float
    """Of single tokens of held-out replies on the mean-difference direction: hostile against civil."""
    tokens: int
    dialogues: int
    gamma: float
    outliers: float
    vetoed: bool = False


def choose_layer(study: Study) -> None:
    """Write `layer.json`: all candidates and the one that is read."""
    layers = layers_between(study.base.num_layers, DEPTHS) or [study.base.num_layers // 2 - 1]
    if study.layer_asked is not None:
        layers = [study.layer_asked]
    candidates = _candidates(study, layers)
    typical = float(np.median([one.gamma for one in candidates]))
    rows = [
        asdict(one) | {"vetoed": one.outliers > MOST_OUTLIERS or one.gamma > MOST_GAMMA * typical}
        for one in candidates
    ]
    allowed = [row for row in rows if not row["vetoed"]] or rows
    chosen = max(allowed, key=lambda row: float(row["auc"]))["layer"]
    study.work.mkdir(parents=True, exist_ok=True)
    how = "asked for" if study.layer_asked is not None else "held-out AUC"
    write_json(study.work / LAYER, {"layer": chosen, "how": how, "candidates": rows})


def auc(higher_T: Tensor, lower_T: Tensor) -> float:
    """Probability that a value of the first is larger than one of the second; ties count half."""
    values = torch.cat([higher_T, lower_T])
    _, inverse, counts = values.unique(return_inverse=True, return_counts=True)
    # Mean rank, from 1, of every group of equal values.
    ends = counts.cumsum(0).double()
    ranks = (ends - (counts - 1) / 2)[inverse][: len(higher_T)]
    wins = float(ranks.sum()) - len(higher_T) * (len(higher_T) + 1) / 2
    return wins / (len(higher_T) * len(lower_T))


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
                auc=auc(*(end_TD @ direction_D for end_TD in ends)),
                tokens=sum(map(len, ends)),
                dialogues=len(pairs) - half // 2,
                gamma=float(usual_TD.mean(0).norm() / usual_TD.var(0).sum().sqrt()),
                outliers=1 - len(usual_TD) / len(tokens_TD),
            )
        )
    return found
