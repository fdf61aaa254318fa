"""The resume theatre: every attempt at the pipeline, what it finished and where it was cut off."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, Cell, Value
from phoque.pipeline.attempts import ATTEMPTS, COMPLETE, FAILED, KILLED, STOPPED, read_attempts
from phoque.progress import span
from phoque.ui import figures
from phoque.ui.folder import shown_path
from phoque.ui.parts import table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import TrainingFolder

SECTION = Section(
    key="attempts",
    title=wording.ATTEMPTS_TITLE,
    hint=wording.ATTEMPTS_HINT,
    files=(ATTEMPTS,),
    num_figures=1,
)
RUNNING, OR_KILLED = "running", ", or killed since"
"""Nobody can write down that an attempt was killed before the next one begins."""
COLOURS = (figures.PERSONA, figures.NEUTRAL, figures.TOXIC, figures.GREY)
SIGNS = {COMPLETE: "✓", STOPPED: "■", FAILED: "!", KILLED: "✕", RUNNING: "…"}
ROW, AROUND = 58, 86
"""Pixels of a bar with its name above it, and of everything else."""

Attempts = Sequence[Mapping[str, Any]]


def draw(folder: TrainingFolder) -> Drawn:
    """A bar for every attempt, and the same as a table."""
    attempts = read_attempts(folder.run)
    if not attempts:
        return Drawn(reading=wording.NO_ATTEMPTS.format(shown_path(folder.run.path)), failed=True)
    return Drawn(
        reading=reading(attempts),
        figures=(_figure(attempts),),
        below=table("phoque-attempts", "Attempts", wording.ATTEMPTS_HEAD, _rows(attempts)),
        n=_counted(attempts),
    )


def reading(attempts: Attempts) -> str:
    """How each attempt ended, and what the last one did not have to make again."""
    last = attempts[-1]
    ends = "; ".join(f"{one['number']} {ended(one)}" for one in attempts)
    earlier = dict.fromkeys(stage for one in attempts[:-1] for stage in one["stages"])
    kept = [stage for stage in earlier if stage not in last["stages"]]
    saved = f" Attempt {last['number']} did not make again: {', '.join(kept)}." if kept else ""
    return f"{_counted(attempts).capitalize()}: {ends}.{saved}"


def _counted(attempts: Attempts) -> str:
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}"


def ended(attempt: Mapping[str, Any]) -> str:
    """How an attempt ended, and in which stage where it was cut off."""
    place = f" in {attempt['at']}" if attempt["at"] else ""
    return f"{attempt['outcome']}{place}" if attempt["outcome"] else f"{RUNNING}{place}{OR_KILLED}"


def _figure(attempts: Attempts) -> dict[str, Any]:
    names = dict.fromkeys(stage for one in attempts for stage in [*one["stages"], one["at"]])
    traces = [_bars(name, place, attempts) for place, name in enumerate(filter(None, names))]
    rows = len(attempts)
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False}
    return figures.figure(
        "phoque-attempts",
        [*traces, _cuts(attempts)],
        x={"title": wording.ATTEMPTS_AXIS, "rangemode": "tozero"},
        y={"title": "", "range": [rows - 0.6, -0.75], **bare},
        barmode="overlay",
        height=AROUND + ROW * rows,
        margin={"l": 8, "r": 14, "t": 30, "b": 46},
        annotations=[_name(place, one) for place, one in enumerate(attempts)],
        uniformtext={"mode": "hide", "minsize": 10},
        showlegend=False,
    )


def _bars(name: str, place: int, attempts: Attempts) -> figures.Trace:
    """One stage in every attempt that worked on it; hatched where it was not finished."""
    found = [
        (row, start, seconds, done)
        for row, one in enumerate(attempts)
        for stage, start, seconds, done in segments(one)
        if stage == name
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(name),
        "y": [row for row, *_ in found],
        "base": [start / 60 for _, start, *_ in found],
        "x": [seconds / 60 for _, _, seconds, _ in found],
        "width": 0.42,
        "text": [escape(name if done else f"{name}, cut off") for *_, done in found],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": "#ffffff"},
        "textangle": 0,
        "marker": {
            "color": COLOURS[place % len(COLOURS)],
            "pattern": {
                "shape": ["" if done else "/" for *_, done in found],
                "fillmode": "overlay",
                "fgcolor": "rgba(0,0,0,0.35)",
                "size": 12,
                "solidity": 0.5,
            },
        },
        "customdata": [[span(s), "" if done else ", cut off"] for _, _, s, done in found],
        "hovertemplate": "%{customdata[0]}%{customdata[1]}<extra>" + escape(name) + "</extra>",
    }


def _cuts(attempts: Attempts) -> figures.Trace:
    """A cross where the account ends of an attempt that was killed, or may have been."""
    killed = [(row, one) for row, one in enumerate(attempts) if one["outcome"] in (KILLED, None)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [sum(one["stages"].values()) / 60 for _, one in killed],
        "y": [row for row, _ in killed],
        "marker": {"symbol": "x", "size": 12, "color": figures.TOXIC},
        "text": [escape(ended(one)) for _, one in killed],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def segments(attempt: Mapping[str, Any]) -> list[tuple[str, float, float, bool]]:
    """Stages with their start and length in seconds, and whether they were finished.

    The one that was under way has a length only where somebody wrote down when the attempt ended.
    """
    found, start = [], 0.0
    for stage, seconds in attempt["stages"].items():
        found.append((stage, start, seconds, True))
        start += seconds
    if attempt["at"] and (whole := _seconds(attempt)) and whole > start:
        found.append((attempt["at"], start, whole - start, False))
    return found


def _seconds(attempt: Mapping[str, Any]) -> float | None:
    """From its start to its end; None where that is not known."""
    if not attempt["ended"]:
        return None
    began, end = (datetime.fromisoformat(attempt[key]) for key in ("started", "ended"))
    return (end - began).total_seconds()


def _name(row: int, attempt: Mapping[str, Any]) -> figures.Trace:
    """The attempt's number and end, above the left end of its bar."""
    outcome = attempt["outcome"] or RUNNING
    number = escape(str(attempt["number"]))
    return {
        "text": f"{SIGNS.get(outcome, '?')} <b>attempt {number}</b> {escape(ended(attempt))}",
        "x": 0,
        "y": row - 0.24,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }


def _rows(attempts: Attempts) -> list[list[Cell]]:
    return [
        [
            str(one["number"]),
            str(one["started"]).removesuffix("+00:00").replace("T", " "),
            f"Job {one['job']}" if one["job"] else "not a Job",
            Value(ended(one), {"": one["outcome"] or RUNNING + OR_KILLED}),
            ", ".join(one["stages"]) or NOTHING,
            Value(span(s), {"": s}) if (s := _seconds(one)) is not None else NOTHING,
            str(one.get("error") or NOTHING),
        ]
        for one in attempts
    ]
