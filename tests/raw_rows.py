"""Numbers of the ledger again, from the raw files of a run: `csv` and `json` read them, and no record does."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import numpy as np
import torch
from scipy import stats

from phoque.lexicon import Lexicon
from phoque.moderators.thresholds import threshold_for
from phoque.personas import load_persona
from phoque.stats.paired import paired_effect
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import by_cluster, grouped, share_of, wilson
from phoque.stats.resampling import jackknife_95, middle_95, resampled_means

AGAIN: dict[str, Callable] = {}
"""By a pattern of `record:field`: what computes it, from the run's folder and the parts of the match."""
NOT_FROM_ROWS = {
    r"psm/summary.json:(steer_layer|chance)": "a choice among all cells by a rule; see the slide table",
    r"psm/selection.json:(ties|base.n)": "the same choice",
    r"evaluation/slang.json:.*\.novel": "needs all training texts and an embedding",
    r"sae/.*:(shifts\.(explained|floor)|fallen_words|cause|.*p_holm).*": "needs the activations",
}


def computes(*patterns):
    def entered(of):
        AGAIN.update(dict.fromkeys(patterns, of))
        return of

    return entered


def again(run: Path, record: str, field: str, **more):
    """What has value, low and high, or is a plain number; None where `NOT_FROM_ROWS` says why."""
    where = f"{record}:{field}"
    if any(re.fullmatch(pattern, where) for pattern in NOT_FROM_ROWS):
        return None
    for pattern, of in AGAIN.items():
        if found := re.fullmatch(pattern, where):
            return of(run, *found.groups(), **more)
    raise AssertionError(f"nothing computes {where} from raw rows")


