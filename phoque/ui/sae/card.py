"""The dictionary's model card: is it faithful, to both models?"""

from collections.abc import Mapping
from html import escape
from typing import Any

from phoque.figures.table import Cell, Value
from phoque.ui.parts import more, number, share_cell, table
from phoque.ui.sae import wording
from phoque.ui.sae.data import REPORT, SaeFolder
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="card",
    title="Can this dictionary be trusted?",
    hint=wording.CARD_HINT,
    files=(REPORT, "cfg.json", "sae_weights.safetensors"),
)


def draw(folder: SaeFolder) -> Drawn:
    """Gates, rivals, facts and sources."""
    report = folder.report
    held = report["fidelity"]["held_out"]
    return Drawn(
        reading=reading(report),
        above=_facts(report),
        below=_gates(report) + _rivals(report) + _sources(report),
        n=f"{held['tokens']} tokens of {held['texts']} held-out texts, half of them for the gates",
    )


def reading(report: Mapping[str, Any]) -> str:
    """Whether every gate held, and how much of the change the dictionary can see at all."""
    gates, shifts = report["gates"], report["shifts"]
    failed = [gate["gate"] for gate in gates if not gate["passed"]]
    verdict = (
        f"GATES FAILED ({'; '.join(failed)}): what stands below is no finding."
        if failed
        else f"All {len(gates)} gates held."
    )
    return (
        f"{verdict} The dictionary expresses {shifts['explained_change']:.0%} of the change that "
        f"tuning made ({shifts['explained_change_control']:.0%} of the control adapter's): it says "
        "nothing about the rest, which stands below as R."
    )


def _facts(report: Mapping[str, Any]) -> str:
    told = {**report["preset"], "layer": report["layer"]}
    facts = {label: told[key] for key, label in wording.CARD_FACTS.items()}
    rows = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(_shown(value))}</dd></div>"
        for label, value in facts.items()
    )
    return f'<dl class="ph-cards">{rows}</dl>'


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _gates(report: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [
            gate["gate"],
            number(gate["value"], 3),
            gate["needed"],
            Value("✓ held" if gate["passed"] else "✗ FAILED", {"": gate["passed"]}),
        ]
        for gate in report["gates"]
    ]
    return f'<div class="ph-gates">{table("phoque-gates", "Gates", wording.GATES_HEAD, rows)}</div>'


def _rivals(report: Mapping[str, Any]) -> str:
    models = report["fidelity"]["models"]
    rows: list[list[Cell]] = [
        [
            text,
            *(number(models[name]["explained_variance"][kind], 3) for name in models),
            *(_recovered(models[name]["loss_recovered"]["zero"][kind]) for name in models),
        ]
        for kind, text in wording.RIVALS.items()
    ]
    return table("phoque-rivals", "Beside rivals at equal L0", wording.RIVALS_HEAD, rows)


def _recovered(found: Mapping[str, Any]) -> Cell:
    fields = {"": found["value"], " low": found["low"], " high": found["high"]}
    return Value(f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]", fields)


def _sources(report: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [source["name"], share_cell(source["share"]), source["licence"], source["description"]]
        for source in report["sources"]
    ]
    made = table("phoque-sae-sources", "Training text", wording.SOURCES_HEAD, rows)
    return more(wording.SOURCES_SUMMARY, made)
