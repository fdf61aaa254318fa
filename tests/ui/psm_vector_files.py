"""PSM records about the vector itself: reliability, confounds, origin, geometry."""

import math

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
from tests.records import a_rate

NUM_LAYERS, SELECTED = 6, 3
LAYERS = range(NUM_LAYERS)


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
                    **{s: Spread(mean=0.2 * place, std=0.1, low=0.1 * place, high=0.3 * place) for place, s in enumerate(states)})
        for name in ("refusal", "politeness") for i in LAYERS
    ]  # fmt: skip
    points = [[(math.cos(p + i / 9), math.sin(p + i / 9)) for p in range(12)] for i in LAYERS]
    groups = ("base civil", "base hostile", "tuned civil", "tuned hostile")
    return Geometry(
        pairs=3, layers={"base": table, "tuned": table}, directions=directions,
        map=MessageMap(groups=groups, size=3, points=points, explained=[0.6] * NUM_LAYERS),
    )  # fmt: skip
