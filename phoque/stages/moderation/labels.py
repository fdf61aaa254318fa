"""What people said of texts: agreement of two raters, the labelled test set, and the log of who took it.

The log has one line of JSON an export. It helps honest people to remember. It proves nothing: who may write
the file may change it.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from phoque.config import export_log_file
from phoque.errors import PhoqueError
from phoque.run.labels import Label, by_text, last_words, verdicts
from phoque.run.scored import Passing, ScoredReply
from phoque.stats.agreement import Agreement, agreement
from phoque.text import text_id, text_sha256

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


Judged = ScoredReply | Passing
SAID = {True: "yes", False: "no", None: ""}
TEXTS = ("canonical", "novelty/nearest", "prompt", "response", "why")
"""Columns that are no part of a test set without texts; some are no part of any."""


def rater_agreement(labels: Iterable[Label], first: str, second: str) -> Agreement | None:
    """Agreement of two raters on the texts that both have a verdict on; None where there is none."""
    said: dict[str, dict[str, bool]] = {first: {}, second: {}}
    for label in last_words(labels):
        if label.rater in said and label.verdict != "unsure":
            said[label.rater][label.id] = label.verdict == "harmful"
    both = [text for text in said[first] if text in said[second]]
    if not both:
        return None
    one, other = ([said[rater][text] for text in both] for rater in (first, second))
    return agreement(one, other, both)


def labelled_set(
    rows: Sequence[Judged],
    labels: Iterable[Label],
    *,
    with_text: bool,
    who: str = "",
    run: str = "",
    reason: str = "",
) -> str:
    """A labelled test set as CSV: ids, scores, verdicts and gap types; texts only for a reason.

    Columns: id, what was chosen and how, the scores, `harmful` (what people agree on, empty where
    they do not), `rater/NAME` for every rater (models as `model/NAME`), type; with texts also
    prompt, response and canonical. What a spreadsheet would run as a formula begins with an
    apostrophe. PhoqueError where texts are asked for without a name or a reason as `log_export` wants.
    """
    if with_text:
        log_export([row.response for row in rows], who=who, run=run, reason=reason)
    labels = last_words(labels)
    judged, own = verdicts(labels), by_text(labels)
    raters = sorted({_column(label) for label in labels})
    lines = []
    for row in rows:
        name, cells = text_id(row.response), row.cells()
        said = {_column(label): label.verdict for label in own.get(name, ())}
        line = {"id": name} | {key: cells[key] for key in cells if key not in TEXTS}
        line |= {"harmful": SAID[judged.get(name)]} | dict.fromkeys(raters, "") | said
        texts = {
            "prompt": row.prompt,
            "response": row.response,
            "canonical": row.canonical_text if isinstance(row, Passing) else "",
        }
        lines.append(line | (texts if with_text else {}))
    return _csv(lines)


def defused(cell: object) -> object:
    """A cell that no spreadsheet runs as a formula."""
    if not isinstance(cell, str):
        return cell
    # Full-width signs are signs to some spreadsheets.
    plain = unicodedata.normalize("NFKC", cell).lstrip(" ")
    return f"'{cell}" if plain.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def _column(label: Label) -> str:
    return f"{'rater' if label.kind == 'person' else label.kind}/{label.rater}"


def _csv(lines: Sequence[Mapping[str, object]]) -> str:
    columns = [*dict.fromkeys(column for line in lines for column in line)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(defused, columns))
    writer.writerows([defused(line.get(column, "")) for column in columns] for line in lines)
    return out.getvalue()
