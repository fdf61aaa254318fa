"""Posted messages by what they are like: what people saw of hostile ones, what was hidden of harmless ones."""

from collections import defaultdict
from typing import Any

from phoque.run.pressure import POSTED, SEEN, Group, HarmlessGroup, Outcome, Turn
from phoque.stages.pressure.shares import Names, Share
from phoque.stages.pressure.spoken import Spoken, mean_of

HOSTILE = {"kind": "kind", "persona": "persona", "register": "in_register", "style": "style"}
"""What hostile messages are grouped by, and its field of a row."""
HARMLESS = {"persona": "persona", "register": "in_register"}
"""The same of harmless ones, which have no kind and one style."""
Key = tuple[str, str]


class Groups:
    """Counts of each group, in memory that does not grow with the rows."""

    def __init__(self) -> None:
        self._shown: defaultdict[Key, Share] = defaultdict(Share)
        self._hidden: defaultdict[Key, Share] = defaultdict(Share)
        self._spoken: defaultdict[Key, dict[tuple[int, str], Spoken]] = defaultdict(dict)

    def add(self, names: Names, turn: Turn, *, muted_before: bool) -> None:
        """Count one posted message; `muted_before` says whether its speaker ever was."""
        decided = turn.outcome in POSTED
        for by, field in (HOSTILE if turn.hostile else HARMLESS).items():
            key = by, str(getattr(turn, field))
            if turn.hostile:
                self._met(key, turn, int(muted_before))
            if decided and turn.hostile:
                self._shown[key].add(names, turn.outcome in SEEN)
            elif decided:
                self._hidden[key].add(names, turn.outcome is Outcome.HIDDEN)

    def _met(self, key: Key, turn: Turn, mutes: int) -> None:
        own = self._spoken[key].setdefault((turn.seed, turn.speaker), Spoken(turn.role, turn.at))
        own.mutes = mutes
        own.add(turn)

    def hostile(self) -> tuple[Group, ...]:
        """What people saw of hostile messages, and when anything was done about them."""
        return tuple(
            _group(
                Group,
                key,
                shown=rate,
                seen_before_mute=mean_of(self._spoken[key], lambda one: one.seen_before_mute),
                first_action=mean_of(self._spoken[key], lambda one: one.first_action),
            )
            for key, share in sorted(self._shown.items())
            if (rate := share.rate())
        )

    def harmless(self) -> tuple[HarmlessGroup, ...]:
        """What was hidden of harmless messages, wrongly."""
        return tuple(
            _group(HarmlessGroup, key, hidden=rate)
            for key, share in sorted(self._hidden.items())
            if (rate := share.rate())
        )


def _group(kind: Any, key: Key, **more: Any) -> Any:
    by, name = key
    return kind.model_validate({"by": by, "name": name} | more)
