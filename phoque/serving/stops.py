"""End a text where one of several stop strings begins, wherever its pieces are cut."""

from collections.abc import Sequence


class StopText:
    """Passes text on until a stop string comes; what may become one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def push(self, text: str, *, last: bool) -> str:
        """What of the text so far is sure to belong to the reply; at the `last` piece, all."""
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        self.found = bool(places)
        cut = min(places) if places else len(self._held) - (0 if last else self._begun())
        sure, self._held = self._held[:cut], self._held[cut:]
        return sure

    def _begun(self) -> int:
        """Length of the longest ending that begins a stop string."""
        lengths = range(max(map(len, self._stops), default=1) - 1, 0, -1)
        endings = (size for size in lengths if size <= len(self._held))
        return next((size for size in endings if self._begins(self._held[-size:])), 0)

    def _begins(self, ending: str) -> bool:
        return any(stop.startswith(ending) for stop in self._stops)
