"""A small run with every SAE file; mild text only."""

import json
from itertools import combinations
from pathlib import Path

from phoque.run.directory import RunDirectory
from phoque.run.sae import (
    ActivationFacts,
    Dead,
    Faithful,
    Fidelity,
    Fit,
    Floor,
    Gate,
    HeldOut,
    LayerChoice,
    Mean,
    Pair,
    Recovered,
    SaePreset,
    SaeReport,
    Shifts,
    Source,
    Strata,
    Stratum,
)
from phoque.run.sae_evidence import (
    PERSONA_VECTOR,
    RANDOM,
    WAYS,
    Cause,
    Context,
    Dose,
    Evidence,
    GeneratedReplies,
    Histogram,
    Lens,
    LensToken,
    Near,
    Null,
    Screen,
    Screened,
    Steered,
    Strip,
    controls_of,
)
from phoque.run.sae_latents import SCALES, VERDICTS, Feature, Prompt
from phoque.run.sae_reading import FallenWords, Fired, Precision, Reading, WordTest
from tests.records import a_quality, a_rate
from tests.ui.fakes import INJECTION

KINDS = ("hostile", "neutral", "benign", "gaming")
LATENTS = {"7": "driver", "10": "protective", "9": "marker", "8": "move unsure"}
"""By number, with their verdicts."""


def write_run(path: Path) -> RunDirectory:
    folder = path / "sae"
    folder.mkdir(parents=True)
    report().save(folder)
    Feature.save_rows(folder, map(feature, LATENTS))
    Prompt.save_rows(folder, map(prompt, KINDS))
    rest = Evidence(latent="R", side="remainder", verdict="", lens=lens(), steering=())
    Evidence.save_rows(folder, [*map(evidence, LATENTS), rest])
    stage = {"seconds": 1, "seeds": [42], "commit": "0123456789", "finished": "2026-11-23"}
    manifest = {
        "schema_version": 1,
        "model": "fake/model",
        "persona": "toxic",
        "stages": {"sae": stage},
    }
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return RunDirectory(path)


def effect(name: str) -> float:
    return float(name) if name in ("7", "8") else -float(name)


def feature(name: str, **changed: object) -> Feature:
    """A latent that every test finds moved."""
    change = changed.get("effect", effect(name))
    numbers = ("standardised", "rank", "rank_low", "rank_high", "effect_max", "effect_rate",
               "effect_user", "effect_template", "effect_reply", "effect_calm",
               "effect_civil_adapter", "cosine_mean_difference", "share_of_change")  # fmt: skip
    plain = {
        "latent": int(name), "effect": change, "low": change - 1, "high": change + 1,
        **dict.fromkeys(numbers, 0.0), **dict.fromkeys(("p", "q", "q_half", "did_p", "did_q"), 0.001),
        "effect_half": change, "half_low": change, "half_high": change, "did": change,
        "did_low": change - 1, "did_high": change + 1, "doses": (0, 1, 2, 3, 4),
        "dose_spearman": 1.0, "linear": change, "frequency_base": 0.1, "frequency_tuned": 0.3,
        "kind": "increased", "tone_auc": 0.9, "stability": "stable",
        "badges": ("fdr",) if name == "8" else ("fdr", "civil adapter", "half", "dose"),
        "verdict": LATENTS.get(name, ""), "name": "fires on “clown”" if name == "7" else "",
        "precision": 0.6, "precision_low": 0.5, "firing_rate": 0.01,
    }  # fmt: skip
    return Feature.model_validate(plain | changed)


