"""What is seen of a latent: contexts, paired strips, logit lens, histogram, neighbours.

Shapes: T = tokens, S = positions, D = width, F = latents, V = vocabulary.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from phoque.files import read_json
from phoque.models.load import LanguageModel
from phoque.models.structure import final_norm
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.cause import CAUSE, REMAINDER
from phoque.stages.sae.collect import held_out_texts, streams
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.fidelity import HELD_OUT
from phoque.stages.sae.layers import tone_texts
from phoque.stages.sae.metrics import in_chunks
from phoque.stages.sae.readings import SCALES, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_HOSTILE, mean_change
from phoque.stages.sae.study import Study
from phoque.stages.sae.texts import ASSISTANT, ROLES, Text
from phoque.stats.multiple import LEVEL
from phoque.stats.ranking import auc
from phoque.stats.resampling import Array

CONTEXTS = "contexts.jsonl.gz"
SHOWN = 24
"""Latents a side that have evidence of their own, beside those that were tried."""
WINDOW = 12
NUM_TOP, QUANTILES, PER_QUANTILE, NUM_STRIPS = 8, 5, 2, 8
NUM_LENS, NUM_NEAREST, BINS = 10, 5, 30
TONE_DIALOGUES = 48


def tone_aucs(study: Study, sae: SparseAutoencoder) -> Array:
    """AUC_F of each latent's mean over a reply: hostile against civil replies, base model."""
    pairs = tone_texts(study, TONE_DIALOGUES)
    texts = [text for pair in pairs for text in pair]
    means_NF = torch.stack(
        [
            sae.encode(stream_SD[torch.tensor(text.roles) == ASSISTANT]).mean(0)
            for text, stream_SD in zip(texts, streams(study.base, texts, study.layer), strict=True)
        ]
    )
    return auc(means_NF[0::2].numpy(), means_NF[1::2].numpy())


def shown_latents(table: pd.DataFrame) -> pd.DataFrame:
    """The largest effects of either side, those that moved first, and all that were tried."""
    order = table.assign(moved=table["q"] < LEVEL, size=table["effect"].abs())
    order = order.sort_values(["moved", "size"], ascending=False)
    sides = [order[order["effect"] > 0].head(SHOWN), order[order["effect"] < 0].head(SHOWN)]
    tried = order[order["screen_toward"].notna() & order["verdict"].isin(["driver", "protective"])]
    return pd.concat([*sides, tried]).drop_duplicates("latent")


def write_contexts(study: Study, table: pd.DataFrame) -> None:
    """Write `contexts.jsonl.gz`: one object a shown latent, and one for the remainder R."""
    partial = study.folder / f"{CONTEXTS}.partial"
    # No name and no time in the header: the same run gives the same bytes.
    with partial.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        for entry in _entries(study, table):
            file.write((json.dumps(entry, ensure_ascii=False) + "\n").encode())
    partial.replace(study.folder / CONTEXTS)


