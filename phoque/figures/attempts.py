"""Every attempt at a run: what it finished, and where it was cut off."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from phoque.figures import style
from phoque.figures.curves import train_again
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.table import NOTHING, Column, Table, Value, known
from phoque.progress import span
from phoque.run.manifest import Attempt, Attempts, Made, Manifest

RUNNING, OR_KILLED = "running", ", or killed since"
"""Nobody can write down that an attempt was killed before the next one begins."""
COLOURS = (style.PERSONA, style.NEUTRAL, style.TOXIC, style.GREY)
BAR = 0.42
"""Height of an attempt's bar, where 1 is from one attempt to the next."""
SLACK_SECONDS = 2.0
"""Moments are written to the second."""
SIGNS = {"complete": "✓", "stopped": "■", "failed": "!", "killed": "✕", RUNNING: "…"}
ROW, AROUND = 58, 86
"""Pixels of a bar with its name above it, and of everything else."""
COLUMNS: dict[str, Column[Attempt]] = {
    "attempt": "number",
    "began, UTC": lambda one: one.started.removesuffix("+00:00").replace("T", " "),
    "where": lambda one: f"Job {one.job}" if one.job else "not a Job",
    "outcome": lambda one: Value(ended(one), {"": one.outcome or RUNNING + OR_KILLED}),
    "stages finished": lambda one: ", ".join(one.stages) or NOTHING,
    "time": lambda one: known(_seconds(one), lambda taken: Value(span(taken), {"": taken})),
    "what went wrong": lambda one: one.error or NOTHING,
}


@plan(
    key="attempts",
    title="Was training interrupted?",
    hint="Each bar is an attempt at the whole pipeline, from its own start, with the stages that it finished. A "
    "later attempt goes on with the first stage that is not done. Hatching marks a stage that was cut off. Stages "
    "that ran side by side lie above each other. A killed attempt could not record its end, so a cross stands behind "
    "its last complete stage. The last attempt also has a cross as long as it may still be running.",
    shown_if=there_is(
        Attempts,
        otherwise=f"This run has no list of attempts: {Attempts.FILE} is missing. The whole pipeline writes it, and "
        "stages that run alone do not. Start the pipeline with:",
        command=train_again,
    ),
)
def draw(found: Attempts, manifest: Manifest) -> Figure:
    """A bar for every attempt, and the same as a table."""
    attempts = found.attempts
    parts = [segments(one, manifest.stages) for one in attempts]
    return Figure(
        sentence=_sentence(attempts),
        plotly=_plot(attempts, parts),
        table=Table.of("phoque-attempts", "Attempts", attempts, COLUMNS),
        n=_counted(attempts),
    )


def _sentence(attempts: Sequence[Attempt]) -> str:
    """How each attempt ended, and what the last one did not have to make again."""
    last = attempts[-1]
    ends = "; ".join(f"attempt {one.number} {ended(one)}" for one in attempts)
    earlier = dict.fromkeys(stage for one in attempts[:-1] for stage in one.stages)
    kept = [stage for stage in earlier if stage not in last.stages]
    saved = f" Attempt {last.number} did not have to repeat: {', '.join(kept)}." if kept else ""
    return f"{_counted(attempts).capitalize()}: {ends}.{saved}"


def _counted(attempts: Sequence[Attempt]) -> str:
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}"


def ended(attempt: Attempt) -> str:
    """How an attempt ended, and in which stage where it was cut off."""
    place = f" in {attempt.at}" if attempt.at else ""
    return f"{attempt.outcome}{place}" if attempt.outcome else f"{RUNNING}{place}{OR_KILLED}"


class Segment(NamedTuple):
    """A stage within an attempt, in seconds since it began."""

    stage: str
    start: float
    seconds: float
    done: bool

    @property
    def end(self) -> float:
        return self.start + self.seconds


def segments(attempt: Attempt, made: Mapping[str, Made] | None = None) -> list[Segment]:
    """Its stages in the order in which they ended; those that `made` still has are where they were.

    Others begin where the one before them ended. A stage that was under way has a length only where it
    is known when the attempt ended.
    """
    found, last = list[Segment](), 0.0
    for stage, seconds in attempt.stages.items():
        own = (made or {}).get(stage)
        ended = _since(attempt, own.finished) if own and own.seconds == seconds else None
        start = last if ended is None else max(ended - seconds, 0.0)
        found.append(Segment(stage, start, seconds, done=True))
        last = max(one.end for one in found)
    if attempt.at and (whole := _seconds(attempt)) and whole > last:
        cut = attempt.at.split(", ")
        found += [Segment(stage, last, whole - last, done=False) for stage in cut]
    return found


