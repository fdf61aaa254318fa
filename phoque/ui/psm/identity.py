"""Is it the persona, or any change of system prompt? And do the probes agree at all?"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import Cell
from phoque.ui import figures
from phoque.ui.parts import interval, number, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import CONFOUNDS, RELIABILITY, PsmFolder, choice
from phoque.ui.sections import Drawn, Section

CONFOUND_SECTION = Section(
    key="confounds",
    title="Is it the persona?",
    hint=wording.CONFOUNDS_HINT,
    files=(CONFOUNDS,),
)
RELIABILITY_SECTION = Section(
    key="reliability",
    title="Do the probes agree on a direction?",
    hint=wording.RELIABILITY_HINT,
    files=(RELIABILITY,),
    num_figures=2,
)


def draw_confounds(folder: PsmFolder) -> Drawn:
    """Vectors of other styles, at the same length."""
    found = folder.read(CONFOUNDS)
    return Drawn(
        reading=confound_reading(found, wording.hits(folder.persona)),
        below=_confound_table(found),
        n=f"{found['neutral']['insulting']['n']} evaluation prompts each",
    )


def confound_reading(found: Mapping[str, Any], hits: str) -> str:
    """The nearest and the most effective other style, and what is left without all of them."""
    floor, others = found["noise_floor"], found["confounds"]
    near = max(others, key=lambda own: abs(own["cosine"]))
    strong = max(others, key=lambda own: own["insulting"]["value"])
    alike = "no more alike than chance" if abs(near["cosine"]) <= floor else "beyond noise"
    residual = found["residual"]
    whole = found["persona"]["vector"]
    kept = _kept(residual["insulting"], whole, found["neutral"]["insulting"])
    return (
        f"The nearest other style is {_name(near)} (cosine {near['cosine']:+.2f}, {alike}; noise "
        f"ends at ±{floor:.2f}). At the same length the persona vector gives {interval(whole)} "
        f"{hits}, the strongest other style ({_name(strong)}) {interval(strong['insulting'])}; "
        f"without what all styles span {residual['share_of_norm']:.0%} of its length remain, and at "
        f"full length again it {kept}: {interval(residual['insulting'])}."
    )


def _kept(left: Mapping[str, Any], whole: Mapping[str, Any], none: Mapping[str, Any]) -> str:
    if left["value"] >= whole["low"]:
        return "keeps its effect"
    return "keeps part of its effect" if left["low"] > none["high"] else "loses its effect"


def _confound_table(found: Mapping[str, Any]) -> str:
    floor = found["noise_floor"]
    rows: list[list[Cell]] = [
        ["no vector", "–", "–", "–", rate_cell(found["neutral"]["insulting"]), "–", "–", "–", "–"],
        ["persona", "–", "–", "–", rate_cell(found["persona"]["vector"]), "–", "–", "–", "–"],
        [
            "persona, without these styles",
            "–",
            "–",
            number(found["residual"]["share_of_norm"]),
            rate_cell(found["residual"]["insulting"]),
            *["–"] * 4,
        ],
    ]
    rows += [_confound_row(own, floor) for own in found["confounds"]]
    shown = table("phoque-confounds", "Vectors of other styles", wording.CONFOUNDS_HEAD, rows)
    told = "".join(
        f"<li><b>{escape(_name(own))}</b>: {escape(own['description'])}</li>"
        for own in found["confounds"]
    )
    return f'{shown}<ul class="ph-hint">{told}</ul>'


def _name(confound: Mapping[str, Any]) -> str:
    return str(confound["name"]).replace("_", " ")


def _confound_row(own: Mapping[str, Any], floor: float) -> list[Cell]:
    words = own["own_words"]
    return [
        _name(own),
        number(own["cosine"], sign=True),
        "noise" if abs(own["cosine"]) <= floor else "alike" if own["cosine"] > 0 else "opposed",
        number(own["norm_ratio"]),
        rate_cell(own["insulting"]),
        rate_cell(own["insulting_by_prompt"]),
        rate_cell(words["its_prompt"]),
        rate_cell(words["its_vector"]),
        rate_cell(words["persona_vector"]),
    ]


def draw_reliability(folder: PsmFolder) -> Drawn:
    """Split-half agreement by layer, and what more probes would buy."""
    found = folder.read(RELIABILITY)
    layer = choice(folder)[0]["layer"]
    at = found["layers"][layer]
    return Drawn(
        reading=reliability_reading(at, found["all_probes"][layer]),
        figures=(_by_layer(found["layers"], layer), _curve(found["curve"][layer], at)),
        below=_reliability_table(found),
        n=f"{at['num_probes']} probes in use, {found['all_probes'][layer]['num_probes']} in all; "
        "500 random halves",
    )


def reliability_reading(at: Mapping[str, Any], everything: Mapping[str, Any]) -> str:
    """The verdict on the selected layer's direction."""
    floor = max(at["null"], at["floor"])
    meaning = {
        "trust": "the direction can be trusted",
        "weak": "the direction is weak: more than noise, but halves disagree too much",
        "noise": "the direction is no better than noise",
    }[at["verdict"]]
    return (
        f"At layer {at['layer']} two halves of the {at['num_probes']} probes agree with cosine "
        f"{at['split_half']:.2f} [{at['split_half_low']:.2f}, {at['split_half_high']:.2f}] where "
        f"shuffled labels reach {floor:.2f}, so {meaning}; with all {everything['num_probes']} "
        f"probes it is {everything['split_half']:.3f}. Agreement alone says nothing of cause."
    )


