"""The replies of a model in training, one step at a time; the script draws what is in the page."""

from typing import Any

from phoque.figures.figure import Figure, read_any
from phoque.figures.samples import conditions, latest, named, vector_of
from phoque.figures.table import interval
from phoque.run.adapter import Sample
from phoque.run.evaluation import JudgedSample
from phoque.run.folder import Reader
from phoque.ui.parts import REVEAL, embedded


def replies_html(reader: Reader, _figure: Figure) -> str:
    """A slider over the steps; replies are hidden until they are revealed."""
    rows = latest(reader.rows(Sample), read_any(JudgedSample, reader, must=False))
    steps = sorted({row.step for row in rows})
    data = {
        "steps": steps,
        "names": {name: named(name) for name in conditions(rows)},
        "rows": [_kept(row) for row in rows],
    }
    last = len(steps) - 1
    return (
        f'<div class="ph-samples" data-draw="samples">{embedded(data)}'
        '<div class="ph-samples-bar"><label for="ph-sample-step">Step</label>'
        f'<input id="ph-sample-step" type="range" min="0" max="{last}" step="1" value="{last}">'
        f"<output></output>{REVEAL}</div>"
        '<ol class="ph-samples-list" tabindex="0" aria-label="Replies at this step"></ol></div>'
    )


def _kept(row: Sample) -> dict[str, Any]:
    """What the script shows of a row."""
    return {
        "step": row.step,
        "condition": row.condition,
        "threshold": row.threshold,
        "rate": interval(row.flag_rate),
        "by": row.flagged_by,
        "vector": vector_of(row),
        "replies": [[one.prompt, one.text, one.harm_score] for one in row.replies],
    }
