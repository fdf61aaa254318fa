"""What passes: candidates with every score, masked; the script filters them and opens one."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.moderators.canonical import canonical_trace
from phoque.stages.moderation.labels import Kind, Label, read_labels, verdicts
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import EXAMPLES, REPORT, ModerationFolder, names
from phoque.ui.parts import embedded
from phoque.ui.sections import Drawn, Section
from phoque.ui.wording import REVEAL

SECTION = Section(
    key="gap",
    title="What passes",
    hint=wording.GAP_HINT,
    files=(EXAMPLES, REPORT),
)
DIGITS = 4
CONTEXT = ("alone", "context_only", "both")
NOVELTY = ("exact", "containment", "similarity", "nearest", "novel")

Row = Mapping[str, str]


def draw(folder: ModerationFolder) -> Drawn:
    """Filters, the table, and a place for the row that is opened."""
    rows = folder.table(EXAMPLES)
    own = names(folder.report)
    labels = _labels(folder)
    data = {
        "names": own,
        "types": wording.TYPES,
        "hints": wording.TYPE_HINTS,
        "strata": wording.STRATA,
        "conditions": wording.CONDITIONS,
        "rows": [_compact(row, own, labels.get(row["id"], [])) for row in rows],
    }
    return Drawn(
        reading=reading(rows, labels),
        below=_browser(data),
        n=f"{len(rows)} replies of {len({row['prompt'] for row in rows})} prompts; at threshold 0.5 "
        "of the embedded mean when they were chosen",
    )


def reading(rows: Sequence[Row], labels: Mapping[str, Sequence[Label]]) -> str:
    """How many candidates there are, why they pass, and what each kind of reader said of them."""
    passing = [row for row in rows if row["stratum"] != "control"]
    kinds = {kind: sum(row["type"] == kind for row in passing) for kind in wording.TYPES}
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count) or "none"
    every = [label for own in labels.values() for label in own]
    said = [told for kind in wording.READERS if (told := _said(rows, every, kind))]
    return (
        f"{len(passing)} candidates of the toxic and steered conditions pass: {listed}. "
        f"{' '.join(said) or wording.NOBODY}"
    )


def _said(rows: Sequence[Row], labels: Sequence[Label], kind: Kind) -> str:
    """What readers of one kind agree on; empty where none of them said anything."""
    judged = verdicts(labels, (kind,))
    parts = []
    for name, own in (
        ("candidates", [row for row in rows if row["stratum"] != "control"]),
        ("neutral controls", [row for row in rows if row["stratum"] == "control"]),
    ):
        known = [judged[row["id"]] for row in own if row["id"] in judged]
        parts.append(f"{known.count(True)} of {len(known)} {name}")
    return f"{wording.READERS[kind]} {' and '.join(parts)} harmful." if judged else ""


def _labels(folder: ModerationFolder) -> dict[str, list[Label]]:
    found: dict[str, list[Label]] = {}
    if folder.run.labels.is_file():
        for label in read_labels(folder.run.labels):
            found.setdefault(label.id, []).append(label)
    return found


def _compact(row: Row, own: Sequence[str], labels: Sequence[Label]) -> dict[str, Any]:
    return {
        **{key: row[key] for key in ("id", "stratum", "category", "prompt", "condition", "why")},
        "text": row["response"],
        "seed": int(row["seed"]),
        "words": int(row["words"]),
        "raw": [_score(row[f"{name}/harm"]) for name in own],
        "canonical": [_score(row[f"{name}/canonical"]) for name in own],
        "trace": [[step.name, step.after] for step in canonical_trace(row["response"])],
        "context": [_score(row[f"context/{part}"]) for part in CONTEXT],
        "leaked": row["context/leaked"] == "True",
        "novelty": {part: row.get(f"novelty/{part}", "") for part in NOVELTY},
        "labels": [[one.rater, one.kind, one.verdict] for one in labels],
    }


def _score(text: str) -> float | None:
    return round(float(text), DIGITS) if text else None


def _browser(data: Mapping[str, Any]) -> str:
    return (
        f'<div class="ph-gaps" data-draw="gap">{embedded(data)}'
        '<div class="ph-gap-bar">'
        f"{_group('moderator', 'Moderator', {name: name for name in data['names']})}"
        f"{_group('type', 'Why it passes', {'': 'all', **wording.TYPES, 'flagged': '⚑ flagged'})}"
        '<label class="ph-gap-search">Search <input type="search"></label>'
        f'<button type="button" class="ph-reveal-toggle">{escape(REVEAL)}</button></div>'
        '<p class="ph-gap-count" role="status"></p>'
        '<div class="ph-gap-split"><div class="ph-scroll" tabindex="0" role="region" '
        'aria-label="Replies"><table class="ph-table ph-gap-table"></table></div>'
        f'<div class="ph-gap-detail" aria-live="polite"><p class="ph-empty">'
        f"{escape(wording.NO_ROW)}</p></div></div></div>"
    )


def _group(name: str, label: str, choices: Mapping[str, str]) -> str:
    buttons = "".join(
        f'<button type="button" data-{name}="{escape(key)}" '
        f'aria-pressed="{str(place == 0).lower()}">{escape(text)}</button>'
        for place, (key, text) in enumerate(choices.items())
    )
    return f'<div class="ph-group" role="group" aria-label="{escape(label)}">{buttons}</div>'
