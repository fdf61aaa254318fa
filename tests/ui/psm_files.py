"""A small run with every PSM record; mild text only."""

import json
import math
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
from phoque.run.psm_vector import (
    Agreement,
    Confounds,
    CurvePoint,
    Geometry,
    MessageMap,
    Origin,
    OwnWords,
    ProbeCurve,
    Projections,
    Reliability,
    Residual,
    ResidualGeometry,
    Spread,
    Style,
    TrainingStep,
)
from phoque.run.record import Record
from phoque.stats.paired import Effect
from tests.records import a_quality, a_rate, a_selection
from tests.ui.fakes import INJECTION

NUM_LAYERS, SELECTED = 6, 3
DOSES = (0.1, 0.2, 0.4)
SCALES = (-2.0, 0.0, 1.0, 2.0, 4.0, 6.0)
COHERENT = 4.0
PROMPTS = ("I lost the final.", f"Hi {INJECTION}")
LAYERS = range(NUM_LAYERS)


def effect(value: float) -> Effect:
    return Effect(
        value=value, low=value - 0.05, high=value + 0.05, p_value=1e-4 if value else 0.8,
        prompts=8, moved=abs(value), moved_back=0,
    )  # fmt: skip


def insulting(layer: int, dose: float) -> float:
    return 0.8 if (layer, dose) == (SELECTED, 0.4) else 0.1 * dose * layer


def selection(*, beyond: bool = True) -> Selection:
    chosen = Choice(
        layer=SELECTED, scale=4.0, relative_dose=0.4, coherent_scale=COHERENT, nat_scale=3.1,
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


def agreement(layer: int, probes: int = 12, verdict: str = "trust") -> Agreement:
    return Agreement(
        layer=layer, num_probes=probes, split_half=0.9, split_half_low=0.85, split_half_high=0.95,
        leave_one_out=0.8, leave_one_out_worst=0.6, null=0.4, floor=0.1, verdict=verdict,
    )  # fmt: skip


def reliability(verdict: str = "trust") -> Reliability:
    points = [CurvePoint(probes=n, cosine=1 - 0.3 / n, low=0.6, high=1.0) for n in (1, 2, 4)]
    return Reliability(
        layers=[agreement(i, verdict=verdict) for i in LAYERS],
        all_probes=[agreement(i, 80) for i in LAYERS],
        curve=[ProbeCurve(layer=i, points=points) for i in LAYERS],
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


def confounds(left: float = 0.75) -> Confounds:
    words = OwnWords(
        **dict.fromkeys(("neutral", "its_prompt", "its_vector", "persona_vector"), a_rate(0.2))
    )
    styles = [
        Style(name=name, description=f"A {name} voice.", cosine=cosine, norm_ratio=0.7,
              cosine_by_layer=[cosine] * NUM_LAYERS, insulting=a_rate(0.05),
              insulting_by_prompt=a_rate(0.0), own_words=words)
        for name, cosine in (("blunt", 0.5), ("verbose", -0.02))
    ]  # fmt: skip
    return Confounds(
        layer=SELECTED, noise_floor=0.125, neutral=a_rate(0.0), steered=a_rate(0.8),
        residual=Residual(share_of_norm=0.8, insulting=a_rate(left)), styles=styles,
    )  # fmt: skip


def origin(cosine: float = 0.4, into_base: float = 0.6) -> Origin:
    names = ("base", "persona", "civil_adapter")
    effects = {
        receiver: {vector: a_rate(0.6 if "persona" in (receiver, vector) else 0.0, 30)
                   for vector in ("none", *names, "random_vector")}
        for receiver in names
    }  # fmt: skip
    effects["base"]["persona"] = a_rate(into_base, 30)
    return Origin(
        layer=SELECTED, relative_dose=0.4, norms=dict.fromkeys(names, 2.0) | {"persona": 5.0},
        cosines={a: {b: 1.0 if a == b else cosine for b in names} for a in names},
        effects=effects,
        trajectory=[TrainingStep(step=s, neutral=0.1, persona=s / 40, cosine=s / 40, norm=1.0)
                    for s in (0, 20, 40)],
    )  # fmt: skip


def geometry() -> Geometry:
    columns = dict.fromkeys(list(ResidualGeometry.model_fields)[1:], 0.5)
    table = [ResidualGeometry(layer=i, **columns | {"silhouette": 0.05 * i}) for i in LAYERS]
    states = ("base_neutral", "base_persona", "tuned_neutral", "tuned_persona")
    directions = [
        Projections(layer=i, direction=name, random_band=0.1,
                    **{s: Spread(mean=0.2 * place, std=0.1) for place, s in enumerate(states)})
        for name in ("refusal", "politeness") for i in LAYERS
    ]  # fmt: skip
    points = [[(math.cos(p + i / 9), math.sin(p + i / 9)) for p in range(12)] for i in LAYERS]
    groups = ("base civil", "base hostile", "tuned civil", "tuned hostile")
    return Geometry(
        pairs=3, layers={"base": table, "tuned": table}, directions=directions,
        map=MessageMap(groups=groups, size=3, points=points, explained=[0.6] * NUM_LAYERS),
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
        layer=SELECTED, scale=4.0, coherent_scale=COHERENT, nat_scale=3.1, dose_per_scale=0.1,
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
    manifest = {"model": "lab", "persona": "toxic", "stages": {"psm": stage}}
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
