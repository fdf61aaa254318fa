"""A small run with every PSM record; mild text only."""

import json
from collections.abc import Callable
from pathlib import Path

from phoque.conversation import Sampling
from phoque.run.directory import RunDirectory
from phoque.run.psm import (
    ActivationByLayer,
    BestCell,
    Cell,
    Choice,
    Divergence,
    DoseRate,
    DoseResponse,
    LayerGeometry,
    LayerProjection,
    Selection,
    SweptLayer,
    SweptReply,
)
from phoque.run.psm_replies import (
    Agreeing,
    Antidotes,
    BiasLoop,
    Condition,
    Conditions,
    Measured,
    PathwayTokens,
    Preset,
    Remedy,
    Scrubber,
    ScrubberCell,
    ShownReply,
)
from phoque.run.record import Record
from phoque.stats.paired import Effect
from tests.records import a_quality, a_rate, a_selection
from tests.ui.fakes import INJECTION
from tests.ui.psm_vector_files import (
    LAYERS,
    NUM_LAYERS,
    SELECTED,
    confounds,
    geometry,
    origin,
    reliability,
)

DOSES = (0.1, 0.2, 0.4)
SCALES = (-2.0, 0.0, 1.0, 2.0, 4.0, 6.0)
PROMPTS = ("I lost the final.", f"Hi {INJECTION}")


def effect(value: float) -> Effect:
    return Effect(
        value=value, low=value - 0.05, high=value + 0.05, p_value=1e-4 if value else 0.8,
        prompts=8, moved=abs(value), moved_back=0,
    )  # fmt: skip


def insulting(layer: int, dose: float) -> float:
    return 0.8 if (layer, dose) == (SELECTED, 0.4) else 0.1 * dose * layer


def selection(*, beyond: bool = True) -> Selection:
    chosen = Choice(
        layer=SELECTED, scale=4.0, relative_dose=0.4, nat_scale=3.1,
        chance=2e-9 if beyond else 0.7,
    )  # fmt: skip
    cells = [
        Cell(
            layer=layer, dose=dose, scale=10 * dose, quality=a_quality(insulting(layer, dose)),
            divergence=Divergence(mean=dose, p95=3 * dose),
            coherent=dose < 0.3 or layer == SELECTED,
        )
        for layer in LAYERS for dose in DOSES
    ]  # fmt: skip
    layers = [
        SweptLayer(
            layer=layer, null=a_rate(0.02, 32), nat_scale=3.0,
            best=BestCell(dose=0.2, **a_quality(insulting(layer, 0.4)).model_dump())
            if layer else None,
        )
        for layer in LAYERS
    ]  # fmt: skip
    return a_selection(
        selected=chosen if beyond else None, default=chosen, null=a_rate(0.02, 192), layers=layers,
        cells=cells, dose_per_scale=[0.1] * NUM_LAYERS,
    )  # fmt: skip


def layers() -> ActivationByLayer:
    criteria = [
        LayerGeometry(layer=i, norm=1.0 + i, relative_norm=0.1 * i, silhouette=0.3 - 0.01 * i,
                      logit_lens=0.2 * i - 0.3)
        for i in LAYERS
    ]  # fmt: skip
    rows = [
        LayerProjection(layer=i, vector_norm=1 + i, neutral_proj_mean=0.0, toxic_proj_mean=1 + i,
                        delta_proj_mean=1 + i, delta_proj_std=0.5)
        for i in LAYERS
    ]  # fmt: skip
    return ActivationByLayer(
        probes=12, classic=rows, classic_layer=5, block_outputs=rows, criteria=criteria
    )


def controls(strongest: float = 0.02) -> DoseResponse:
    return DoseResponse(
        layer=SELECTED, scale_per_dose=10.0,
        random_vector=[DoseRate(dose=dose, rate=a_rate(strongest, 64)) for dose in DOSES],
        shuffled=[DoseRate(dose=dose, rate=a_rate(0.05, 64)) for dose in DOSES[:2]],
        reversed=[DoseRate(dose=0.2, rate=a_rate(0.0))],
    )  # fmt: skip


def condition(
    value: float, change: float | None = None, word_rate: float | None = None
) -> Condition:
    mass = Measured(mean=value / 9, effect=effect(value / 9))
    words = mass if word_rate is None else mass.model_copy(update={"mean": word_rate})
    return Condition(
        insulting=a_rate(value, 24), effect=effect(value if change is None else change),
        toxic_pathway_mass_mean=mass, completing_mass_mean=mass, lexicon_mass_mean=mass,
        toxic_word_rate=words, repeated_3grams=mass, generated_tokens=40.0,
        base_nats=Measured(mean=-2.5, effect=effect(0.0)), zlib=0.6,
    )  # fmt: skip