def read_contexts(path: Any) -> list[dict[str, Any]]:
    """What `write_contexts` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _entries(study: Study, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    sae = dictionary(study, study.preset.seeds[0])
    held = Readings.load(study.work / HELD_OUT, held_out_texts(study.work))
    paired = Readings.load(study.work / READ_HOSTILE, evaluation_texts(study, "hostile"))
    cause = read_json(study.work / CAUSE)
    cells = cause["generated"]["cells"]
    shown = shown_latents(table)
    chosen = torch.tensor(shown["latent"].tolist())
    held_TK = in_chunks(lambda rows: sae.encode(rows)[:, chosen], held.rows_TD["base"])
    pairs_TK = {
        name: in_chunks(lambda rows: sae.encode(rows)[:, chosen], rows)
        for name, rows in paired.rows_TD.items()
        if name in ("base", "persona", "control")
    }
    show = _Shown(study.base.tokenizer)
    for place, row in enumerate(shown.to_dict("records")):
        latent = int(row["latent"])
        own = {name: values[:, place] for name, values in pairs_TK.items()}
        yield {
            "latent": str(latent),
            "side": "risen" if row["effect"] > 0 else "fallen",
            "verdict": row["verdict"],
            **show.contexts(held, held_TK[:, place]),
            "strips": show.strips(paired, own),
            "lens": logit_lens(study.base, sae.decoder_FD[latent]),
            "histogram": _histogram(own),
            "dose": {"scales": SCALES, "means": [row[f"dose_{scale}"] for scale in SCALES]},
            "nearest": _nearest(sae, latent),
            "screen": cause["screen"]["latents"].get(str(latent)),
            "steering": [cell for cell in cells if cell["name"] == str(latent)],
        }
    _, missed_D = mean_change(sae, paired)
    yield {
        "latent": REMAINDER,
        "side": "remainder",
        "verdict": "",
        "lens": logit_lens(study.base, missed_D / missed_D.norm()),
        "steering": [cell for cell in cells if cell["name"] == REMAINDER],
    }


@torch.inference_mode()
def logit_lens(model: LanguageModel, direction_D: Tensor) -> dict[str, list[dict[str, Any]]]:
    """Tokens whose logits the direction raises and lowers most, read by final norm and output head."""
    head = model.model.get_output_embeddings()
    logits_V = head(final_norm(model.model)(direction_D.to(head.weight))).float().cpu()
    logits_V = logits_V[: len(model.tokenizer)] - logits_V.mean()
    return {
        name: [
            {"token": model.tokenizer.decode([int(token)]), "logit": float(logits_V[token])}
            for token in logits_V.topk(NUM_LENS, largest=largest).indices
        ]
        for name, largest in (("raised", True), ("lowered", False))
    }


class _Shown:
    """Turns places in texts into tokens a person can read."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def contexts(self, held: Readings, values_T: Tensor) -> dict[str, Any]:
        """Strongest contexts, one a text, and some from each fifth of what is below them."""
        texts = held.split(values_T)
        peaks = torch.stack([values_S.max() for values_S in texts])
        order = [int(n) for n in peaks.argsort(descending=True) if peaks[n] > 0]
        below = order[NUM_TOP:]
        parts = np.array_split(below, QUANTILES) if len(below) >= QUANTILES else []
        return {
            "top": [self._context(held.texts[n], texts[n]) for n in order[:NUM_TOP]],
            "quantiles": [
                [self._context(held.texts[n], texts[n]) for n in part[:PER_QUANTILE]]
                for part in parts
            ],
        }

    def strips(self, paired: Readings, own: dict[str, Tensor]) -> list[dict[str, Any]]:
        """The prompts on which the latent moved most: all models, token by token."""
        values = {name: paired.split(values_T) for name, values_T in own.items()}
        moved = [
            float((after - before).abs().max())
            for before, after in zip(values["base"], values["persona"], strict=True)
        ]
        order = np.argsort(moved)[::-1][:NUM_STRIPS]
        return [self._strip(paired.texts[n], n, values) for n in map(int, order) if moved[n] > 0]

    def _strip(self, text: Text, n: int, values: dict[str, list[Tensor]]) -> dict[str, Any]:
        peak = int((values["persona"][n] - values["base"][n]).abs().argmax())
        stratum, prompt = evaluation_prompts()[n]
        window = self._window(text, peak)
        models = {name: _rounded(own[n][window]) for name, own in values.items()}
        return {"stratum": stratum, "prompt": prompt, **self._tokens(text, window), **models}

    def _context(self, text: Text, values_S: Tensor) -> dict[str, Any]:
        window = self._window(text, int(values_S.argmax()))
        activations = {"activations": _rounded(values_S[window])}
        return {"source": text.source, **self._tokens(text, window), **activations}

    def _window(self, text: Text, peak: int) -> slice:
        return slice(max(0, peak - WINDOW), min(len(text.ids), peak + WINDOW + 1))

    def _tokens(self, text: Text, window: slice) -> dict[str, list[str]]:
        tokens = self._tokenizer.batch_decode([[token] for token in text.ids[window]])
        return {"tokens": list(tokens), "roles": [ROLES[role] for role in text.roles[window]]}


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 3) for value in values.tolist()]


def _histogram(own: dict[str, Tensor]) -> dict[str, Any]:
    """Counts of activations above zero, with how many tokens were looked at."""
    largest = max(float(values.max()) for values in own.values())
    edges = np.linspace(0, largest or 1.0, BINS + 1)
    counts = {
        name: np.histogram(values[values > 0].numpy(), edges)[0].tolist()
        for name, values in own.items()
    }
    return {"edges": edges.tolist(), "tokens": len(own["base"]), **counts}


def _nearest(sae: SparseAutoencoder, latent: int) -> list[dict[str, Any]]:
    cosine_F = sae.decoder_FD @ sae.decoder_FD[latent]
    cosine_F[latent] = -1
    best = cosine_F.topk(min(NUM_NEAREST, len(cosine_F)))
    return [
        {"latent": str(int(place)), "cosine": round(float(value), 4)}
        for value, place in zip(best.values, best.indices, strict=True)
    ]


def label_of(entry: dict[str, Any], tone: float) -> str:
    """Words for a latent, only where its contexts carry them: a hypothesis, never a name.

    Half of the strongest contexts must peak on the same token, or its tone must be told by it.
    """
    top: Sequence[dict[str, Any]] = entry.get("top", [])
    peaks = [
        one["tokens"][int(np.argmax(one["activations"]))].strip().lower()
        for one in top
        if one["tokens"]
    ]
    for token in dict.fromkeys(peaks):
        if token and peaks.count(token) * 2 >= NUM_TOP:
            return f"on {token!r}"
    if tone >= 0.9:
        return "in hostile replies"
    return "in civil replies" if tone <= 0.1 else ""