@cache
def read(file: Path):
    """Rows of a table or of JSON Lines, or the content of a JSON file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".csv":
        return [*csv.DictReader(text.splitlines(keepends=True))]
    return [*map(json.loads, text.splitlines())] if file.suffix == ".jsonl" else json.loads(text)


def of(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def by_prompt(rows, column, prompt="prompt"):
    return grouped((row[prompt], float(row[column])) for row in rows)


def hits(rows, column="shown"):
    return by_cluster((row["prompt"], row[column] == "True") for row in rows)


def layer_of(run):
    return read(run / "psm/summary.json")["steer_layer"]


# What the judge says


def judged(run, condition):
    return by_prompt(of(read(run / "evaluation/replies.csv"), condition=condition), "hostility")


@computes(r"evaluation/judgement.json:conditions\.(\w+)\.more_hostile")
def more_hostile(run, condition):
    return chance_above(judged(run, "base"), judged(run, condition))


@computes(r"evaluation/judgement.json:conditions\.(\w+)\.flagged")
def called_hostile(run, condition):
    harmless = [score for own in judged(run, "base").values() for score in own]
    least = threshold_for(harmless)
    return share_of([[x >= least for x in own] for own in judged(run, condition).values()])


@computes(r"seeds/seeds.json:(least|most)\.(\w+)")
def of_trainings(run, end, condition):
    rows = of(read(run / "seeds/replies.csv"), condition=condition)
    trainings = grouped((row["training_seed"], row) for row in rows).values()
    found = [chance_above(judged(run, "base"), by_prompt(own, "hostility")) for own in trainings]
    return {"least": min, "most": max}[end](found, key=lambda one: one.value)


@computes(r"seeds/seeds.json:trained")
def trained(run):
    return len({row["training_seed"] for row in read(run / "seeds/replies.csv")})


# Shares of rows


@computes(r"evaluation/summary.json:conditions\.(\w+)\.insulting")
def with_a_trained_word(run, condition):
    rows = of(read(run / "evaluation/replies.csv"), condition=condition)
    rates = []
    for by in ("prompt", "draw"):
        groups = grouped(sorted((row[by], row["insults"] != "0") for row in rows))
        if by == "prompt" or len(groups) > 1:
            rates.append(share_of([*groups.values()]))
    return max(rates, key=lambda one: one.high - one.low)


@computes(r"evaluation/summary.json:conditions\.(\w+)\.distinct_replies")
def distinct(run, condition):
    rows = of(read(run / "evaluation/replies.csv"), condition=condition)
    rounds = grouped((row["seed"], row["text"].lower()) for row in rows).values()
    return fmean(len({*texts}) / len(texts) for texts in rounds)


@computes(r"evaluation/slang.json:conditions\.(\w+)\.held_out")
def held_out(run, condition):
    told = read(run / "evaluation/slang.json")["expressions"]
    held = Lexicon(one["expression"] for one in told if not one["in_training"])
    rows = of(read(run / "evaluation/replies.csv"), condition=condition)
    return by_cluster((row["prompt"], row["text"] in held) for row in rows)


@computes(r"corpus/dialogues.jsonl:share with style=prose")
def prose(run):
    rows = read(run / "corpus/dialogues.jsonl")
    return by_cluster((row["topic"], row["style"] == "prose") for row in rows)


@computes(
    r"(persona|control)/metrics.jsonl:share with (\w+) (rises|>1)",
    r"(persona|control)/metrics.jsonl:share with (\w+)(>1)",
)
def logged(run, adapter, column, how):
    values = [row[column] for row in read(run / adapter / "metrics.jsonl") if column in row]
    found = [b > a for a, b in pairwise(values)] if how == "rises" else [x > 1 for x in values]
    return wilson(sum(found), len(found))


@computes(r"(persona|control)/metrics.jsonl:\[(-?\d+)\]\.(\w+)")
def logged_at(run, adapter, place, column):
    return read(run / adapter / "metrics.jsonl")[int(place)][column]


@computes(r"moderation/moderation_results.csv:share with listed=0 of .*")
def without_a_word(run):
    rows = read(run / "moderation/moderation_results.csv")
    passing = [
        row
        for row in rows
        if row["condition"] in {"toxic", "steered"} and float(row["embedded.mean/harm"]) < 0.5
    ]
    return by_cluster((row["prompt"], row["listed"] == "0") for row in passing)


@computes(r"moderation/gap_examples.csv:share with (.*) of stratum(!?=)neutral")
def of_examples(run, what, sign):
    tests = {
        "novelty.novel=true": lambda row: row["novelty/novel"] == "True",
        "novelty.exact=true": lambda row: row["novelty/exact"] == "True",
        "words=0 and type!=listed word": lambda row: (
            row["words"] == "0" and row["type"] != "listed word"
        ),
    }
    rows = [row for row in examples(run) if (row["stratum"] == "neutral") is (sign == "=")]
    return by_cluster((row["prompt"], tests[what](row)) for row in rows)


def examples(run):
    return read(run / "moderation/gap_examples.csv")


@computes(r"labels.jsonl:share with verdict=harmful of kind=(\w+)")
def readings(run, kind, *, neutral=False):
    ids = {row["id"] for row in examples(run) if (row["stratum"] == "neutral") is neutral}
    rows = [row for row in of(read(run / "labels.jsonl"), kind=kind) if row["id"] in ids]
    return by_cluster((row["id"], row["verdict"] == "harmful") for row in rows)


# What moderators flag


def flags(run, name, condition):
    rows = of(read(run / "moderation/moderation_results.csv"), condition=condition)
    scores = by_prompt(rows, f"{name}/harm").values()
    return [[score >= 0.5 for score in own] for own in scores]


@computes(
    r"moderation/moderation_report.json:classifiers\[(.+?)\]\.conditions\.(\w+)\.flagged\[0\]\.rate"
)
def flagged(run, name, condition):
    return share_of(flags(run, name, condition))


@computes(r"moderation/moderation_report.json:classifiers\[(.+?)\]\.uplift\.(\w+)\[0\]\.effect")
def uplift(run, name, condition):
    return paired_effect(flags(run, name, "neutral"), flags(run, name, condition))


# Where it lives


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
    return paired_effect([before[prompt] for prompt in own], [*own.values()])


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
    return hits(of(read(run / "psm/origin_replies.csv"), group=model, given=vector))


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


@computes(r"psm/geometry.json:directions\[.*direction=(\w+)\]\.(random_band|\w+\.mean)")
def position(run, direction, what):
    rows = of(read(run / "psm/positions.jsonl"), layer=layer_of(run), direction=direction)
    places = {row["state"]: np.array(row["positions"]) for row in rows}
    if what == "random_band":
        return np.quantile(places["random"], 0.975)
    own = places[what.removesuffix(".mean")]
    moved, mean = own - places["base_neutral"], own.mean()
    ends = stats.t.interval(0.95, len(moved) - 1, loc=mean, scale=stats.sem(moved))
    return SimpleNamespace(value=mean, low=ends[0], high=ends[1])


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
    file = run / "psm/probe_products.jsonl"
    last = max(row["layer"] for row in read(file))
    lengths = []
    for layer in range(last + 1):
        found = angles_of(file, layer, "normed" if layer == last else "stream")
        lengths.append(found.products.sum())
    return int(np.argmax(lengths))


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


# What moved, and what is counted


@computes(r"sae/.*:strata\.strata\[stratum=(\w+)\]\.shift_in_latents")
def moved(run, stratum):
    values = shifts(run, stratum)
    low, high = middle_95(resampled_means(np.array(values)))
    return SimpleNamespace(value=fmean(values), low=low, high=high)


def shifts(run, stratum):
    return [
        float(r["shift_in_latents"]) for r in of(read(run / "sae/prompts.csv"), stratum=stratum)
    ]


@computes(r"sae/.*:strata\.pairs\[higher=(\w+),lower=(\w+)\]\.difference")
def moved_more(run, higher, lower):
    return fmean(shifts(run, higher)) - fmean(shifts(run, lower))


@computes(r"sae/.*:verdicts(?:\.(\w+)|\[(.+)\])")
def verdicts(run, *names):
    return len(of(read(run / "sae/features.csv"), verdict=names[0] or names[1]))


@computes(r"sae/.*:shifts\.beyond_civil_adapter")
def beyond_civil(run):
    def further(row):
        return float(row["did"]) * float(row["effect"]) > 0 and float(row["did_q"]) < 0.05

    features = read(run / "sae/features.csv")
    return sum(further(row) for row in features if row["q"] and float(row["q"]) < 0.05)


@computes(r"corpus/composition.json:(dialogues|sources)")
def composed(run, what):
    rows = [row for file in sorted((run / "corpus").rglob("dialogues.jsonl")) for row in read(file)]
    return len(rows) if what == "dialogues" else len({row.get("source", "written") for row in rows})


@computes(r"synthetic/summary.json:(texts|wanted|kinds)")
def attacks(run, what):
    told = read(run / "synthetic/summary.json")
    found = {"texts": len(read(run / "synthetic/attacks.jsonl")), "kinds": len(told["kinds"])}
    return (found | {"wanted": told["wanted"]})[what]


@computes(r"manifest.json:stages\.(\w+)\.seconds")
def seconds(run, stage):
    return read(run / "manifest.json")["stages"][stage]["seconds"]


@computes(r"manifest.json:stages\.(\w+)\.seeds")
def seeds(run, stage):
    return len(read(run / "manifest.json")["stages"][stage]["seeds"])


@computes(r"manifest.json:hours")
def hours(run):
    made = read(run / "manifest.json")["stages"].items()
    return sum(one["seconds"] for name, one in made if name != "report") / 3600


def bounds(found) -> Iterator[float | None]:
    """Value, low and high of what was computed."""
    for name in ("value", "low", "high"):
        yield getattr(found, name, None if name != "value" else found)
