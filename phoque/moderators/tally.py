"""What became of the rows of a stream while it was scored, and how far it is."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from phoque.moderators.lines import ROW, Read
from phoque.moderators.reading import EMPTY

NOTHING, UNREAD = "empty", "that could not be read or hold no text"
REFUSED = "on which a classifier failed"


class Tally:
    """Counts of rows and of their kinds."""

    def __init__(self) -> None:
        self._read = self._scored = self._cut = 0
        self._without: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        """Rows that lack a score."""
        return self._without.total()

    def reading(self, texts: Iterable[Read]) -> Iterator[Read]:
        """The texts, counted."""
        for text in texts:
            self._read += 1
            yield text

    def add(self, record: dict[str, Any]) -> None:
        """Count a record of `lines.scored`."""
        self._scored += 1
        forms = record, record.get("canonical", {})
        self._cut += any("truncated" in one for one in forms)
        errors = [one["error"] for one in forms if "error" in one]
        if errors:
            why = errors[0].get(ROW)
            self._without[REFUSED if why is None else NOTHING if why == EMPTY else UNREAD] += 1

    def share(self, read: float | None) -> float | None:
        """How much of a file is scored, of which this share was read; None where nobody knows."""
        return None if read is None else read * self._scored / max(self._read, 1)

    def told(self) -> list[str]:
        """What a person must know at the end."""
        lines = []
        if self._cut:
            lines.append(
                f"Note: {self._cut} of {self._scored} texts are longer than a classifier reads even "
                "in pieces: see truncated."
            )
        if self.failed:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self._without.most_common())
            lines.append(f"Error: {self.failed} of {self._scored} texts lack a score: {kinds}.")
        return lines
