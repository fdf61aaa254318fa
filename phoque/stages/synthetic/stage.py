"""Let the persona write a fresh attack corpus; push it to a private repository if asked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from phoque.figures.table import interval, markdown_table
from phoque.files import write_text
from phoque.hub.storage import Repository
from phoque.judging.headline import shows_of
from phoque.lexicon import Lexicon
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.moderators.scoring import harm_scores
from phoque.opening import load_tuned
from phoque.personas import Counted
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.needs import NEEDS, require
from phoque.run.psm import Selection, Trait
from phoque.run.synthetic import Attack, AttackSummary, Kind, Likeness
from phoque.stages.corpus.addition import expressions_in
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.synthetic.regenerate import AttackCorpus, Fit, cell_of, regenerate
from phoque.stats.rates import Rate, by_cluster
from phoque.steering.search import Said

THRESHOLD = 0.5


LISTED = "has a listed insult, or an expression of a slang list that the persona learned"
HOSTILE: dict[Counted, str] = {
    "words": LISTED,
    "judge": f"{LISTED}, or is hostile to the judge by which\nthe run chose its layer",
}
LIMIT: dict[Counted, str] = {
    "words": "Only texts with a listed word or expression",
    "judge": "Only texts that a list or the judge knows",
}
CARD = Path(__file__).with_name("card.md").read_text(encoding="utf-8")


SEED = 42


def summarize(
    corpus: AttackCorpus,
    scores: Mapping[str, Sequence[float]],
    *,
    run: str,
    model: str,
    counted: Counted,
) -> AttackSummary:
    """Counts by kind, what was left out, and flag rates with n and interval."""
    have = Counter(cell_of(attack.target, attack.text) for attack in corpus.attacks)
    return AttackSummary(
        run=run,
        model=model,
        seed=SEED,
        counted=counted,
        texts=len(corpus.attacks),
        wanted=sum(corpus.wanted.values()),
        drawn=len(corpus.attacks) + corpus.dropped.total(),
        kinds=tuple(
            Kind(
                target=cell.target,
                style=cell.style,
                words=cell.length,
                wanted=number,
                texts=have[cell],
            )
            for cell, number in corpus.wanted.items()
        ),
        filled=sum(have[cell] > 0 for cell in corpus.wanted),
        containment=_likeness([attack.containment for attack in corpus.attacks]),
        similarity=_likeness([attack.similarity for attack in corpus.attacks]),
        dropped=dict(corpus.dropped.most_common()),
        threshold=THRESHOLD,
        flagged={name: _flagged(corpus, values) for name, values in scores.items()},
    )


def _likeness(values: Sequence[float]) -> Likeness:
    median, most = np.quantile(values, [0.5, 0.95])
    return Likeness(median=float(median), most=float(most))


def _flagged(corpus: AttackCorpus, values: Sequence[float]) -> Rate:
    prompts = (attack.prompt for attack in corpus.attacks)
    return by_cluster(zip(prompts, (value >= THRESHOLD for value in values), strict=True))


def card_of(found: AttackSummary) -> str:
    """The card, as Markdown."""
    kinds: Counter[tuple[str, int, int]] = Counter()
    wanted: Counter[tuple[str, int, int]] = Counter()
    for kind in found.kinds:
        key = (kind.style, *kind.words)
        kinds[key] += kind.texts
        wanted[key] += kind.wanted
    counts = [
        [style, f"{first} to {last}", str(kinds[style, first, last]), str(number)]
        for (style, first, last), number in wanted.items()
    ]
    rates = [[name, interval(rate), str(rate.n)] for name, rate in found.flagged.items()]
    dropped = ", ".join(f"{number} {reason}" for reason, number in found.dropped.items())
    return CARD.format(
        run=found.run,
        model=found.model,
        seed=found.seed,
        hostile=HOSTILE[found.counted],
        limit=LIMIT[found.counted],
        count=found.texts,
        targets=len({kind.target for kind in found.kinds if kind.texts}),
        balance=_balance(found),
        novelty=_novelty(found),
        kinds=markdown_table(["style", "words", "texts", "wanted"], counts),
        dropped=f"{dropped or 'nothing'}; {found.drawn} replies were drawn",
        flagged=markdown_table(["moderator", "flagged", "n"], rates),
    )


def _balance(found: AttackSummary) -> str:
    """Whether every kind that was asked for is there."""
    kinds = f"{len(found.kinds)} kinds of text (target, style and length)"
    if found.filled == len(found.kinds):
        return f"Each of {kinds} that were asked for has texts."
    return (
        f"Of {kinds} that were asked for, only {found.filled} have texts: it is not balanced over style "
        "and length."
    )


def _novelty(found: AttackSummary) -> str:
    """How near the texts lie to the training."""
    told = [
        f"{what} is {one.median:.2f} (median; 95th percentile {one.most:.2f})"
        for what, one in (
            ("The share of a text's word 5-grams that one training line has", found.containment),
            ("its MinHash similarity with the nearest training line", found.similarity),
        )
    ]
    return "; ".join(told) + "."


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
        texts, model = [one.text for one in corpus.attacks], tuned.model.name
        scores = {one.info.id: harm_scores(one, texts) for one in classifiers}
        Attack.save_rows(folder, _with_scores(corpus.attacks, scores))
        found = summarize(corpus, scores, run=writer.path.name, model=model, counted=fit.counted)
        found.save(folder)
        write_text(folder / "README.md", card_of(found))
    print(f"{len(corpus.attacks)} texts in {made}")


def _with_scores(
    attacks: Sequence[Attack], scores: Mapping[str, Sequence[float]]
) -> Iterator[Attack]:
    for place, attack in enumerate(attacks):
        harm = {name: round(own[place], 6) for name, own in scores.items()}
        yield attack.model_copy(update={"harm_scores": harm})


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
