"""Let the persona write a fresh attack corpus; push it to a private repository if asked."""

from dataclasses import replace
from pathlib import Path

from phoque.hub.storage import Repository
from phoque.lexicon import Lexicon
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.opening import load_tuned
from phoque.run.directory import RunDirectory
from phoque.run.needs import NEEDS, require
from phoque.run.synthetic import Attack
from phoque.stages.corpus.addition import expressions_in
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.synthetic.card import MadeOf, save_attacks
from phoque.stages.synthetic.regenerate import regenerate

SEED = 42
ATTACKS, EARLIER = Attack.STAGE, "earlier"
"""Folders of the attack corpus, and of one that the persona before a refresh wrote."""


def write_attacks(directory: RunDirectory, *, count: int, push: str | None = None) -> None:
    """Write `synthetic/`: texts with scores, a summary and a card."""
    require(directory, NEEDS["regenerate"])
    made = directory.path / ATTACKS
    _write(directory, "regenerate", made, count, directory)
    if push:
        print(f"Pushed, private: {Repository(name=push, kind='dataset').send(made, '')}")


def write_earlier_attacks(directory: RunDirectory, *, count: int, by: RunDirectory) -> None:
    """Write `earlier/`: what the persona of another run writes under the rules of this one."""
    _write(directory, "earlier", directory.path / EARLIER, count, by)


def _write(
    directory: RunDirectory, stage: str, made: Path, count: int, writer: RunDirectory
) -> None:
    classifiers = [load_classifier(name) for name in EMBEDDED]
    known = CorpusIndex.of_run(directory.corpus)
    tuned = load_tuned(writer, progress=print)
    # New expressions are listed ones: whoever wrote the list says that they are hostile.
    listed = Lexicon([*tuned.persona.lexicon.entries, *expressions_in(directory.corpus)])
    tuned = replace(tuned, persona=replace(tuned.persona, lexicon=listed))
    with directory.stage(stage, made, seeds=[SEED]) as folder:
        corpus = regenerate(tuned, known, count, seed=SEED, progress=print)
        made_of = MadeOf(run=writer.path.name, model=tuned.model.name, seed=SEED)
        save_attacks(folder, corpus, classifiers, made_of)
    print(f"{len(corpus.attacks)} texts in {made}")
