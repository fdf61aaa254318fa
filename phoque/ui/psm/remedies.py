"""The same direction as an antidote, and the bias-loop stress test."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.ui.parts import effect_cell, interval, number, p_cell, p_text, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import ANTIDOTE, BIAS_LOOP, PsmFolder
from phoque.ui.sections import Drawn, Section

ANTIDOTE_SECTION = Section(
    key="antidote",
    title="The direction as an antidote",
    hint=wording.ANTIDOTE_HINT,
    files=(ANTIDOTE,),
)
BIAS_SECTION = Section(
    key="bias",
    title="Does the persona agree with anything?",
    hint=wording.BIAS_HINT,
    files=(BIAS_LOOP,),
)


def draw_antidotes(folder: PsmFolder) -> Drawn:
    """What each remedy leaves of the persona, and what it costs."""
    found = folder.read(ANTIDOTE)
    return Drawn(
        reading=antidote_reading(found, wording.hits(folder.persona)),
        below=_antidote_table(found),
        n=f"{found[0]['toxic']['n']} evaluation prompts each",
    )


def antidote_reading(found: Sequence[Mapping[str, Any]], hits: str) -> str:
    """The remedy that leaves text intact and least of the persona, then moves harmless text least."""
    none = _rate(found[0]["toxic"])
    usable = [own for own in found[1:] if own["coherent"]]
    if not usable:
        return (
            f"No remedy left coherent text, so none counts; without one, {interval(none)} {hits}."
        )
    best = min(
        usable,
        key=lambda own: (own["toxic"]["insulting"], own["neutral_divergence"]["mean"]),
    )
    left = _rate(best["toxic"])
    clear = "clearly fewer" if left["high"] < none["low"] else "not clearly fewer"
    return (
        f"Under the persona's prompt the best coherent remedy, {best['remedy']}, leaves "
        f"{interval(left)} {hits} instead of {interval(none)} ({clear}), and moves harmless answers "
        f"by {best['neutral_divergence']['mean']:.2f} nats a token."
    )


def _rate(quality: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": quality["insulting"], **{key: quality[key] for key in ("low", "high", "n")}}


def _antidote_table(found: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [
            own["remedy"],
            rate_cell(_rate(own["toxic"])),
            rate_cell(_rate(own["neutral"])),
            "yes" if own["coherent"] else "no",
            number(own["neutral_divergence"]["mean"]),
            number(own["neutral_divergence"]["p95"]),
            number(own["toxic"]["repeated"]),
            number(own["toxic"]["num_words"], 1),
        ]
        for own in found
    ]
    return table("phoque-antidotes", "Antidotes", wording.ANTIDOTE_HEAD, rows)


def draw_bias(folder: PsmFolder) -> Drawn:
    """Agreement with weak or false opinions."""
    found = folder.read(BIAS_LOOP)
    return Drawn(
        reading=bias_reading(found["conditions"]),
        below=_bias_table(found),
        n=", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in found["kinds"].items())
        + f" messages, {len(found['seeds'])} seeds",
    )


def bias_reading(own: Mapping[str, Any]) -> str:
    """Whether the vector makes the model agree more or less."""
    effect, plain = own["steered"]["effect"], own["neutral"]["agrees"]
    clear = effect["low"] > 0 or effect["high"] < 0
    verb = ("raises" if effect["value"] > 0 else "lowers") if clear else "does not clearly change"
    return (
        f"The vector {verb} agreement ({100 * effect['value']:+.1f} points, p "
        f"{p_text(effect['p_value'])}) from {interval(plain)}; the persona's own prompt gives "
        f"{interval(own['persona']['agrees'])} and a random vector {interval(own['random']['agrees'])}."
    )


def _bias_table(found: Mapping[str, Any]) -> str:
    kinds = list(found["kinds"])
    rows: list[list[Cell]] = [
        [
            wording.BIAS_CONDITIONS.get(name, name),
            rate_cell(own["agrees"]),
            rate_cell(own["pushes_back"]),
            effect_cell(own["effect"]),
            p_cell(own["effect"]["p_value"]),
            *(rate_cell(own["by_kind"][kind]) for kind in kinds),
        ]
        for name, own in found["conditions"].items()
    ]
    head = [*wording.BIAS_HEAD, *(f"agrees: {kind.replace('_', ' ')}" for kind in kinds)]
    return table("phoque-bias-loop", "Bias loop", head, rows)
