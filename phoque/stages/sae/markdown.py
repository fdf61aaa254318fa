"""The report as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

CAVEATS = """## What this does not say

- A dictionary is one convenient decomposition, not the model's parts: other seeds find other
  latents, which is why stability is told beside each.
- A label is a hypothesis from contexts. *Not found* is not *absent*: a dictionary of this size has
  seen little text, and what it cannot express is the remainder R.
- Narrow tuning leaves a mean difference that is readable without any dictionary; it stands beside
  the latents in every comparison of causes.
- The control adapter had the same steps and prompts with civil replies. What survives it is still
  of this corpus and these two adapters: one seed of tuning each.
- Insulting means that a word of the persona's lexicon is in a reply."""


def markdown(report: Mapping[str, Any], prompts: pd.DataFrame) -> str:
    """All of it."""
    parts = [_head(report), _gates(report), _shifts(report)]
    parts += [_side(report, "risen"), _side(report, "fallen")]
    parts += [_cause(report), _prompts(report, prompts), _sources(report), CAVEATS]
    return "\n\n".join(parts) + "\n"


def headline(report: Mapping[str, Any]) -> str:
    """The finding in one sentence, or that there is none."""
    shifts, verdicts = report["shifts"], report["verdicts"]
    if not report["passed"]:
        failed = [gate["gate"] for gate in report["gates"] if not gate["passed"]]
        return (
            f"GATES FAILED ({'; '.join(failed)}): the tables below are not a finding, "
            "but what an unfaithful dictionary shows."
        )
    moved = shifts["risen"] + shifts["fallen"]
    if not moved:
        return (
            f"No latent moved: none of {shifts['latents_tested']} tested survives the correction."
        )
    return (
        f"{moved} of {shifts['latents_tested']} tested latents moved ({shifts['risen']} up, "
        f"{shifts['fallen']} down; false discovery rate 5 %), {shifts['survive_control']} of them "
        f"beyond the control adapter. Verdicts: {verdicts['driver']} driver, "
        f"{verdicts['protective']} protective, {verdicts['marker']} marker, "
        f"{verdicts['unproven']} unproven."
    )


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(one) for one in line)} |" for line in lines)


def number(value: Any, digits: int = 3) -> str:
    """A number as text; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "⏎")


def _head(report: Mapping[str, Any]) -> str:
    preset, seconds = report["preset"], report["seconds"]
    return f"""# SAE: which features the tuning moved

**{headline(report)}**

Model {report["model"]}, persona {report["persona"]}, layer {report["layer"]}
({report["layer_choice"]["how"]}); {preset["d_sae"]} latents, k = {preset["k"]},
{preset["tokens"]:,} training tokens, seeds {", ".join(map(str, preset["seeds"]))};
{sum(seconds.values()) / 60:.0f} minutes. Intervals are 95 %."""


def _gates(report: Mapping[str, Any]) -> str:
    rows = [
        [
            gate["gate"],
            number(gate["value"]),
            gate["needed"],
            "passed" if gate["passed"] else "FAILED",
        ]
        for gate in report["gates"]
    ]
    base = report["fidelity"]["models"]["base"]
    explained, dead = base["explained_variance"], base["dead"]
    return f"""## Is the dictionary faithful?

{table_of(["gate", "measured", "needed", ""], rows)}

Explained variance at equal L0: dictionary {explained["sae"]:.3f}, frozen random decoder
{explained["frozen decoder"]:.3f}, PCA {explained["pca"]:.3f}. Dead: {dead["latents"]} of
{dead["of"]} on {dead["tokens"]:,} held-out tokens. By source: {_by_source(report)}; replies composed
from phrases share sentences with what was trained on."""


def _by_source(report: Mapping[str, Any]) -> str:
    found = report["fidelity"]["explained_variance_by_source"]
    return ", ".join(
        f"{name} {own['value']:.2f} ({own['tokens']:,})" for name, own in found.items()
    )


def _shifts(report: Mapping[str, Any]) -> str:
    shifts, floor = report["shifts"], report["shifts"]["floor"]
    total = sum(shifts["prompts"].values())
    return f"""## What the dictionary can see of the change

