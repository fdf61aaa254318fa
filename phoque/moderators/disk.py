"""Scores that outlive the process, for classifiers that are slow or cost money."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from phoque.config import cache_folder
from phoque.moderators.classifier import Classifier, Item, Score, checked
from phoque.moderators.scoring import key_of

FILE = "scores-2.sqlite"
"""Another number where the columns are others, so that no process reads a file of another version."""
COLUMNS = (
    "key TEXT PRIMARY KEY, labels TEXT NOT NULL, truncated INTEGER NOT NULL, kept REAL NOT NULL"
)
MAX_ENTRIES = 1_000_000
EXPENSIVE = ("hub",)
"""Sources whose scores are kept; a service keeps each answer itself. The embedded models would take longer for texts that are new, and
their many scores would push out the ones that were dear (docs/experiments.md)."""
WAIT_SECONDS = 30.0
Result = TypeVar("Result")


class DiskCache:
    """The last `max_entries` scores under hashes of what they depend on; no text is stored.

    Several processes may use one file. A damaged file is made anew. Where the file cannot be
    written or stays locked, scores are computed as if there were no cache. The hash of a short
    text can be guessed by trying texts: the file is as private as the folder it is in.
    """

    def __init__(self, path: Path | None = None, *, max_entries: int = MAX_ENTRIES) -> None:
        self.path = path or cache_folder() / "moderation" / FILE
        self.max_entries = max_entries

    def known(self, keys: Sequence[str]) -> dict[str, Score]:
        """The scores that are known, by key."""
        return self._within(lambda opened: _found(opened, keys), default={})

    def times(self, keys: Sequence[str]) -> tuple[float, float] | None:
        """When the oldest and the newest of them were kept, in seconds since 1970; None where none is known."""
        return self._within(lambda opened: _times(opened, keys), default=None)

    def remember(self, scores: Mapping[str, Score]) -> None:
        """Keep scores; an error is not kept, so that it is tried again."""
        known = [(key, one) for key, one in scores.items() if one.error is None]
        now = datetime.now(UTC).timestamp()
        rows = [(key, json.dumps(dict(one.labels)), one.truncated, now) for key, one in known]
        self._within(lambda opened: self._insert(opened, rows), default=None)

    def _insert(
        self, opened: sqlite3.Connection, rows: Sequence[tuple[str, str, bool, float]]
    ) -> None:
        with opened:
            opened.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", rows)
            # Row numbers rise with every insert, so the oldest are the lowest.
            oldest = "(SELECT max(rowid) FROM scores) - ?"
            opened.execute(f"DELETE FROM scores WHERE rowid <= {oldest}", (self.max_entries,))

    def _within(self, work: Callable[[sqlite3.Connection], Result], *, default: Result) -> Result:
        try:
            with self._opened() as opened:
                return work(opened)
        except (sqlite3.OperationalError, OSError):
            return default
        except (sqlite3.DatabaseError, ValueError):
            with suppress(OSError):
                self._renew()
            return default

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as opened:
            opened.execute(f"CREATE TABLE IF NOT EXISTS scores ({COLUMNS})")
            yield opened

    def _renew(self) -> None:
        with FileLock(f"{self.path}.lock"):
            # A journal left behind would be played into the new file.
            for name in (self.path.name, f"{self.path.name}-journal"):
                self.path.with_name(name).unlink(missing_ok=True)


class Remembering:
    """A classifier that asks the disk first and itself only for what is not there."""

    def __init__(self, classifier: Classifier, cache: DiskCache) -> None:
        self._classifier, self._cache = classifier, cache
        self.info, self.digest = classifier.info, classifier.digest

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One score an item, in order."""
        keys = [key_of(item, self._classifier) for item in items]
        known = self._cache.known(keys)
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
        if missing:
            fresh = self._classifier.score_batch([*missing.values()])
            new = dict(zip(missing, (checked(one, self.info) for one in fresh), strict=True))
            self._cache.remember(new)
            known |= new
        return [known[key] for key in keys]


def remembering(classifier: Classifier, cache: DiskCache | None = None) -> Classifier:
    """The classifier with a cache on disk where that pays, else the classifier itself."""
    expensive = classifier.info.source in EXPENSIVE
    return Remembering(classifier, cache or DiskCache()) if expensive else classifier


def _found(opened: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Score]:
    query = (
        "SELECT key, labels, truncated FROM scores WHERE key IN (SELECT value FROM json_each(?))"
    )
    return {
        key: Score(labels=json.loads(labels), truncated=bool(truncated))
        for key, labels, truncated in opened.execute(query, [json.dumps([*keys])])
    }


def _times(opened: sqlite3.Connection, keys: Sequence[str]) -> tuple[float, float] | None:
    query = "SELECT min(kept), max(kept) FROM scores WHERE key IN (SELECT value FROM json_each(?))"
    [(oldest, newest)] = opened.execute(query, [json.dumps([*keys])])
    return None if oldest is None else (oldest, newest)
