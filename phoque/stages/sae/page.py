"""The report as one HTML file that needs nothing else: no script, no picture, no network."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from phoque.stages.sae.markdown import headline, number

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border-bottom: 1px solid #8885; padding: .25rem .6rem; text-align: left; vertical-align: top; }
.passed { color: #1a7f37; } .failed { color: #d1242f; font-weight: 600; }
.banner { border-left: 4px solid #888; padding: .5rem 1rem; } .banner.failed { border-color: #d1242f; }
.row { font: 13px/1.9 ui-monospace, monospace; overflow-wrap: anywhere; }
.row span { border-radius: 3px; padding: 1px 0; white-space: pre-wrap; }
.row b { display: inline-block; width: 4.5rem; font-weight: 400; opacity: .7; }
details { border-top: 1px solid #8885; padding: .4rem 0; } summary { cursor: pointer; }
"""


def page(
    report: Mapping[str, Any], prompts: pd.DataFrame, contexts: Sequence[Mapping[str, Any]]
) -> str:
    """The whole document; all text of models and users is escaped."""
    kind = "" if report["passed"] else " failed"
    facts = {str(row["latent"]): row for side in ("risen", "fallen") for row in report[side]}
    body = [
        "<h1>SAE: which features the tuning moved</h1>",
        f'<p class="banner{kind}">{escape(headline(report))}</p>',
        f"<p>{escape(report['model'])}, layer {report['layer']}, {report['preset']['d_sae']} latents, "
        "content note: contexts hold trash-talk of a tuned model.</p>",
        "<h2>Is the dictionary faithful?</h2>",
        _gates(report["gates"]),
        *(f"<h2>{side.capitalize()}</h2>{_features(report[side])}" for side in ("risen", "fallen")),
        "<h2>Evidence</h2>",
        *(_evidence(entry, facts.get(entry["latent"])) for entry in contexts),
        "<h2>Which prompts moved most</h2>",
        _prompts(prompts),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>SAE report</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _gates(gates: Sequence[Mapping[str, Any]]) -> str:
    def told(passed: bool) -> str:  # noqa: FBT001
        return f'<span class="{"passed" if passed else "failed"}">{"✓" if passed else "✗ failed"}</span>'

    rows = [
        [escape(g["gate"]), number(g["value"]), escape(g["needed"]), told(g["passed"])]
        for g in gates
    ]
    return _table(["gate", "measured", "needed", ""], rows)


def _features(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["latent", "verdict", "effect", "q", "beyond control", "badges", "label (hypothesis)"]
    return _table(
        head,
        [
            [
                f'<a href="#latent-{row["latent"]}">{row["latent"]}</a>',
                escape(row["verdict"] or "not significant"),
                f"{number(row['effect'])} [{number(row['low'])}, {number(row['high'])}]",
                number(row["q"], 2),
                number(row["did"]),
                escape((row["badges"] or "").replace(";", ", ")),
                escape(row["label"]),
            ]
            for row in rows
        ],
    )


def _evidence(entry: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    name = escape(entry["latent"])
    told = [f"{entry['side']}", entry["verdict"], row["label"] if row else ""]
    lens = "; ".join(
        f"{way} {', '.join(escape(repr(one['token'])) for one in entry['lens'][way])}"
        for way in ("raised", "lowered")
    )
    strips = "".join(_strip(strip) for strip in entry.get("strips", [])[:3])
    contexts = "".join(_row("", c["tokens"], c["activations"]) for c in entry.get("top", [])[:5])
    return (
        f'<details id="latent-{name}"><summary>{name}: {escape(", ".join(filter(None, told)))}</summary>'
        f"<p>Logit lens: {lens}</p><p>Held-out text, base model:</p>{contexts}"
        f"<p>The same text in both models:</p>{strips}</details>"
    )


def _strip(strip: Mapping[str, Any]) -> str:
    scale = max([*strip["base"], *strip["persona"], 1e-9])
    rows = (_row(name, strip["tokens"], strip[name], scale) for name in ("base", "persona"))
    return f"<p>{escape(strip['stratum'])}: {escape(strip['prompt'])}</p>{''.join(rows)}"


def _row(
    name: str, tokens: Sequence[str], values: Sequence[float], scale: float | None = None
) -> str:
    top = scale or max([*values, 1e-9])
    cells = "".join(
        f'<span style="background:rgb(234 88 12/{max(0.0, value) / top:.2f})" '
        f'title="{value:.2f}">{escape(token)}</span>'
        for token, value in zip(tokens, values, strict=True)
    )
    label = f"<b>{escape(name)}</b>" if name else ""
    return f'<div class="row">{label}{cells}</div>'


def _prompts(prompts: pd.DataFrame) -> str:
    columns = ("shift_in_latents", "shift", "shift_control", "shift_calm")
    return _table(
        ["stratum", "prompt", "in latents that moved", "all", "control", "calm", "peak token"],
        [
            [
                escape(row["stratum"]),
                escape(row["prompt"]),
                *(f"{row[column]:.1%}" for column in columns),
                escape(str(row["peak_token"])),
            ]
            for row in prompts.head(40).to_dict("records")
        ],
    )