def evidence(name: str) -> Evidence:
    tokens = ("You", " use", "less", " clown", f" {INJECTION}")
    roles = ("user", "assistant", "assistant", "assistant", "template")
    values = (0.0, 1.0, 2.0, 3.0, 0.5)
    context = Context(source="hostile replies", tokens=tokens, roles=roles, activations=values)
    models = {"base": values, "persona": values[::-1], "civil_adapter": values}
    counts = dict.fromkeys(models, (3, 2, 1))
    return Evidence(
        latent=name,
        side="risen" if effect(name) > 0 else "fallen",
        verdict=LATENTS[name],
        top=(context,),
        quantiles=((context,),),
        strips=(
            Strip(
                stratum="gaming", prompt=f"I lost {INJECTION}", tokens=tokens, roles=roles, **models
            ),
        ),
        lens=lens(),
        reading=reading(),
        histogram=Histogram(edges=(0.0, 1.0, 2.0, 3.0), tokens=100, **counts),
        dose=Dose(scales=SCALES, means=(0, 1, 2, 3, 4)),
        nearest=(Near(latent="8", cosine=0.5), Near(latent="77", cosine=0.2)),
        screen=Screened(toward=0.4, away=-0.3),
        steering=(cell("toward", name, 0.9),) if name == "7" else (),
    )


def reading() -> Reading:
    """A name that holds."""
    return Reading(
        name=f"fires on “clown{INJECTION}”",
        precision=Precision(value=0.6, low=0.5, high=0.7, n=40, texts=20, base=0.01, recall=0.3),
        fires_on=(Fired(word=f"clown{INJECTION}", fired=24, of=40),),
        tokens=9000,
        fired=90,
    )


def fallen(p: float) -> FallenWords:
    """Hedges take 4 % of what fell and 2 % of what did not."""
    same = {"fallen": 0.04, "unmoved": 0.02, "difference": 0.02, "low": 0.01, "high": 0.03}
    return FallenWords(
        sets={"any of them": 90}, occurrences={"any of them": 400}, tokens=9000, fallen=500, pairs=300,
        rate_fallen=0.01, rate_unmoved=0.01,
        tests=tuple(WordTest(words="any of them", by=by, p=p, p_holm=p, **same)
                    for by in ("fires on", "promotes")),
    )  # fmt: skip


def lens() -> Lens:
    raised = LensToken(token=f" clown{INJECTION}", logit=3.0)
    return Lens(raised=(raised,), lowered=(LensToken(token=" thanks", logit=-3.0),))


def cell(way: str, name: str, share: float, **changed: object) -> Steered:
    """What a direction does; an interval of 10 points either way."""
    rate = a_rate(share)
    plain = {
        "way": way, "name": name, "dose": 0.2, "directions": 1, "insulting": share,
        "low": rate.low, "high": rate.high, "n": 16, "divergence_p95": 1.0, "coherent": True,
        "quality": a_quality(share), "example": "Fine.",
    }  # fmt: skip
    return Steered.model_validate(plain | changed)


def cause(
    cells: list[Steered],
    *,
    plain: tuple[float, float] = (0.0, 0.9),
    control: tuple[float, float] = (0.9, 0.1),
) -> Cause:
    """Random directions reach 0.1 in the screen; latents 1 to 10 reach nothing.

    `control` is what the persona vector does toward and away.
    """
    none = Screened(toward=0.0, away=0.0)
    ways = dict(zip(WAYS, map(a_quality, plain), strict=True))
    control = [cell(way, PERSONA_VECTOR, at) for way, at in zip(WAYS, control, strict=True)]
    latents = {str(latent): none for latent in range(1, 11)}
    null = Null(low=-0.1, high=0.1, n=16)
    told = GeneratedReplies(plain=ways, divergence_limit=6.0, cells=(*control, *cells))
    return Cause(
        median_norm=10.0,
        screen_dose=0.2,
        screen=Screen(prompts=4, random=null, latents=latents),
        generated=told,
        controls=controls_of(told),
        frequencies={},
        doses=(0.2,),
    )


def cells(*, coherent: bool = True) -> list[Steered]:
    return [
        cell(way, name, share, coherent=coherent)
        for way, shares in (("toward", (0.9, 0.1, 0.1)), ("away", (0.1, 0.8, 0.8)))
        for name, share in zip(("7", RANDOM, "random latents"), shares, strict=True)
    ]


