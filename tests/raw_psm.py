"""Numbers again: where the persona lives."""

import zlib
from dataclasses import dataclass
from statistics import fmean
from types import SimpleNamespace

import numpy as np
import torch
from scipy import stats

from phoque.personas import load_persona
from phoque.stats.paired import paired_effect
from phoque.stats.rates import by_cluster, grouped, share_of
from phoque.stats.resampling import jackknife_95, middle_95
from tests.raw_files import by_prompt, computes, hits, layer_of, of, read


def written(run, condition):
    return of(read(run / "psm/generation_results.csv"), condition=condition)


@computes(r"psm/conditions.json:conditions\.(\w+)\.insulting")
def shown(run, condition):
    groups = grouped((row["prompt_id"], row["shown"] == "True") for row in written(run, condition))
    return share_of([*groups.values()])


@computes(r"psm/conditions.json:conditions\.(\w+)\.(\w+)\.effect")
def added(run, condition, column):
    own = by_prompt(written(run, condition), column, "prompt_id")
    before = by_prompt(written(run, "neutral"), column, "prompt_id")
    most = float(column in {"toxic_word_rate", "repeated_3grams"})  # shares differ by 1 at most
    return paired_effect([before[prompt] for prompt in own], [*own.values()], most=most)


@computes(r"psm/conditions.json:conditions\.(\w+)\.collapsed")
def collapsed(run, condition):
    """By repetition, likelihood or compression."""
    texts = [row["response"].encode() for row in written(run, condition)]
    sizes = [len(zlib.compress(text, 9)) / len(text) if text else 1.0 for text in texts]
    repeats = added(run, condition, "repeated_3grams").low > 0.1
    unlikely = added(run, condition, "base_nats").high < -3
    return float(repeats or unlikely or fmean(sizes) < 0.4)


@computes(r"psm/selection.json:layers\[layer=\$(psm\.summary\.\w+)\]\.best\.trait")
def best_of_layer(run, named):
    """None where the sweep did not keep what its judge saw."""
    layer = read(run / "psm/summary.json")[named.rpartition(".")[2]]
    [told] = of(read(run / "psm/selection.json")["layers"], layer=layer)
    rows = [
        row
        for row in read(run / "psm/sweep_replies.csv")
        if (int(row["layer"]), float(row["dose"])) == (layer, told["best"]["dose"])
    ]
    if not rows[0].get("shown"):
        return None
    return by_cluster((row["prompt"], row["shown"] == "True") for row in rows)


@computes(r"psm/antidote.json:remedies\[0\]\.(\w+)\.trait")
def untreated(run, prompt):
    return hits(of(read(run / "psm/antidote_replies.csv"), group=prompt, given="none"))


@computes(r"psm/confounds.json:strongest_prompt\.insulting_by_prompt")
def strongest_prompt(run):
    rows = of(read(run / "psm/confound_replies.csv"), group="prompt")
    styles = grouped((row["given"], row) for row in rows).values()
    return max(map(hits, styles), key=lambda one: one.value)


@computes(r"psm/origin.json:effects\.(\w+)\.(\w+)")
def carried(run, model, vector):
    rows = of(read(run / "psm/origin_replies.csv"), group=model, given=vector)
    found = [hits(rows)]
    if (
        len({row.get("draw", "0") for row in rows}) > 1
    ):  # a run that was made before has no such column
        found.append(by_cluster((row["draw"], row["shown"] == "True") for row in rows))
    return max(found, key=lambda one: one.high - one.low)


def odds(run, condition):
    rows = of(read(run / "psm/agreement.csv"), condition=condition)
    return [(row["kind"], float(row["agree"]) - float(row["disagree"])) for row in rows]


@computes(r"psm/bias_loop.json:conditions\.(\w+)\.(effect|log_odds)")
def agreeing(run, condition, what):
    after = [[value] for _, value in odds(run, condition)]
    before = [[value] for _, value in odds(run, "neutral")]
    return paired_effect(before if what == "effect" else [[0.0]] * len(after), after)


@computes(r"psm/bias_loop.json:conditions\.(\w+)\.by_kind\.(\w+)")
def agreeing_with(run, condition, kind):
    after = [[value] for own, value in odds(run, condition) if own == kind]
    return paired_effect([[0.0]] * len(after), after)


@computes(
    r"psm/geometry.json:directions\[.*direction=(\w+)\]\.(random_band|\w+\.(?:mean|low|high))"
)
def position(run, direction, what):
    rows = of(read(run / "psm/positions.jsonl"), layer=layer_of(run), direction=direction)
    places = {row["state"]: np.array(row["positions"]) for row in rows}
    if what == "random_band":
        return np.quantile(places["random"], 0.975)
    state, end = what.split(".")
    own = places[state]
    moved, mean = own - places["base_neutral"], own.mean()
    low, high = stats.t.interval(0.95, len(moved) - 1, loc=mean, scale=stats.sem(moved))
    found = SimpleNamespace(value=mean, low=low, high=high)
    return found if end == "mean" else getattr(found, end)


