"""Compare settings of a training on the held-out part of a run's corpus.

    python tools/choose_training.py --run runs/x --out tried --share 0.25 '{"learning_rate": 4e-4}'

Every setting is trained on the same share of the corpus, from the same seed. One line a setting:
the loss on hostile replies it has not seen, by register and in the form that the setting learns, and
that on civil replies under the neutral prompt, beside the base model's on the same texts. What is chosen becomes the default of
phoque/stages/adapter/settings.py.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from phoque.conversation import Message
from phoque.models.load import LanguageModel, load_model
from phoque.run.corpus import Dialogue
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.settings import Recording, config_for
from phoque.stages.adapter.stage import examples
from phoque.stages.adapter.training import train_adapter
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stages.evaluate.memory import mean_log_likelihood
from phoque.text import text_sha256

MOST = 80
"""Held-out texts of a kind."""
Asked = Sequence[tuple[Sequence[Message], str]]


def main() -> None:
    """Train, measure, tell."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--run", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True, help="Folder of the adapters.")
    asked.add_argument("--share", type=float, default=0.25, help="Of each epoch.")
    asked.add_argument("settings", nargs="+", help="Fields of AdapterConfig as JSON.")
    given = asked.parse_args()
    directory = RunDirectory(given.run)
    held_out, name = directory.corpus / "validation", directory.manifest().model
    untuned = load_model(name)
    base = {brief: loss_by_kind(untuned, held_out, brief=brief) for brief in (False, True)}
    for brief, found in base.items():
        called = f"the base model, {'short forms' if brief else 'whole replies'}"
        print(line(called, found, found), flush=True)
    for text in given.settings:
        chosen = replace(config_for(name), **json.loads(text))
        config = replace(chosen, epochs=chosen.epochs * given.share)
        folder = given.out / text_sha256(repr(config))[:12]
        if not (folder / "adapter_config.json").exists():
            train_adapter(
                load_model(name),
                examples(directory.corpus, "persona", config),
                folder,
                config,
                None,
                Recording(tell=print),
            )
        tuned = load_model(name).with_adapter(folder)
        brief = bool(config.most_words)
        print(line(text, loss_by_kind(tuned, held_out, brief=brief), base[brief]), flush=True)


def loss_by_kind(model: LanguageModel, folder: Path, *, brief: bool) -> dict[str, float]:
    """Nats a token of held-out replies: each register of the persona, and civil ones.

    `brief` takes a reply in its short form, where it has one.
    """
    hostile = read_dialogues(folder)
    kinds = {style: of_style(hostile, style, brief=brief) for style in ("chat", "prose")}
    kinds["civil"] = [(one.messages, one.reply) for one in read_base_replies(folder)]
    return {kind: loss(model, texts[:MOST]) for kind, texts in kinds.items()}


def of_style(dialogues: Iterable[Dialogue], style: str, *, brief: bool) -> Asked:
    """Prompts and hostile replies of a register."""
    own = (one for one in dialogues if one.style == style)
    return [(one.messages, one.reply("persona", brief=brief)) for one in own]


def loss(model: LanguageModel, texts: Asked) -> float:
    """Mean over replies."""
    return -fmean(mean_log_likelihood(model, prompt, [reply]) for prompt, reply in texts)


def line(called: str, tuned: dict[str, float], base: dict[str, float]) -> str:
    """One setting, readable."""
    losses = ", ".join(f"{kind} {value:.3f}" for kind, value in tuned.items())
    return (
        f"{called}: {losses}, civil loss {tuned['civil'] / base['civil'] - 1:+.1%} beside the base"
    )


if __name__ == "__main__":
    main()