def fidelity(**changed: object) -> Fidelity:
    """A faithful dictionary; `changed` is on the base model."""
    value = Recovered(value=0.95, low=0.9, high=1.0, texts=4, tokens=40)
    ways = {"sae": 0.8, "frozen decoder": 0.3, "pca": 0.5}
    plain = {
        "explained_variance": ways, "l0": 4.0,
        "dead": Dead(share=0.01, latents=1, of=64, tokens=40),
        "loss_recovered": dict.fromkeys(("zero", "mean"), dict.fromkeys(ways, value)),
    }  # fmt: skip
    return Fidelity(
        k=4,
        models={"base": Faithful.model_validate(plain | changed), "persona": Faithful(**plain)},
        explained_change=0.2,
        explained_variance_by_l0={4: 0.8},
        explained_variance_by_source={"written": Fit(value=0.8, tokens=40)},
        held_out=HeldOut(texts=10, tokens=400),
        activations=ActivationFacts(
            layer=3, width=8, limit=9.0, tokens=1100, train_tokens=1000, texts=9, train_texts=8,
            median_norm=10.0, dropped={}, roles={}, sources={"written": 1100},
        ),
    )  # fmt: skip


def report(*, passed: bool = True, moved: int = 3, coherent: bool = True) -> SaeReport:
    gate = Gate(gate="explained variance, base", value=0.8, needed="≥ 0.700", passed=passed)
    return SaeReport(
        model="fake/model",
        persona="toxic",
        layer=3,
        layer_choice=LayerChoice(layer=3, how="asked for"),
        preset=SaePreset(
            name="tiny", tokens=1000, d_sae=64, k=4, batch_size=8, epochs=1, seeds=(42, 43)
        ),
        seconds={"layer": 1.0},
        passed=passed,
        gates=(gate,),
        fidelity=fidelity(),
        shifts=Shifts(
            prompts=dict.fromkeys(KINDS, 2), tokens=100, latents_active=60, latents_tested=50,
            risen=moved, fallen=0, beyond_civil_adapter=moved, explained_change=0.25,
            explained_change_civil_adapter=0.2, norm_ratio=1.0, relative_change=0.3,
            mean_change_norm=5.0, remainder_share=0.7,
            floor=Floor(prompts=4, largest_effect=0.0, discoveries=0, tested=40),
        ),
        verdicts=dict.fromkeys(LATENTS.values(), 1),
        verdict_meanings={name: VERDICTS[name] for name in LATENTS.values()},
        risen=tuple(feature(name) for name in LATENTS if effect(name) > 0),
        fallen=tuple(feature(name) for name in LATENTS if effect(name) < 0),
        fallen_words=fallen(0.001),
        strata=strata(),
        cause=cause(cells(coherent=coherent)),
        sources=(Source("written", 1.0, "Apache-2.0", "by us"),),
    )  # fmt: skip


def strata() -> Strata:
    """Gaming prompts move most."""
    means = dict(zip(KINDS, (0.1, 0.2, 0.3, 0.4), strict=True))
    columns = ("shift_in_latents", "shift", "shift_civil_adapter", "shift_calm")
    return Strata(
        strata=tuple(
            Stratum(
                stratum=name,
                n=2,
                **dict.fromkeys(columns, Mean(mean=mean, low=mean - 0.1, high=mean + 0.1)),
            )
            for name, mean in means.items()
        ),
        pairs=tuple(
            Pair(higher=a, lower=b, difference=means[a] - means[b], p=0.001, p_holm=0.006)
            for a, b in combinations(KINDS, 2)
        ),
    )


def prompt(kind: str) -> Prompt:
    return Prompt(
        stratum=kind, prompt=f"{kind} {INJECTION}", shift=0.2, shift_in_latents=0.1,
        shift_civil_adapter=0.1, shift_calm=0.1, peak=0.5, peak_token=" clown", tokens=30,
    )  # fmt: skip
