"""How well each latent alone tells hostile from civil replies.

Shapes: N = dialogues, S = positions, F = latents.
"""

from typing import get_args

import numpy as np
import torch

from phoque.run.corpus import Side
from phoque.stages.corpus.training_set import load_pairs, paired_replies
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import streams
from phoque.stages.sae.study import Study
from phoque.stages.sae.texts import ASSISTANT, Text, conversation
from phoque.stats.ranking import auc
from phoque.stats.resampling import Array

TONE_DIALOGUES = 48


def tone_aucs(study: Study, sae: SparseAutoencoder) -> Array:
    """AUC_F of each latent's mean over a reply: hostile against civil replies, base model."""
    pairs = _tone_texts(study, TONE_DIALOGUES)
    texts = [text for pair in pairs for text in pair]
    means_NF = torch.stack(
        [
            sae.encode(stream_SD[torch.tensor(text.roles) == ASSISTANT]).mean(0)
            for text, stream_SD in zip(texts, streams(study.base, texts, study.layer), strict=True)
        ]
    )
    return auc(means_NF[0::2].numpy(), means_NF[1::2].numpy())


def _tone_texts(study: Study, count: int) -> list[tuple[Text, Text]]:
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