# Angles, from scalar products


@dataclass(frozen=True)
class Angles:
    """Scalar products of vectors: `inner(a, b)` of two weighted sums of them."""

    rows: list
    products: np.ndarray

    def inner(self, a, b):
        return (a @ self.products * b).sum(-1)

    def cosine(self, a, b):
        return self.inner(a, b) / np.sqrt(self.inner(a, a) * self.inner(b, b))

    def where(self, name):
        """Weights of the mean over everything of one name."""
        own = np.array([row["of"] == name for row in self.rows], float)
        return own / own.sum()


def angles_of(file, layer, name=None):
    rows = [row for row in of(read(file), layer=layer) if name in (None, row["of"])]
    whole = np.zeros((len(rows), len(rows)))
    for place, row in enumerate(rows):
        whole[place, : place + 1] = whole[: place + 1, place] = row["products"]
    return Angles(rows, whole)


@computes(r"psm/reliability.json:layers\[.*\]\.(split_half|null)")
def halves(run, what):
    found = angles_of(run / "psm/probe_products.jsonl", layer_of(run), "stream")
    n, half, drawn = len(found.rows), len(found.rows) // 2, torch.Generator().manual_seed(42)
    plain, swapped = np.ones(half), np.where(np.arange(half) % 2, -1.0, 1.0)
    swapped[2 * (half // 2) :] = 0
    cosines = {}
    for name, signs in (("split_half", plain), ("null", swapped)):
        order = torch.rand(500, n, generator=drawn).argsort(1).numpy()
        one, other = np.zeros((500, n)), np.zeros((500, n))
        np.put_along_axis(one, order[:, :half], signs[None], 1)
        np.put_along_axis(other, order[:, half : 2 * half], signs[None], 1)
        cosines[name] = found.cosine(one, other)
    low, middle, high = np.quantile(cosines["split_half"], [0.025, 0.5, 0.975])
    if what == "null":
        return np.quantile(cosines["null"], 0.975)
    return SimpleNamespace(value=middle, low=low, high=high)


@computes(r"psm/summary.json:classic_layer")
def tallest_layer(run):
    return int(np.argmax(deltas(run)))


@computes(r"psm/activation_by_layer.json:(tall|tallest_to_median)")
def stands_out(run, what):
    found = deltas(run)
    return sum(2 * found >= max(found)) if what == "tall" else max(found) / np.median(found)


def deltas(run):
    """Length of the summed difference at every layer, the last after the final norm."""
    file = run / "psm/probe_products.jsonl"
    last = max(row["layer"] for row in read(file))
    kinds = ["stream"] * last + ["normed"]
    return np.sqrt([angles_of(file, *one).products.sum() for one in enumerate(kinds)])


@computes(r"opposites/opposites.json:base\[.*\]\.(cosine|shuffled|lowest_other)")
def angle(run, what):
    found = angles_of(run / "opposites/probe_products.jsonl", layer_of(run))
    first, second, *others = dict.fromkeys(row["of"] for row in found.rows)
    one, other = found.where(first), found.where(second)
    if what == "lowest_other":
        return min(found.cosine(one, found.where(name)) for name in others)
    if what == "shuffled":
        n = int((other > 0).sum())
        signs = np.ones(n, np.float32)
        signs[: n // 2] = -1
        swaps = np.zeros((1000, len(other)))
        swaps[:, other > 0] = np.random.default_rng(42).permuted(np.tile(signs, (1000, 1)), axis=1)
        drawn = found.cosine(one, swaps)
        low, high = middle_95(drawn)
        return SimpleNamespace(value=np.median(drawn), low=low, high=high)
    value = found.cosine(one, other)
    without = np.array(
        [
            found.cosine(_left_out(one, place), _left_out(other, place))
            for place in range(int((one > 0).sum()))
        ]
    )
    low, high = jackknife_95(value, without)
    return SimpleNamespace(value=value, low=max(-1, low), high=min(1, high))


def _left_out(weights, place):
    """Weights without one of those that count."""
    left = weights.copy()
    left[np.flatnonzero(weights)[place]] = 0
    return left


@computes(
    r"opposites/opposites.json:strongest\[vector=(\w+),minus=True,receiver=(\w+)\]\.(shows|random)\.(\w+)"
)
def transplanted(run, vector, receiver, side, persona):
    told = read(run / "opposites/opposites.json")
    [best] = of(told["strongest"], vector=vector, minus=True, receiver=receiver)
    given = (vector, best["dose"]) if side == "shows" else ("random_vector", -best["dose"])
    trait, lexicon = told["traits"][persona], load_persona(persona).lexicon
    by_judge = trait["by"] == "judge"
    return by_cluster(
        (
            row["prompt"],
            float(row["hostility"]) >= trait["threshold"] if by_judge else row["reply"] in lexicon,
        )
        for row in of(read(run / "opposites/replies.csv"), receiver=receiver, vector=given[0])
        if float(row["dose"]) == given[1] and int(row["layer"]) == told["layers"][vector]
    )
