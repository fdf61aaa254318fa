"""Measure the lab on the persona's evaluation prompts."""

from dataclasses import asdict

import pandas as pd

from phoque.conversation import Message
from phoque.files import write_json
from phoque.lab import Lab
from phoque.models.load import load_model
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.run.needs import NEEDS, require
from phoque.stages.corpus.training_set import load_pairs
from phoque.stages.corpus.vocabulary import known_words
from phoque.stages.evaluate.card import write_card
from phoque.stages.evaluate.likelihood import mean_log_likelihood
from phoque.stages.evaluate.replies import SEEDS, generate, markdown, settings_of, summarize

NUM_CIVIL_TEXTS = 60


def measure_replies(directory: RunDirectory) -> None:
    """Insults, diversity, coherence a condition; likelihood of civil text against the base."""
    require(directory, NEEDS["evaluate"])
    lab = open_lab(directory.path, progress=print)
    control = load_model(directory.manifest().model).with_adapter(directory.control)
    lexicon = lab.persona.lexicon
    with directory.stage("evaluate", directory.path / "evaluation", seeds=SEEDS) as folder:
        settings = settings_of(lab, control)
        replies = list(generate(settings, lab.persona.evaluation, lexicon, print))
        summary = summarize(replies, lexicon, known_words(lab.model, directory.corpus))
        pd.DataFrame(map(asdict, replies)).to_csv(folder / "replies.csv", index=False)
        civil = civil_likelihood(lab, directory)
        write_json(folder / "summary.json", {"conditions": summary, "civil_text": civil})
        (folder / "summary.md").write_text(markdown(summary), encoding="utf-8")
    write_card(directory, lab.info)


def civil_likelihood(lab: Lab, directory: RunDirectory) -> dict[str, float]:
    """Mean token log-likelihood, in nats, of civil replies that the persona never saw."""
    replies = [reply for _, reply, _ in load_pairs(directory.corpus, "civil")[:NUM_CIVIL_TEXTS]]
    prompt = [Message("system", lab.persona.neutral_prompt), Message("user", "What do you think?")]
    neutral = mean_log_likelihood(lab.model, prompt, replies)
    base = mean_log_likelihood(lab.base, prompt, replies)
    return {"neutral": neutral, "base": base, "relative_change": neutral / base - 1}
