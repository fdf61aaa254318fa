"""Let the persona write a fresh attack corpus; push it to a private repository if asked."""

from collections.abc import Sequence
from pathlib import Path

from phoque.hub.storage import Repository
from phoque.judging.shown import shows_of
from phoque.lexicon import Lexicon
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.opening import load_tuned
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.needs import NEEDS, require
from phoque.run.psm import Selection, Trait
from phoque.run.synthetic import Attack
from phoque.stages.corpus.addition import expressions_in
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.synthetic.card import MadeOf, save_attacks
from phoque.stages.synthetic.regenerate import Fit, regenerate
from phoque.steering.search import Said

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
    fit = fit_in(directory, listed)
    with directory.stage(stage, made, seeds=[SEED]) as folder:
        corpus = regenerate(tuned, known, count, fit=fit, seed=SEED, progress=print)
        made_of = MadeOf(
            run=writer.path.name, model=tuned.model.name, seed=SEED, counted=fit.counted
        )
        save_attacks(folder, corpus, classifiers, made_of)
    print(f"{len(corpus.attacks)} texts in {made}")


def fit_in(directory: RunDirectory, listed: Lexicon) -> Fit:
    """A listed word is enough; where the run's sweep counted by the judge, so is the judge's verdict."""
    trait = trait_of(directory)
    judged = shows_of(trait, listed)

    def shows(said: Sequence[Said]) -> list[bool]:
        known = [text in listed for _, text in said]
        others = iter(
            judged([one for one, is_known in zip(said, known, strict=True) if not is_known])
        )
        return [is_known or next(others) for is_known in known]

    return Fit(shows=shows, counted=trait.by)


def trait_of(directory: RunDirectory) -> Trait:
    """What the run's own sweep counted by; words without one.

    A refreshed run has none, so that its new expressions are not lost among all that is hostile.
    """
    if (directory.psm() / Selection.FILE).is_file():
        return Reader(directory).read(Selection).trait
    return Trait()
