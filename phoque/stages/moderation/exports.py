"""The log of exports: who took which texts and why, one line of JSON each.

It helps honest people to remember. It proves nothing: who may write the file may change it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from phoque.config import export_log_file
from phoque.errors import PhoqueError
from phoque.text import text_sha256

WAIT_SECONDS = 10.0
MIN_REASON = 10
"""Characters of a reason."""


def log_export(texts: Sequence[str], *, who: str, run: str, reason: str) -> None:
    """Add a line: time in UTC, who, run, reason, count, and the SHA-256 of each text.

    No text is kept, but a short one can be guessed from its hash by trying. Several processes may
    add lines. PhoqueError where there is no name or no reason worth the name, or no file.
    """
    who, reason, path = who.strip(), reason.strip(), export_log_file()
    if not who:
        raise PhoqueError("Say who takes the texts: the log of exports needs a name.")
    if len(reason) < MIN_REASON:
        raise PhoqueError(f"Say why in at least {MIN_REASON} characters; {reason!r} is too short.")
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "who": who,
        "run": run,
        "reason": reason,
        "count": len(texts),
        "texts": [text_sha256(text) for text in texts],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(f"{path}.lock", timeout=WAIT_SECONDS),
            path.open("a", encoding="utf-8", newline="\n") as file,
        ):
            file.write(json.dumps(line) + "\n")
    except Timeout as error:
        raise PhoqueError(f"Another process holds {path}. Try again.") from error
    except OSError as error:
        raise PhoqueError(
            f"Cannot write the log of exports {path}: {error.strerror}. Choose another with "
            "PHOQUE_LEDGER."
        ) from error
