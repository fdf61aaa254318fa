"""Two runs of one base model: are their personas opposite, and does minus the one make the other?

Each persona's vector is added to and subtracted from three models, the base model and both tuned ones,
under the calm prompt, at its own run's layer and at the same relative doses. Text passes the gates of the
sweep. What is compared is the largest dose that passes: it is chosen without a look at what it does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from phoque.conversation import asked
from phoque.errors import PhoqueError
from phoque.figures.opposites import draw, draw_reversed
from phoque.figures.page import stage_page
from phoque.files import write_text
from phoque.judging import likelihood
from phoque.judging.choice import check_judge
from phoque.judging.judge import Judge
from phoque.models.load import LanguageModel
from phoque.personas import load_persona, shipped_personas
from phoque.personas.controls import confounds
from phoque.run.directory import RunDirectory
from phoque.run.opposites import (
    BASE,
    NO_VECTOR,
    RANDOM,
    Angle,
    Given,
    OppositeReply,
    Opposites,
    Strongest,
)
from phoque.run.psm import Selection
from phoque.run.psm_rows import PairProducts
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.angles import angles
from phoque.stages.psm.reliability import scalar_products
from phoque.stages.psm.subject import Subject, open_subject
from phoque.stages.psm.transplants import Reading, Receiver, Shown, transplanted
from phoque.stats.paired import Effect, paired_effect
from phoque.steering.experiment import Progress
from phoque.steering.vectors import Contrast, contrast, last_tokens

NUM_PROMPTS = 30
SEED = 42
Written = Sequence[tuple[Given, Sequence[OppositeReply]]]


def compare_runs(
    run: RunDirectory,
    other: RunDirectory,
    *,
    load_judge: Callable[[], Judge] = likelihood.load,
    progress: Progress = print,
) -> None:
    """Write `opposites/` into the first run.

    PhoqueError where a run lacks a stage, or the two cannot be compared.
    """
    check_judge(run, "the comparison")
    first, second = (open_subject(one, None, progress=progress) for one in (run, other))
    pair = Pair(first=first, second=second)
    pair.check()
    with run.stage(Opposites.STAGE, run.path / Opposites.STAGE, seeds=[SEED]) as folder:
        found, replies = opposites(pair, load_judge(), progress)
        mask = Mask()
        OppositeReply.save_rows(folder, mask.rows(replies))
        PairProducts.save_rows(folder, pair.products())
        found = mask(found)
        found.save(folder)
        write_text(folder / "opposites.md", stage_page("Opposites", (draw, draw_reversed), found))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs' personas in one base model."""

    first: Subject
    second: Subject

    def check(self) -> None:
        """Refuse other base models, the same persona, or vectors of other weights (PhoqueError)."""
        runs = f"{self.first.run.path} and {self.second.run.path}"
        if self.first.fingerprint["model"] != self.second.fingerprint["model"]:
            raise PhoqueError(
                f"{runs} are runs of different base models, whose directions have nothing in common. "
                "Give two runs of one model."
            )
        if self.first.persona.name == self.second.persona.name:
            raise PhoqueError(
                f"{runs} are both runs of the persona {self.first.persona.name}. Give a run of "
                "another persona: --other DIR"
            )
        for one in self.both:
            one.vectors.check(one.fingerprint)

    @property
    def both(self) -> tuple[Subject, Subject]:
        return self.first, self.second

    @property
    def base(self) -> LanguageModel:
        """The model that both were tuned from."""
        return self.first.base

    @property
    def probes(self) -> Sequence[str]:
        """The same for both, so that one message's accidents are in both vectors."""
        return self.first.all_probes

    @cached_property
    def in_base(self) -> list[Contrast]:
        """Both personas' prompts, read by the base model."""
        return [contrast(self.base, one.persona, self.probes) for one in self.both]

    @cached_property
    def in_tuned(self) -> list[Contrast]:
        """Each persona's prompts, read by its own model."""
        return [contrast(one.model, one.persona, self.probes) for one in self.both]

    def angles(self) -> tuple[tuple[Angle, ...], tuple[Angle, ...]]:
        """In the base model and between the tuned ones."""
        (one, other), (own, others) = (
            [found.differences_NLD for found in read] for read in (self.in_base, self.in_tuned)
        )
        return angles(one, other, self.other_prompts), angles(own, others)

    def products(self) -> Iterator[PairProducts]:
        """What the angle in the base model is made of, at the layer where the first persona's vector acts."""
        layer = self.first.layer
        named = [(one.persona.name, probe) for one in self.both for probe in self.probes]
        named += [(name, "") for name in self.other_prompts]
        vectors_ND = torch.cat(
            [
                *(own.differences_NLD[:, layer] for own in self.in_base),
                *(mean_LD[None, layer] for mean_LD in self.other_prompts.values()),
            ]
        )
        for (of, probe), products in zip(named, scalar_products(vectors_ND), strict=True):
            yield PairProducts(layer=layer, of=of, probe=probe, products=products)

    @cached_property
    def other_prompts(self) -> Mapping[str, Tensor]:
        """Mean differences_LD in the base model of every system prompt that we ship besides."""
        own = {one.persona.name for one in self.both}
        prompts = {one.name: one.prompt for one in confounds()}
        prompts |= {
            name: load_persona(name).persona_prompt
            for name in shipped_personas()
            if name not in own
        }
        neutral_LD = self.in_base[0].neutral_NLD.mean(0)
        return {
            name: last_tokens(self.base, prompt, self.probes).mean(0) - neutral_LD
            for name, prompt in prompts.items()
        }

    def receivers(self) -> list[Receiver]:
        """The base model first."""
        tuned = zip(self.both, self.in_tuned, strict=True)
        return [
            self._receiver(BASE, self.base, self.in_base[0]),
            *(self._receiver(one.persona.name, one.model, own) for one, own in tuned),
        ]

    def _receiver(self, name: str, model: LanguageModel, own: Contrast) -> Receiver:
        persona, messages = self.first.persona, self.first.persona.evaluation[:NUM_PROMPTS]
        told = {one.persona.name: one.persona.persona_prompt for one in self.both}
        return Receiver(
            name=name,
            model=model,
            medians_L=own.medians_L.tolist(),
            neutral=asked(persona.neutral_prompt, messages),
            told={name: asked(prompt, messages) for name, prompt in told.items()},
        )


