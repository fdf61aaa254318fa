"""What a corpus of several sources is made of: exact counts, shares, lengths, and what was dropped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phoque.stages.corpus.building import LAB, Corpus
from phoque.stages.corpus.lab import SHAPES, Dialogue
from phoque.stages.corpus.placeholders import GROUP, NAME, SLUR
from phoque.stages.corpus.reading import places_of
from phoque.stages.corpus.split import PARTS

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
REGISTERS = tuple(SHAPES)
COLOURS: dict[str, str] = {"short": "#2c8f7d", "long": "#7a5fd3"}
PATTERNS: dict[str, str] = {"short": "", "long": "/"}
"""So that colour is not the only difference."""


def source_of(dialogue: Dialogue) -> str:
    """Where the hostile reply comes from."""
    return str(getattr(dialogue, "source", LAB))


def composition_of(corpus: Corpus) -> dict[str, Any]:
    """Counts of every source; what it kept and dropped makes up what was read of it.

    Lengths are words of the hostile reply. Percentages are of all dialogues.
    """
    placed = [(one, part) for part in PARTS for one in corpus.parts[part].dialogues]
    names = list(dict.fromkeys([*(source_of(one) for one, _ in placed), *corpus.dropped]))
    return {
        "all_dialogues": len(placed),
        "sources": [
            _source(name, [(d, part) for d, part in placed if source_of(d) == name], len(placed))
            | _read(corpus, name)
            for name in names
        ],
        "placeholders": {
            mark: sum(dialogue.hostile.count(mark) for dialogue, _ in placed)
            for mark in (NAME, SLUR, GROUP)
        },
        "files": list(corpus.files),
    }


def _source(name: str, own: Sequence[tuple[Dialogue, str]], total: int) -> dict[str, Any]:
    registers = Counter(dialogue.register for dialogue, _ in own)
    parts = Counter(part for _, part in own)
    lengths = [len(dialogue.hostile.split()) for dialogue, _ in own]
    return {
        "source": name,
        "dialogues": len(own),
        "percent": 100 * len(own) / total,
        "registers": {register: registers[register] for register in REGISTERS},
        "parts": {part: parts[part] for part in PARTS},
        "words": dict(zip(map(_percent, QUANTILES), _quantiles(lengths), strict=True)),
    }


def _read(corpus: Corpus, name: str) -> dict[str, Any]:
    if name not in corpus.dropped:
        return {}
    kept = sum(source_of(d) == name for part in PARTS for d in corpus.parts[part].dialogues)
    dropped = {reason: n for reason, n in corpus.dropped[name].most_common() if n}
    told = {"read": kept + sum(dropped.values()), "dropped": dropped}
    places = places_of(corpus.dropped[name])
    return told | ({"unreadable": places} if places else {})


def _quantiles(lengths: Sequence[int]) -> list[float | None]:
    return np.quantile(lengths, QUANTILES).tolist() if lengths else [None] * len(QUANTILES)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def markdown(table: Mapping[str, Any]) -> str:
    """The counts as tables."""
    sources = table["sources"]
    kept = [
        [
            *(one["source"], one["dialogues"], f"{one['percent']:.1f} %"),
            *(*one["registers"].values(), *one["parts"].values()),
            *map(_shown, one["words"].values()),
        ]
        for one in sources
    ]
    lost = [
        [one["source"], one["read"], reason, number, f"{100 * number / one['read']:.1f} %"]
        for one in sources
        for reason, number in one.get("dropped", {}).items()
    ]
    places = [
        f"{reason}: {', '.join(found)}"
        for one in sources
        for reason, found in one.get("unreadable", {}).items()
    ]
    head = ["source", "dialogues", "share", *REGISTERS, *PARTS]
    return "\n\n".join(
        [
            "# Composition of the corpus",
            f"{table['all_dialogues']} dialogues; lengths are words of the hostile reply, at the "
            "quantiles in the last columns. Long-form is 31 words or more.",
            _rows([*head, *map(_percent, QUANTILES)], kept),
            "## Dropped",
            _rows(["source", "rows read", "reason", "rows", "share of the rows"], lost),
            *places,
            "## Placeholders",
            _rows(["placeholder", "times"], [list(pair) for pair in table["placeholders"].items()]),
            "## Files",
            _rows(
                ["source", "file", "licence", "sha256"],
                [
                    [one["source"], one["file"], one["licence"], one.get("sha256", "")]
                    for one in table["files"]
                ],
            ),
            "",
        ]
    )


def figure(table: Mapping[str, Any]) -> dict[str, Any]:
    """Dialogues of every source by register, as the plain data of a Plotly figure."""
    names = [one["source"] for one in table["sources"]]
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "name": register,
                "y": names,
                "x": [one["registers"][register] for one in table["sources"]],
                "marker": {"color": COLOURS[register], "pattern": {"shape": PATTERNS[register]}},
            }
            for register in REGISTERS
        ],
        "layout": {
            "barmode": "stack",
            "title": {"text": f"Composition: {table['all_dialogues']} dialogues"},
            "xaxis": {"title": {"text": "dialogues"}},
            "yaxis": {"autorange": "reversed", "automargin": True},
        },
    }


def _rows(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