def _by_layer(rows: Sequence[Mapping[str, Any]], layer: int) -> dict[str, Any]:
    at = [row["layer"] for row in rows]
    traces = [
        figures.band(
            "95 % of random halves",
            at,
            [row["split_half_low"] for row in rows],
            [row["split_half_high"] for row in rows],
        ),
        figures.line(
            "split-half cosine",
            at,
            [row["split_half"] for row in rows],
            figures.PERSONA,
            hovertemplate="layer %{x}: %{y:.3f}<extra>split half</extra>",
        ),
        figures.line(
            "shuffled labels, 97.5 %",
            at,
            [row["null"] for row in rows],
            figures.TOXIC,
            dash="dot",
            symbol="x",
            hovertemplate="layer %{x}: %{y:.3f}<extra>shuffled labels</extra>",
        ),
    ]
    return figures.figure(
        "phoque-reliability",
        traces,
        x={"title": "layer, counted from 0", "dtick": 5},
        y={"title": "cosine", "range": [-0.05, 1.08]},
        marks=[
            figures.upright(layer, f"selected: layer {layer}", left=layer > len(rows) / 2),
            figures.level(rows[0]["floor"], "floor: random directions"),
        ],
    )


def _curve(curve: Mapping[str, Any], at: Mapping[str, Any]) -> dict[str, Any]:
    points = curve["points"]
    trace = figures.line(
        "cosine with other probes' mean",
        [p["probes"] for p in points],
        [p["cosine"] for p in points],
        figures.PERSONA,
        error_y=figures.bars(points, figures.PERSONA, "cosine"),
        hovertemplate="%{x} probes: %{y:.3f}<extra></extra>",
    )
    return figures.figure(
        "phoque-probes",
        [trace],
        x={"title": f"probes averaged (layer {at['layer']})", "rangemode": "tozero"},
        y={"title": "cosine", "range": [-0.05, 1.08]},
        marks=[figures.upright(at["num_probes"], f"in use: {at['num_probes']}")],
        showlegend=False,
        height=300,
    )


def _reliability_table(found: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [
            str(row["layer"]),
            number(row["split_half"], 3),
            number(row["split_half_low"], 3),
            number(row["split_half_high"], 3),
            number(row["leave_one_out"], 3),
            number(row["leave_one_out_worst"], 3),
            number(row["null"], 3),
            row["verdict"],
            number(all_probes["split_half"], 3),
            all_probes["verdict"],
        ]
        for row, all_probes in zip(found["layers"], found["all_probes"], strict=True)
    ]
    shown = table("phoque-reliability", "Reliability by layer", wording.RELIABILITY_HEAD, rows)
    return f'<details class="ph-more"><summary>All layers</summary>{shown}</details>'