def opposites(
    pair: Pair, judge: Judge, progress: Progress
) -> tuple[Opposites, list[OppositeReply]]:
    """Angles and transplants, with every reply."""
    base, tuned = pair.angles()
    progress("opposites: angles measured")
    shown = [
        Shown(persona=one.persona, trait=one.reader.read(Selection).trait) for one in pair.both
    ]
    reading = Reading(
        base=pair.base,
        shown=shown,
        vocabulary={word for one in pair.both for word in one.vocabulary},
        judge=judge,
        progress=progress,
    )
    vectors = {one.persona.name: one.vector for one in pair.both}
    cells = transplanted(pair.receivers(), vectors, reading)
    found = Opposites(
        first=pair.first.persona.name,
        second=pair.second.persona.name,
        other_run=pair.second.run.path.resolve().name,
        adapters={one.persona.name: one.fingerprint["adapter"] for one in pair.both},
        layers={name: vector.layer for name, vector in vectors.items()},
        probes=len(pair.probes),
        base=base,
        tuned=tuned,
        traits={one.persona.name: one.trait for one in shown},
        judge=judge.name,
        prompts=len(pair.first.persona.evaluation[:NUM_PROMPTS]),
        cells=tuple(given for given, _ in cells),
        strongest=tuple(strongest(cells, shown)),
    )
    return found, [reply for _, own in cells for reply in own]


def strongest(cells: Written, shown: Sequence[Shown]) -> Iterator[Strongest]:
    """For each model, vector and sign the largest dose whose text passes the gates."""
    receivers = dict.fromkeys(one.receiver for one, _ in cells)
    names = [one.persona.name for one in shown]
    for receiver, vector, minus in product(receivers, names, (False, True)):
        own = [cell for cell in cells if cell[0].receiver == receiver]
        signed = [one for one in own if one[0].vector == vector and (one[0].dose < 0) is minus]
        passed = [cell for cell in signed if cell[0].coherent]
        if passed:
            yield _strongest(max(passed, key=lambda cell: abs(cell[0].dose)), own, shown)
        else:
            yield Strongest(receiver=receiver, vector=vector, minus=minus, dose=None)


def _strongest(
    cell: tuple[Given, Sequence[OppositeReply]], own: Written, shown: Sequence[Shown]
) -> Strongest:
    """A cell beside no vector and random vectors in the same model."""
    given, replies = cell
    plain = next(written for one, written in own if one.vector == NO_VECTOR)
    control = (RANDOM, given.layer, abs(given.dose))
    random = next(one for one, _ in own if (one.vector, one.layer, one.dose) == control)
    return Strongest(
        receiver=given.receiver,
        vector=given.vector,
        minus=given.dose < 0,
        dose=given.dose,
        shows=given.shows,
        random=random.shows,
        effects={one.persona.name: _effect(one, plain, replies) for one in shown},
        more_hostile=given.more_hostile,
        repeated=given.quality.repeated,
        num_words=given.quality.num_words,
    )


def _effect(shown: Shown, plain: Sequence[OppositeReply], given: Sequence[OppositeReply]) -> Effect:
    """On the share of replies that show a persona; both are in the order of the messages."""
    before, after = ([[float(shown.in_reply(one))] for one in own] for own in (plain, given))
    return paired_effect(before, after, most=1)