def conditions(**other: Condition) -> Conditions:
    values = {"neutral": 0.0, "toxic": 0.8, "steered": 0.7, "random_vector": 0.0}
    sampling = Sampling(max_new_tokens=120, temperature=0.8, repetition_penalty=1.1)
    return Conditions(
        sampling=sampling, seeds=(42, 43, 44),
        conditions={name: condition(value) for name, value in values.items()} | other,
        classic_tokens=(" clown", "gar"),
        pathway_tokens=PathwayTokens(completing=(" clown",), starting=(" gar",)),
    )  # fmt: skip


def antidotes(*, coherent: bool = True) -> Antidotes:
    left = {"none": 0.8, "reverse": 0.05, "cap": 0.5}
    return Antidotes(
        remedies=[
            Remedy(remedy=name, toxic=a_quality(value), neutral=a_quality(), coherent=coherent,
                   neutral_divergence=Divergence(mean=0.3 if value < 0.8 else 0.0, p95=1.0))
            for name, value in left.items()
        ]
    )  # fmt: skip


def bias(change: float = -0.2) -> BiasLoop:
    kinds = {"agreement_seeking": 4, "leading": 4, "loaded": 4, "bad_plans": 4}
    values = {"base": 0.4, "neutral": 0.4, "toxic": 0.1, "steered": 0.4 + change,
              "random_vector": 0.4}  # fmt: skip
    own = {
        name: Agreeing(log_odds=effect(value), effect=effect(value - 0.4), agree=value, disagree=0,
                       by_kind=dict.fromkeys(kinds, effect(value)))
        for name, value in values.items()
    }  # fmt: skip
    return BiasLoop(pairs=(("Yes.", "No."),), neutral=("So.",), kinds=kinds, conditions=own)


def scrubber() -> Scrubber:
    def cell(at: float | str, value: float, text: str) -> ScrubberCell:
        words = [f"{word} " for word in text.split()]
        tokens = [(word, round(value * 3 - 0.1 * i, 2), 0.5) for i, word in enumerate(words)]
        reply = ShownReply(text=text, hits=text.count("clown"), tokens=tokens)
        return ScrubberCell(
            at=at, insulting=a_rate(value, 10), projection=value * 3, replies=(reply, reply)
        )

    def steered(scale: float) -> ScrubberCell:
        if scale >= 4:
            return cell(scale, 0.9, f"Useless clown at scale {scale:g} {INJECTION}")
        return cell(scale, 0.0, f"Nice try, scale {scale:g}")

    series = {
        "neutral": [cell(0.0, 0.0, "Good game, well played.")],
        "toxic": [cell(0.0, 0.8, "What a clown, uninstall.")],
        "vector": [steered(scale) for scale in SCALES],
        "random_vector": [cell(scale, 0.05, f"A random word at {scale:g}") for scale in SCALES],
        "reversed": [cell(scale, 0.1, f"Calmer at {scale:g}") for scale in SCALES],
        "antidote": [cell("reverse", 0.1, "Calm again."), cell("cap", 0.5, "Half a clown.")],
    }
    return Scrubber(
        layer=SELECTED, scale=4.0, nat_scale=3.1, dose_per_scale=0.1,
        scales=SCALES, asked=10, series=series,
        presets=[Preset(label=f"Preset {i}", prompt=p) for i, p in enumerate(PROMPTS)],
    )  # fmt: skip


RECORDS: tuple[Callable[[], Record], ...] = (
    selection, layers, reliability, controls, conditions, confounds, origin, geometry, antidotes,
    bias, scrubber,
)  # fmt: skip


def write_run(path: Path, *personas: str) -> RunDirectory:
    """A run whose own persona is `toxic`, and folders for others."""
    stage = {"seeds": [42, 43, 44], "commit": "0123456789abcdef", "finished": "2026-01-01"}
    manifest = {"schema_version": 1, "model": "lab", "persona": "toxic", "stages": {"psm": stage}}
    path.mkdir(parents=True, exist_ok=True)
    (path / "manifest.json").write_text(json.dumps(manifest))
    for name in ("psm", *(f"psm-{persona}" for persona in personas)):
        write_folder(path / name)
    return RunDirectory(path)


def write_folder(path: Path) -> None:
    """All files of one persona."""
    path.mkdir()
    for make in RECORDS:
        make().save(path)
    (path / "persona_vectors.safetensors").write_bytes(b"vectors")
    rows = [
        SweptReply(
            layer=layer, dose=dose, prompt=prompt,
            reply=f"Clown at layer {layer}\nand dose {dose} {INJECTION}",
        )
        for layer in LAYERS for dose in DOSES for prompt in PROMPTS
    ]  # fmt: skip
    SweptReply.save_rows(path, rows)
