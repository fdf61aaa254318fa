"""What the dictionary is trained on: in-domain conversations, plain text, text of the base model.

Both kinds of reply are read by the base model: if insults never occurred, no latent could stand for
them. Everything is there after set-up; nothing is downloaded.
"""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from pydoc_data import topics

from phoque.conversation import Message, Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, rows_at_once, write
from phoque.personas.reading import TEXT as A_TEXT
from phoque.personas.reading import TEXTS, read_yaml
from phoque.run.corpus import Side
from phoque.run.sae import Source
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stages.sae.study import Study
from phoque.stages.sae.texts import Text, conversation, plain

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


def _asks() -> tuple[list[str], str]:
    data = read_yaml(ASKS, {"system": A_TEXT, "forms": TEXTS, "subjects": TEXTS})
    asks = [
        form.replace("{subject}", subject) for form in data["forms"] for subject in data["subjects"]
    ]
    random.Random(2).shuffle(asks)
    return asks, data["system"]


def _up_to(texts: Iterator[Text], tokens: int) -> list[Text]:
    taken: list[Text] = []
    for text in texts:
        if tokens <= 0:
            break
        taken.append(text)
        tokens -= len(text.ids)
    return taken