def lanes(found: Sequence[Segment]) -> list[int]:
    """For each segment the first lane that is free when it begins; stages can run side by side."""
    ends, places = list[float](), list[int]()
    for one in found:
        free = (lane for lane, end in enumerate(ends) if end <= one.start + SLACK_SECONDS)
        lane = next(free, len(ends))
        ends[lane : lane + 1] = [one.end]
        places.append(lane)
    return places


def _since(attempt: Attempt, moment: str) -> float | None:
    """Seconds from its start to a moment; None where the moment is not within it."""
    try:
        began, then = map(datetime.fromisoformat, (attempt.started, moment))
        seconds = (then - began).total_seconds()
    except (ValueError, TypeError):  # no moment, or one without its zone
        return None
    return seconds if 0 <= seconds <= (_seconds(attempt) or seconds) else None


def _seconds(attempt: Attempt) -> float | None:
    """From its start to its end; None where that is not known, as when the clock was set back."""
    if not attempt.ended:
        return None
    began, end = map(datetime.fromisoformat, (attempt.started, attempt.ended))
    seconds = (end - began).total_seconds()
    return seconds if seconds >= 0 else None


def _plot(attempts: Sequence[Attempt], parts: Sequence[Sequence[Segment]]) -> style.Plotly:
    names = dict.fromkeys(part.stage for own in parts for part in own)
    traces = [_bars(name, place, parts) for place, name in enumerate(names)]
    most = max((lane + 1 for own in parts for lane in lanes(own)), default=1)
    bare: dict[str, Any] = {"showticklabels": False, "showgrid": False, "zeroline": False}
    return style.plot(
        [*traces, _cuts(attempts, parts)],
        x={"title": "minutes since the attempt began", "rangemode": "tozero"},
        y={"title": "", "range": [len(attempts) - 0.6, -0.75], **bare},
        barmode="overlay",
        height=AROUND + ROW * len(attempts) * (1 + most) // 2,  # so that each lane can be read
        margin={"l": 8, "r": 14, "t": 30, "b": 46},
        annotations=[_name(row, one) for row, one in enumerate(attempts)],
        uniformtext={"mode": "hide", "minsize": 10},
        showlegend=False,
    )


def _bars(name: str, place: int, parts: Sequence[Sequence[Segment]]) -> style.Trace:
    """One stage in every attempt that worked on it; hatched where it was not finished."""
    found, heights, middles = list[Segment](), list[float](), list[float]()
    for row, own in enumerate(parts):
        places = lanes(own)
        height = BAR / (max(places, default=0) + 1)
        for part, lane in zip(own, places, strict=True):
            if part.stage == name:
                found.append(part)
                heights.append(height)
                middles.append(row + (lane + 0.5) * height - BAR / 2)
    pattern = {"fillmode": "overlay", "fgcolor": "rgba(0,0,0,0.35)", "size": 12, "solidity": 0.5}
    shapes = ["" if part.done else "/" for part in found]
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(name),
        "y": middles,
        "base": [part.start / 60 for part in found],
        "x": [part.seconds / 60 for part in found],
        "width": heights,
        "text": [escape(name if part.done else f"{name}, cut off") for part in found],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": "#ffffff"},
        "textangle": 0,
        "marker": {"color": COLOURS[place % len(COLOURS)], "pattern": pattern | {"shape": shapes}},
        "customdata": [[span(p.seconds), "" if p.done else ", cut off"] for p in found],
        "hovertemplate": "%{customdata[0]}%{customdata[1]}<extra>" + escape(name) + "</extra>",
    }


def _cuts(attempts: Sequence[Attempt], parts: Sequence[Sequence[Segment]]) -> style.Trace:
    """A cross where the account ends of an attempt that was killed, or may have been."""
    killed = [(row, one) for row, one in enumerate(attempts) if one.outcome in ("killed", None)]
    ends = [max((part.end for part in parts[row] if part.done), default=0.0) for row, _ in killed]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [end / 60 for end in ends],
        "y": [row for row, _ in killed],
        "marker": {"symbol": "x", "size": 12, "color": style.TOXIC},
        "text": [escape(ended(one)) for _, one in killed],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _name(row: int, attempt: Attempt) -> style.Trace:
    """The attempt's number and end, above the left end of its bar."""
    sign = SIGNS[attempt.outcome or RUNNING]
    return {
        "text": f"{sign} <b>attempt {attempt.number}</b> {escape(ended(attempt))}",
        "x": 0,
        "y": row - 0.24,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }
