"""What changed between two corpora, with examples that can be shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phoque.lexicon import Lexicon

MOST_SHOWN = 5
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Dialogues by what became of them; a dialogue is its message and its hostile reply."""

    kept: int
    added: Rows
    removed: Rows

    def table(self, lexicon: Lexicon) -> dict[str, Any]:
        """Counts by source, and the first examples with the lexicon's words masked."""
        return {"kept": self.kept} | {
            name: {
                "dialogues": len(rows),
                "by_source": dict(Counter(str(row.get("source", "lab")) for row in rows)),
                "examples": [masked(row["hostile"], lexicon) for row in rows[:MOST_SHOWN]],
            }
            for name, rows in (("added", self.added), ("removed", self.removed))
        }


def difference(before: Rows, after: Rows) -> Difference:
    """What `after` has that `before` has not, and the other way round; repeats count."""
    old, new = Counter(map(_key, before)), Counter(map(_key, after))
    return Difference(
        kept=(old & new).total(), added=_beyond(after, old), removed=_beyond(before, new)
    )


def masked(text: str, lexicon: Lexicon) -> str:
    """The text with every letter but the first of the lexicon's words as a dot."""
    for start, end in lexicon.spans(text):
        text = f"{text[: start + 1]}{'•' * (end - start - 1)}{text[end:]}"
    return text


def markdown(table: Mapping[str, Any]) -> str:
    """The difference as a page."""
    lines = ["# What changed in the corpus", f"{table['kept']} dialogues are as they were."]
    for name, sign in (("added", "+"), ("removed", "−")):
        part = table[name]
        sources = ", ".join(f"{source} {number}" for source, number in part["by_source"].items())
        lines.append(f"{part['dialogues']} {name}{f' ({sources})' if sources else ''}")
        lines.append("\n".join(f"- {sign} {example}" for example in part["examples"]))
    return "\n\n".join(line for line in lines if line) + "\n"


def _beyond(rows: Rows, known: Counter[tuple[str, str]]) -> list[Mapping[str, Any]]:
    left = known.copy()
    found = []
    for row in rows:
        left[_key(row)] -= 1
        if left[_key(row)] < 0:
            found.append(row)
    return found


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["prompt"], row["hostile"]
