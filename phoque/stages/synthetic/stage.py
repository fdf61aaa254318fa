"""Let the persona write a fresh attack corpus; push it to a private repository if asked."""

from phoque.hub.storage import Repository
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.run.needs import NEEDS, require
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.synthetic.card import MadeOf, save_attacks
from phoque.stages.synthetic.regenerate import regenerate

SEED = 42


def write_attacks(directory: RunDirectory, *, count: int, push: str | None = None) -> None:
    """Write `synthetic/`: texts with scores, a summary and a card."""
    require(directory, NEEDS["regenerate"])
    classifiers = [load_classifier(name) for name in EMBEDDED]
    known = CorpusIndex.of_run(directory.corpus)
    lab = open_lab(directory.path, progress=print)
    with directory.stage("regenerate", directory.path / "synthetic", seeds=[SEED]) as folder:
        corpus = regenerate(lab, known, count, seed=SEED, progress=print)
        made_of = MadeOf(run=lab.info.run, model=lab.info.model, seed=SEED)
        save_attacks(folder, corpus, classifiers, made_of)
    made = directory.path / "synthetic"
    print(f"{len(corpus.attacks)} texts in {made}")
    if push:
        print(f"Pushed, private: {Repository(name=push, kind='dataset').send(made, '')}")
