"""What a dictionary is trained on, and the training: one a seed, and one with a frozen decoder.

Both kinds of reply are read by the base model: if insults never occurred, no latent could stand for
them. Everything is there after set-up; nothing is downloaded.
"""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from pydoc_data import topics
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phoque.conversation import Message, Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, rows_at_once, write
from phoque.models.structure import layers_path
from phoque.run.corpus import Side
from phoque.run.sae import Source
from phoque.settings import Part, Texts, read_settings
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stages.sae.autoencoder import Facts, SparseAutoencoder, calibrated
from phoque.stages.sae.collect import (
    Activations,
    Text,
    collect,
    conversation,
    load_activations,
    plain,
)
from phoque.stages.sae.study import Study
from phoque.stages.sae.train import Scaling, TrainConfig, train

ASKS = Path(__file__).parent / "asks.yaml"
WRITING = Sampling(max_new_tokens=96, temperature=1.0, top_p=0.95)
HELD_OUT = 0.1
"""Tokens that are held out, as a share of those that are trained on."""


OURS, MODELS = "Apache-2.0 (this project)", "Apache-2.0 (the model's own text)"
PYTHON = "the language reference that comes with Python (pydoc_data.topics)"
SOURCES = (
    Source("hostile replies", 0.22, OURS, "dialogues of the run's corpus with the hostile reply"),
    Source("civil replies", 0.18, OURS, "the same dialogues with the civil reply"),
    Source("base replies", 0.20, MODELS, "neutral conversations of the run's corpus"),
    Source("python reference", 0.20, "PSF-2.0", PYTHON),
    Source("written", 0.20, MODELS, "answers of the base model to 20 forms about 50 subjects"),
)
OWN = Source("own text", 0.0, "the user's", "files given with --text")


def collected_texts(study: Study) -> list[Text]:
    """Enough text for training and holding out, in a random order.

    Sources that have less than their share are made up for by what the model writes.
    """
    wanted = int(study.preset.tokens * (1 + HELD_OUT) * 1.03)  # some tokens will be masked
    texts = [*_own(study)]
    for source in SOURCES[:-1]:
        texts += _up_to(_ready(study, source.name), int(source.share * wanted))
    missing = wanted - sum(len(text.ids) for text in texts)
    texts += _up_to(_written(study), missing)
    random.Random(0).shuffle(texts)
    return texts


def _own(study: Study) -> Iterator[Text]:
    for path in study.text_files:
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PhoqueError(f"Cannot read the text file {path}: {error}.") from error
        yield from plain(study.base.tokenizer, content, OWN.name, study.preset.context)


def _ready(study: Study, name: str) -> Iterator[Text]:
    """The texts of a source in a random order."""
    tokenizer, length, chance = study.base.tokenizer, study.preset.context, random.Random(1)
    if name == "python reference":
        found = plain(tokenizer, "\n\n".join(topics.topics.values()), name, length)
        chance.shuffle(found)
        yield from found
        return
    if name == "base replies":
        own = [(one.messages, one.reply) for one in read_base_replies(study.run.corpus)]
    else:
        side: Side = "persona" if name == "hostile replies" else "civil"
        own = [(one.messages, one.reply(side)) for one in read_dialogues(study.run.corpus)]
    chance.shuffle(own)
    for messages, reply in own:
        yield conversation(tokenizer, messages, reply, name).cut(length)


def _written(study: Study) -> Iterator[Text]:
    """What the base model writes, asked again with other seeds as long as text is wanted."""
    asks, system = _asks()
    base, name, length = study.base, SOURCES[-1].name, study.preset.context
    size = rows_at_once(base)
    for start in count(step=size):
        users = [asks[(start + place) % len(asks)] for place in range(size)]
        prompts = [[Message("system", system), Message("user", user)] for user in users]
        rows = [Row(messages=p, seed=start + place) for place, p in enumerate(prompts)]
        for prompt, reply in zip(prompts, write(base, rows, WRITING), strict=True):
            if text := reply.text.strip():
                yield conversation(base.tokenizer, prompt, text, name).cut(length)
        study.progress(f"sae: {start + size} texts written")


class _Asks(Part):
    system: str
    forms: Texts
    subjects: Texts


def _asks() -> tuple[list[str], str]:
    read = read_settings(ASKS, _Asks)
    asks = [form.replace("{subject}", one) for form in read.forms for one in read.subjects]
    random.Random(2).shuffle(asks)
    return asks, read.system


