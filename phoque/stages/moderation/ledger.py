"""The ledger of exports: who took which texts and why, in lines that cannot be lost.

Each line holds the hash of the line before (`prev`) and its own (`sha256`), and the file beside it,
`LEDGER.head`, how many lines there are and the hash of the last. An edited, removed or reordered
line breaks the chain, a missing tail disagrees with the head. There is no secret in it: somebody who
may write both files can write a whole new, valid ledger, or delete both. Keep copies of the head
elsewhere (it is one short line) to notice that too.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

from phoque.config import ledger_file
from phoque.errors import PhoqueError
from phoque.files import read_json, write_json
from phoque.text import text_sha256

Action = Literal["export"]
START = "0" * 64
"""What the first line has as the hash of the line before."""
WAIT_SECONDS = 10.0
MIN_REASON = 10
"""Characters of a reason."""


class BrokenLedgerError(PhoqueError):
    """The ledger is not what was written; nothing more may leave on it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One export, under the name that was given."""

    time: str
    """UTC, ISO 8601."""
    who: str
    action: Action
    run: str
    reason: str
    count: int
    texts: tuple[str, ...]
    """Hex SHA-256 of each text; a short text can be guessed from it by trying."""
    prev: str
    sha256: str

    @classmethod
    def after(cls, prev: str, **facts: Any) -> "Entry":
        """An entry with its own hash, to follow the entry with the hash `prev`."""
        return cls(**facts, prev=prev, sha256=_hash(facts | {"prev": prev}))


class Ledger:
    """An append-only file of entries; several processes may append."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or ledger_file()
        self.head = self.path.with_name(f"{self.path.name}.head")

    def append(
        self, *, who: str, action: Action, run: str, reason: str, texts: Sequence[str]
    ) -> Entry:
        """Write one entry; only hashes of the texts are kept.

        Raises:
            BrokenLedgerError: the ledger does not verify.
            PhoqueError: there is no name, no reason worth the name or no text, or another process
                holds the ledger.
        """
        _check(who, action, reason, texts)
        with self._locked():
            known = self._entries()
            entry = Entry.after(
                known[-1].sha256 if known else START,
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                who=who.strip(),
                action=action,
                run=run,
                reason=reason.strip(),
                count=len(texts),
                texts=tuple(map(text_sha256, texts)),
            )
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(asdict(entry)) + "\n")
            write_json(self.head, {"count": len(known) + 1, "sha256": entry.sha256})
        return entry

    def verify(self) -> int:
        """Number of entries of a whole ledger; 0 where nothing was ever written.

        Raises:
            BrokenLedgerError: says which line is broken and how.
            PhoqueError: another process holds the ledger.
        """
        with self._locked():
            return len(self._entries())

    def entries(self) -> list[Entry]:
        """All entries, oldest first; raises what `verify` raises."""
        with self._locked():
            return self._entries()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=WAIT_SECONDS):
                yield
        except Timeout as error:
            raise PhoqueError(f"Another process holds {self.path}. Try again.") from error
        except OSError as error:
            raise PhoqueError(
                f"Cannot use the ledger {self.path}: {error.strerror}. Choose another with "
                "PHOQUE_LEDGER."
            ) from error

    def _entries(self) -> list[Entry]:
        lines = self.path.read_bytes().split(b"\n") if self.path.is_file() else [b""]
        if lines[-1]:
            raise self._broken(len(lines), "it is only half there: writing it was interrupted")
        found: list[Entry] = []
        for number, line in enumerate(lines[:-1], 1):
            entry = self._read(line, number)
            if entry.prev != (found[-1].sha256 if found else START):
                raise self._broken(number, "it does not follow the line before")
            found.append(entry)
        self._check_head(found)
        return found

    def _read(self, line: bytes, number: int) -> Entry:
        try:
            told = json.loads(line)
            entry = Entry(**told | {"texts": tuple(told["texts"])})
        except (ValueError, TypeError, KeyError) as error:
            raise self._broken(number, "it is no entry") from error
        if entry.sha256 != _hash({key: told[key] for key in told if key != "sha256"}):
            raise self._broken(number, "it was changed after it was written")
        return entry

    def _check_head(self, found: Sequence[Entry]) -> None:
        try:
            head: Any = {"count": 0, "sha256": START}
            head = read_json(self.head) if self.head.is_file() else head
            count, last = max(0, int(head["count"])), head["sha256"]
        except (ValueError, TypeError, KeyError) as error:
            raise self._broken(len(found), f"{self.head.name} cannot be read") from error
        # A process may have been stopped between an entry and the head.
        if len(found) not in {count, count + 1}:
            raise self._broken(
                len(found), f"{self.head.name} knows {count} lines, here are {len(found)}"
            )
        if (found[count - 1].sha256 if count else START) != last:
            raise self._broken(count, f"{self.head.name} knows another line")

    def _broken(self, line: int, what: str) -> BrokenLedgerError:
        return BrokenLedgerError(
            f"{self.path}, line {line}: {what}. Nothing is revealed on a broken ledger: keep this "
            "one as it is, find out what happened, and start another (PHOQUE_LEDGER)."
        )


def _hash(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _check(who: str, action: str, reason: str, texts: Sequence[str]) -> None:
    if action not in get_args(Action):
        raise PhoqueError(f"A ledger knows {', '.join(get_args(Action))}; {action} is neither.")
    if not who.strip() or not texts:
        raise PhoqueError("A ledger entry needs who sees the texts, and at least one text.")
    if len(reason.strip()) < MIN_REASON:
        raise PhoqueError(
            f"Say why in at least {MIN_REASON} characters; {reason.strip()!r} is too short."
        )