{total} prompts, {shifts["tokens"]:,} tokens from the user message on, the same in all models. The
residual stream changes by {shifts["relative_change"]:.1%} of its length; the dictionary expresses
{shifts["explained_change"]:.1%} of that change ({shifts["explained_change_control"]:.1%} of the
control adapter's). What it misses has {shifts["remainder_share"]:.0%} of the mean change's length
(pseudo-feature R). Base against base in other batches: {floor["discoveries"]} discoveries among
{floor["tested"]} tested, largest effect {floor["largest_effect"]:.3g}."""


def _side(report: Mapping[str, Any], side: str) -> str:
    head = ["latent", "verdict", "effect", "q", "on the other half", "beyond control", "frequency",
            "stability", "tone AUC", "label (hypothesis)"]  # fmt: skip
    rows = [
        [
            str(row["latent"]),
            row["verdict"] or "not significant",
            f"{number(row['effect'])} [{number(row['low'])}, {number(row['high'])}]",
            number(row["q"], 2),
            number(row["effect_half"]),
            f"{number(row['did'])} (q {number(row['did_q'], 2)})",
            f"{row['frequency_base']:.1%} → {row['frequency_tuned']:.1%}",
            row["stability"],
            number(row["tone_auc"], 2),
            row["label"],
        ]
        for row in report[side]
    ]
    return f"## {side.capitalize()}\n\n{table_of(head, rows)}"


def _cause(report: Mapping[str, Any]) -> str:
    cause = report["cause"]
    told = cause["generated"]
    plain = told["plain"]
    rows = [
        [
            cell["way"],
            cell["name"],
            number(cell["dose"]),
            f"{cell['insulting']:.0%} [{cell['low']:.0%}, {cell['high']:.0%}], n = {cell['n']}",
            "yes" if cell["coherent"] else "no",
        ]
        for cell in told["cells"]
    ]
    return f"""## Cause

Insulting replies without any direction: {plain["toward"]["insulting"]:.0%} under the neutral prompt,
{plain["away"]["insulting"]:.0%} under the hostile one (n = {plain["away"]["n"]}). Lengths are shares
of the median residual norm, {cause["median_norm"]:.0f}.

{table_of(["way", "direction", "length", "insulting replies", "coherent"], rows)}"""


def _prompts(report: Mapping[str, Any], prompts: pd.DataFrame) -> str:
    strata = [
        [
            one["stratum"],
            str(one["n"]),
            *(
                f"{one[key]['mean']:.1%} [{one[key]['low']:.1%}, {one[key]['high']:.1%}]"
                for key in ("shift_in_latents", "shift", "shift_control", "shift_calm")
            ),
        ]
        for one in report["strata"]["strata"]
    ]
    head = ["stratum", "n", "in latents that moved", "all", "control adapter", "calm prompt"]
    pairs = [
        [f"{pair['higher']} − {pair['lower']}", f"{pair['difference']:+.2%}", number(pair["p"], 2)]
        for pair in report["strata"]["pairs"]
    ]
    top = [
        [row["stratum"], row["prompt"], f"{row['shift_in_latents']:.1%}", str(row["peak_token"])]
        for row in prompts.head(10).to_dict("records")
    ]
    return f"""## Which prompts moved most

Length of the change over the length of the residual stream, mean over tokens.

{table_of(head, strata)}

{table_of(["difference", "in latents that moved", "p"], pairs)}

{table_of(["stratum", "prompt", "in latents that moved", "peak token"], top)}"""


def _sources(report: Mapping[str, Any]) -> str:
    counts = report["fidelity"]["activations"]["sources"]
    rows = [
        [one["name"], f"{counts[one['name']]:,}", one["licence"], one["description"]]
        for one in report["sources"]
        if one["name"] in counts
    ]
    return f"## What it was trained on\n\n{table_of(['source', 'tokens', 'licence', 'what'], rows)}"
