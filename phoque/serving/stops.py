"""End a text where a stop string begins, however the pieces are cut."""

from collections.abc import Sequence


class StopText:
    """Passes text on until a stop string comes; holds back what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def push(self, text: str, *, last: bool) -> str:
        """The text that surely belongs to the reply; all of it at the `last` piece."""
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        self.found = bool(places)
        cut = min(places) if places else len(self._held) - (0 if last else self._begun())
        sure, self._held = self._held[:cut], self._held[cut:]
        return sure

    def _begun(self) -> int:
        """Length of the longest ending of the text with which a stop string begins."""
        lengths = range(max(map(len, self._stops), default=1) - 1, 0, -1)
        endings = (size for size in lengths if size <= len(self._held))
        return next((size for size in endings if self._begins(self._held[-size:])), 0)

    def _begins(self, ending: str) -> bool:
        return any(stop.startswith(ending) for stop in self._stops)
