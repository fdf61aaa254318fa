"""What is seen of a latent: contexts, paired strips, logit lens, histogram, neighbours.

Shapes: T = tokens, S = positions, D = width, F = latents, V = vocabulary, K = tokens that are kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phoque.models.load import LanguageModel
from phoque.models.structure import final_norm
from phoque.run.sae_evidence import (
    REMAINDER,
    Cause,
    Context,
    Dose,
    Evidence,
    Histogram,
    Lens,
    LensToken,
    Near,
    Strip,
)
from phoque.run.sae_latents import SCALES, Feature
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import ROLES, Text
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.metrics import in_chunks
from phoque.stages.sae.naming import HeldWords, reading_of
from phoque.stages.sae.readings import CIVIL, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_HOSTILE, mean_change
from phoque.stages.sae.study import Study

NUM_LENS = 10
AT_ONCE = 128


class LensReader:
    """Reads directions of one dictionary; what all of them do on average is taken off."""

    def __init__(self, model: LanguageModel, decoder_FD: Tensor) -> None:
        self._model, self._size = model, len(model.tokenizer)
        self._head = model.model.get_output_embeddings()
        self._norm = final_norm(model.model)
        # The head is linear, so that the mean of its outputs is its output for the mean.
        self._usual_D = self._normed(decoder_FD).mean(0)

    @torch.inference_mode()
    def logits(self, directions_FD: Tensor) -> Tensor:
        """Logits_FV beyond the average direction, around the mean over the vocabulary."""
        logits_FV = self._head(self._normed(directions_FD) - self._usual_D).float().cpu()
        around_FV: Tensor = logits_FV[:, : self._size] - logits_FV.mean(1, keepdim=True)
        return around_FV

    def lens(self, direction_D: Tensor) -> Lens:
        """Tokens whose logits the direction raises and lowers most."""
        (logits_V,) = self.logits(direction_D[None])
        raised, lowered = (
            tuple(
                LensToken(token=self.token(int(token)), logit=float(logits_V[token]))
                for token in logits_V.topk(NUM_LENS, largest=largest).indices
            )
            for largest in (True, False)
        )
        return Lens(raised=raised, lowered=lowered)

    def promoted(self, directions_FD: Tensor, count: int) -> Tensor:
        """Ids_FK of the tokens that each direction raises most."""
        parts = directions_FD.split(AT_ONCE)
        return torch.cat([self.logits(part).topk(count, dim=1).indices for part in parts])

    def token(self, token: int) -> str:
        text: str = self._model.tokenizer.decode([token])
        return text

    def vocabulary(self) -> Sequence[str]:
        found: list[str] = self._model.tokenizer.batch_decode([[n] for n in range(self._size)])
        return found

    @torch.inference_mode()
    def _normed(self, directions_FD: Tensor) -> Tensor:
        normed_FD: Tensor = self._norm(directions_FD.to(self._head.weight))
        return normed_FD


SHOWN = 24
"""Latents a side that have evidence of their own, beside those that were tried."""
WINDOW = 12
NUM_TOP, QUANTILES, PER_QUANTILE, NUM_STRIPS = 5, 5, 2, 8
NUM_NEAREST, BINS = 5, 30
MODELS = ("base", CIVIL, "persona")


def largest_first(features: Iterable[Feature]) -> list[Feature]:
    """Latents by the size of their effects, those that moved before all others."""
    return sorted(features, key=lambda one: (one.moved, abs(one.effect)), reverse=True)


def shown_latents(features: Sequence[Feature]) -> list[Feature]:
    """The largest effects of either side, and every latent that is shown to cause something."""
    order = largest_first(features)
    sides = ([one for one in order if one.effect * sign > 0][:SHOWN] for sign in (1, -1))
    causes = [one for one in order if one.verdict in ("driver", "protective")]
    return [*{one.latent: one for group in (*sides, causes) for one in group}.values()]


def gathered(
    study: Study, features: Sequence[Feature], held: Readings, words: HeldWords, lenses: LensReader
) -> Iterator[Evidence]:
    """What is seen of every shown latent, and of the remainder R."""
    sae = dictionary(study, study.preset.seeds[0])
    paired = Readings.load(study.work / READ_HOSTILE, evaluation_texts(study, "hostile"))
    cause, shown = study.read(Cause), shown_latents(features)
    chosen = torch.tensor([one.latent for one in shown])

    def values_TK(rows_TD: Tensor) -> Tensor:
        return in_chunks(lambda rows: sae.encode(rows)[:, chosen], rows_TD)

    held_TK = values_TK(held.rows_TD["base"])
    pairs_TK = {name: values_TK(paired.rows_TD[name]) for name in MODELS}
    show = _Shown(study.base.tokenizer)
    for place, one in enumerate(shown):
        name, own = str(one.latent), {model: rows[:, place] for model, rows in pairs_TK.items()}
        top, quantiles = show.contexts(held, held_TK[:, place])
        lens = lenses.lens(sae.decoder_FD[one.latent])
        yield Evidence(
            latent=name,
            side="risen" if one.effect > 0 else "fallen",
            verdict=one.verdict,
            top=top,
            quantiles=quantiles,
            strips=show.strips(paired, own),
            lens=lens,
            reading=reading_of((held_TK[:, place] > 0).numpy(), words, lens),
            histogram=_histogram(own),
            dose=Dose(scales=SCALES, means=one.doses),
            nearest=_nearest(sae, one.latent),
            screen=cause.screen.latents.get(name),
            steering=tuple(cell for cell in cause.generated.cells if cell.name == name),
        )
    _, missed_D = mean_change(sae, paired)
    yield Evidence(
        latent=REMAINDER,
        side="remainder",
        verdict="",
        lens=lenses.lens(missed_D / missed_D.norm()),
        steering=tuple(cell for cell in cause.generated.cells if cell.name == REMAINDER),
    )


class _Shown:
    """Turns places in texts into tokens a person can read."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def contexts(
        self, held: Readings, values_T: Tensor
    ) -> tuple[tuple[Context, ...], tuple[tuple[Context, ...], ...]]:
        """Strongest contexts, one a text, and some from each fifth of what is below them."""
        texts = held.split(values_T)
        peaks = torch.stack([values_S.max() for values_S in texts])
        order = [int(n) for n in peaks.argsort(descending=True) if peaks[n] > 0]
        below = order[NUM_TOP:]
        parts = np.array_split(below, QUANTILES) if len(below) >= QUANTILES else []

        def at(places: Iterable[int]) -> tuple[Context, ...]:
            return tuple(self._context(held.texts[n], texts[n]) for n in places)

        return at(order[:NUM_TOP]), tuple(at(part[:PER_QUANTILE].tolist()) for part in parts)

    def strips(self, paired: Readings, own: Mapping[str, Tensor]) -> tuple[Strip, ...]:
        """The prompts on which the latent moved most: all models, token by token."""
        values = {name: paired.split(values_T) for name, values_T in own.items()}
        both = zip(values["base"], values["persona"], strict=True)
        moved = [float((after - before).abs().max()) for before, after in both]
        order = np.argsort(moved)[::-1][:NUM_STRIPS].tolist()
        return tuple(self._strip(paired.texts[n], n, values) for n in order if moved[n] > 0)

    def _strip(self, text: Text, n: int, values: Mapping[str, list[Tensor]]) -> Strip:
        window = _window(text, int((values["persona"][n] - values["base"][n]).abs().argmax()))
        stratum, prompt = evaluation_prompts()[n]
        return Strip(
            stratum=stratum,
            prompt=prompt,
            tokens=self._tokens(text, window),
            roles=_roles(text, window),
            base=_rounded(values["base"][n][window]),
            civil_adapter=_rounded(values[CIVIL][n][window]),
            persona=_rounded(values["persona"][n][window]),
        )

    def _context(self, text: Text, values_S: Tensor) -> Context:
        window = _window(text, int(values_S.argmax()))
        return Context(
            source=text.source,
            tokens=self._tokens(text, window),
            roles=_roles(text, window),
            activations=_rounded(values_S[window]),
        )

    def _tokens(self, text: Text, window: slice) -> tuple[str, ...]:
        return tuple(self._tokenizer.batch_decode([[token] for token in text.ids[window]]))


def _window(text: Text, peak: int) -> slice:
    return slice(max(0, peak - WINDOW), min(len(text.ids), peak + WINDOW + 1))


def _roles(text: Text, window: slice) -> tuple[str, ...]:
    return tuple(ROLES[role] for role in text.roles[window])


def _rounded(values: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in values.tolist())


def _histogram(own: Mapping[str, Tensor]) -> Histogram:
    largest = max(float(values.max()) for values in own.values())
    edges = np.linspace(0, largest or 1.0, BINS + 1)
    counts = {
        name: tuple(np.histogram(own[name][own[name] > 0].numpy(), edges)[0].tolist())
        for name in MODELS
    }
    return Histogram(edges=tuple(edges.tolist()), tokens=len(own["base"]), **counts)


def _nearest(sae: SparseAutoencoder, latent: int) -> tuple[Near, ...]:
    cosine_F = sae.decoder_FD @ sae.decoder_FD[latent]
    cosine_F[latent] = -1
    best = cosine_F.topk(min(NUM_NEAREST, len(cosine_F)))
    return tuple(
        Near(latent=str(int(place)), cosine=round(float(value), 4))
        for value, place in zip(best.values, best.indices, strict=True)
    )