def _up_to(texts: Iterator[Text], tokens: int) -> list[Text]:
    taken: list[Text] = []
    for text in texts:
        if tokens <= 0:
            break
        taken.append(text)
        tokens -= len(text.ids)
    return taken


BLOCK = 4096
"""Rows that are read from disk together."""


def shuffled_batches(
    rows_TD: np.ndarray[Any, Any], batch_size: int, *, buffer_tokens: int, seed: int
) -> Iterator[Tensor]:
    """Every row once, in batches_BD of fp32; a last incomplete batch is left out.

    Blocks are read in a random order into a buffer that is shuffled whenever it is full; half of it
    stays and mixes with what comes next.
    """
    random = np.random.default_rng(seed)
    starts = [*random.permutation(np.arange(0, len(rows_TD), BLOCK))]
    kept_TD = rows_TD[:0]
    while starts:
        blocks = [kept_TD]
        while starts and sum(map(len, blocks)) < buffer_tokens:
            start = starts.pop()
            blocks.append(rows_TD[start : start + BLOCK])
        buffer_TD = np.concatenate(blocks)
        buffer_TD = buffer_TD[random.permutation(len(buffer_TD))]
        ready = len(buffer_TD) // 2 if starts else len(buffer_TD)
        ready -= ready % batch_size
        for first in range(0, ready, batch_size):
            yield torch.from_numpy(buffer_TD[first : first + batch_size]).float()
        kept_TD = buffer_TD[ready:]


FROZEN = "frozen"
SAMPLE = 50_000
"""Rows that tell mean and scale."""
THRESHOLD_ROWS = 20_000
"""Most rows that the threshold is calibrated on."""


def collect_activations(study: Study) -> None:
    """Write the activations of the chosen layer."""
    texts = collected_texts(study)
    collect(study.base, texts, study.layer, study.preset.tokens, study.work)


def train_dictionary(study: Study, seed: int, *, frozen: bool = False) -> None:
    """Train, calibrate on the first half of the held-out rows, and save one dictionary."""
    preset, activations = study.preset, load_activations(study.work)
    config = TrainConfig(
        d_sae=preset.d_sae,
        k=preset.k,
        epochs=preset.epochs,
        steps_per_epoch=preset.tokens // preset.batch_size,
        seed=seed,
        freeze_decoder=frozen,
    )

    def batches(epoch: int) -> Iterator[Tensor]:
        size, buffer = preset.batch_size, preset.buffer_tokens
        shuffle = 1000 * seed + epoch
        return shuffled_batches(activations.train_TD, size, buffer_tokens=buffer, seed=shuffle)

    scaling = Scaling.of(torch.from_numpy(np.array(activations.train_TD[:SAMPLE])).float())
    sae, losses = train(config, scaling, batches, study.base.device)
    first_half = activations.held_out_TD()[: min(preset.tokens // 20, THRESHOLD_ROWS)]
    folder = dictionary_folder(study, None if frozen else seed)
    calibrated(sae, first_half, preset.k).save(
        folder, metadata(study, activations) | {"seed": seed, "loss": losses[-1]}
    )


def dictionary(study: Study, seed: int | None = None) -> SparseAutoencoder:
    """The dictionary of a seed; None is the one with the frozen random decoder."""
    return SparseAutoencoder.load(dictionary_folder(study, seed))


def dictionary_folder(study: Study, seed: int | None) -> Path:
    """Where a dictionary is while the stage is not complete."""
    return study.work / (FROZEN if seed is None else f"seed-{seed}")


def metadata(study: Study, activations: Activations) -> Facts:
    """What SAELens keeps beside the weights, and where the activations come from."""
    path = layers_path(study.base.model)
    return {
        "model_name": study.base.name,
        "hook_name": f"blocks.{study.layer}.hook_resid_post",
        "hf_hook_name": f"{path}.{study.layer}",
        "model_class_name": type(study.base.model).__name__,
        "context_size": study.preset.context,
        "prepend_bos": False,
        "dataset_path": "phoque: " + ", ".join(activations.facts.sources),
        "model_digest": study.base.digest(),
        "preset": study.preset.name,
        "train_tokens": activations.facts.train_tokens,
        "k": study.preset.k,
        "median_norm": activations.facts.median_norm,
        "norm_limit": activations.facts.limit,
        "first_position_masked": True,
    }
