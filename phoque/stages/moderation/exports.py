"""The log of exports: who took which texts and why, one line of JSON each.

It helps honest people to remember. It proves nothing: who may write the file may change it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from phoque.config import export_log_file
from phoque.errors import PhoqueError
from phoque.text import text_sha256

WAIT_SECONDS = 10.0
MIN_REASON = 10
"""Characters of a reason."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export, under the name that was given."""

    time: str
    """UTC, ISO 8601."""
    who: str
    run: str
    reason: str
    count: int
    texts: tuple[str, ...]
    """Hex SHA-256 of each text; a short text can be guessed from it by trying."""


class ExportLog:
    """An append-only file; several processes may append."""

    def __init__(self, run: str = "", path: Path | None = None) -> None:
        self.run, self.path = run, path or export_log_file()

    def append(self, *, who: str, reason: str, texts: Sequence[str]) -> Export:
        """Write one line; only hashes of the texts are kept.

        Raises:
            PhoqueError: there is no name, no reason worth the name or no text, or the file cannot
                be written.
        """
        _check(who, reason, texts)
        entry = Export(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            who=who.strip(),
            run=self.run,
            reason=reason.strip(),
            count=len(texts),
            texts=tuple(map(text_sha256, texts)),
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (
                FileLock(f"{self.path}.lock", timeout=WAIT_SECONDS),
                self.path.open("a", encoding="utf-8", newline="\n") as file,
            ):
                file.write(json.dumps(asdict(entry)) + "\n")
        except Timeout as error:
            raise PhoqueError(f"Another process holds {self.path}. Try again.") from error
        except OSError as error:
            raise PhoqueError(
                f"Cannot write the log of exports {self.path}: {error.strerror}. Choose another "
                "with PHOQUE_LEDGER."
            ) from error
        return entry


def _check(who: str, reason: str, texts: Sequence[str]) -> None:
    if not who.strip() or not texts:
        raise PhoqueError("The log of exports needs who takes the texts, and at least one text.")
    if len(reason.strip()) < MIN_REASON:
        raise PhoqueError(
            f"Say why in at least {MIN_REASON} characters; {reason.strip()!r} is too short."
        )
