"""What a latent's direction does when it is added: tried without generating, then by generating.

Directions are added to the persona model at a share of the median residual norm. *Toward* the
persona is with a risen latent and against a fallen one, under the neutral system prompt; *away* is
the opposite, under the hostile one. They compete with random directions, with the unmoved
latents nearest to them in frequency, with the mean difference, and with what no latent expresses, at the same lengths.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize

from phoque.conversation import Message, Messages
from phoque.files import read_json, write_json
from phoque.models.engine import Row, read
from phoque.models.hooks import Injection
from phoque.stages.sae.collect import load_activations
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.generated import DOSES, Direction, Generated
from phoque.stages.sae.readings import REPLIES, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_HOSTILE, SHIFTS, mean_change
from phoque.stages.sae.study import Study
from phoque.stats.multiple import LEVEL

CAUSE = "cause.json"
SCREEN_DOSE = 0.2
SCREEN_PROMPTS = 4
NUM_RANDOM = 8
MEAN, REMAINDER = "mean difference", "R"


def prove_cause(study: Study) -> None:
    """Write `cause.json`: the screen of all candidates, and what the best of them make it write."""
    table = pd.read_csv(study.work / SHIFTS)
    sae = dictionary(study, study.preset.seeds[0])
    median = load_activations(study.work).median_norm
    candidates = candidates_of(table, study.preset.screened)
    directions = [_latent(sae.decoder_FD, row) for row in candidates.to_dict("records")]
    screened = screen(study, directions, median)
    chosen = _chosen(candidates, screened, study.preset.generated)
    by_name = {one.name: one for one in directions}
    rivals = _rivals(study, table, [by_name[name] for name in chosen])
    told = Generated(study, median).run([by_name[name] for name in chosen], rivals)
    write_json(
        study.work / CAUSE,
        {
            "median_norm": median,
            "screen_dose": SCREEN_DOSE,
            "screen": screened,
            "generated": told,
            "frequencies": {
                kind: _frequencies(table, [one.name for one in group])
                for kind, group in (
                    ("tried", [by_name[name] for name in chosen]),
                    ("random latents", rivals["random latents"]),
                )
            },
            "doses": list(DOSES),
        },
    )


def _frequencies(table: pd.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """Share of tokens, in the persona model, on which each is active."""
    known = table.set_index(table["latent"].astype(str))["frequency_tuned"]
    return {name: float(known[name]) for name in names}


def candidates_of(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """The latents that moved, largest effects first, half risen and half fallen where both exist."""
    moved = table[table["q"] < LEVEL].sort_values("effect", key=np.abs, ascending=False)
    risen, fallen = moved[moved["effect"] > 0], moved[moved["effect"] < 0]
    half = count // 2
    return pd.concat([risen.head(max(half, count - len(fallen))), fallen.head(
        max(half, count - len(risen)))]).head(count)  # fmt: skip


def screen(study: Study, directions: Sequence[Direction], median: float) -> dict[str, Any]:
    """Nats a token by which each direction favours the hostile over the calm reply, both signs."""
    random = _random_directions(study.base.width, NUM_RANDOM)
    pairs = _reply_pairs(study)
    plain = _log_odds(study, pairs, [()])[0]
    length, layer = SCREEN_DOSE * median, study.layer
    asked_for = [
        (one.injection(layer, sign * length),)
        for one in [*directions, *random]
        for sign in (1.0, -1.0)
    ]
    moved = [value - plain for value in _log_odds(study, pairs, asked_for)] if asked_for else []
    both = list(zip(moved[0::2], moved[1::2], strict=True))
    null = [value for pair in both[len(directions) :] for value in pair]
    return {
        "prompts": SCREEN_PROMPTS,
        "random": {"low": min(null), "high": max(null), "n": len(null)},
        "latents": {
            one.name: {"toward": toward, "away": away}
            for one, (toward, away) in zip(directions, both, strict=False)
        },
    }


def _latent(decoder_FD: Tensor, row: Mapping[Any, Any]) -> Direction:
    sign = 1.0 if row["effect"] > 0 else -1.0
    return Direction(name=str(row["latent"]), unit_D=decoder_FD[int(row["latent"])], sign=sign)


def _random_directions(width: int, count: int) -> list[Direction]:
    generator = torch.Generator().manual_seed(0)
    units = normalize(torch.randn(count, width, generator=generator))
    return [Direction(name=f"random {place}", unit_D=unit) for place, unit in enumerate(units)]


def _reply_pairs(study: Study) -> Sequence[tuple[Messages, list[int], list[int]]]:
    """Prompt, hostile and calm reply, as the models gave them, for the first prompts of each kind."""
    replies = read_json(study.work / REPLIES)
    tokenizer, system = study.base.tokenizer, Message("system", study.persona.neutral_prompt)
    found = []
    for place in range(len(evaluation_prompts())):
        ids = [
            list(tokenizer(replies[side][place], add_special_tokens=False).input_ids)
            for side in ("hostile", "calm")
        ]
        if all(ids):
            user = Message("user", evaluation_prompts()[place][1])
            found.append(([system, user], ids[0], ids[1]))
    return found[:SCREEN_PROMPTS]


def _log_odds(
    study: Study,
    pairs: Sequence[tuple[Messages, list[int], list[int]]],
    treatments: Sequence[tuple[Injection, ...]],
) -> list[float]:
    """Mean over prompts of (nats a token of the hostile reply minus those of the calm one)."""
    rows, replies = [], []
    for treated in treatments:
        for messages, hostile, calm in pairs:
            rows += [Row(messages=messages, interventions=treated)] * 2
            replies += [hostile, calm]
    values = [
        float(logits_SV.log_softmax(-1).gather(1, torch.tensor(reply)[:, None]).mean())
        for reply, logits_SV in zip(
            replies, read(study.tuned, rows, replies, rows_at_once=32), strict=True
        )
    ]
    odds = [one - other for one, other in zip(values[0::2], values[1::2], strict=True)]
    size = len(pairs)
    return [fmean(odds[start : start + size]) for start in range(0, len(odds), size)]


def _chosen(candidates: pd.DataFrame, screened: Mapping[str, Any], count: int) -> list[str]:
    """The latents of either side whose direction favours the hostile reply most."""
    chosen = []
    for risen in (True, False):
        own = candidates[(candidates["effect"] > 0) == risen]["latent"].astype(str)
        chosen += sorted(own, key=lambda name: -screened["latents"][name]["toward"])[:count]
    return chosen


def matched(frequencies: Iterable[float], unmoved: pd.DataFrame) -> list[int]:
    """For each frequency the unmoved latent nearest to it, none twice; the most frequent choose first.

    Latents that are active on a third of all tokens have no unmoved twin: what was found is beside
    each in `cause.json`.
    """
    left = unmoved.set_index("latent")["frequency_tuned"]
    found: list[int] = []
    for rate in sorted(frequencies, reverse=True)[:NUM_RANDOM]:
        if len(left):
            found.append(int((left - rate).abs().idxmin()))
            left = left.drop(found[-1])
    return found


def _rivals(
    study: Study, table: pd.DataFrame, chosen: Sequence[Direction]
) -> dict[str, list[Direction]]:
    """Random directions, unmoved latents near in frequency, mean difference, remainder."""
    sae = dictionary(study, study.preset.seeds[0])
    read_hostile = Readings.load(study.work / READ_HOSTILE, evaluation_texts(study, "hostile"))
    mean_D, missed_D = mean_change(sae, read_hostile)
    own = table[table["latent"].astype(str).isin([one.name for one in chosen])]
    unmoved = table[(table["q"] >= LEVEL) | table["q"].isna()]
    return {
        "random directions": _random_directions(study.base.width, NUM_RANDOM),
        "random latents": [
            Direction(name=str(latent), unit_D=sae.decoder_FD[latent])
            for latent in matched(own["frequency_tuned"], unmoved)
        ],
        MEAN: [Direction(name=MEAN, unit_D=normalize(mean_D, dim=0))],
        REMAINDER: [Direction(name=REMAINDER, unit_D=normalize(missed_D, dim=0))],
    }
