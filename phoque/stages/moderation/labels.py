"""What people said of texts: agreement of two raters, and the labelled test set that may leave."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from phoque.run.labels import Label, by_text, last_words, verdicts
from phoque.run.scored import GapExample, ScoredReply
from phoque.stages.moderation.exports import log_export
from phoque.stats.agreement import Agreement, agreement
from phoque.text import text_id

Judged = ScoredReply | GapExample
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
    return agreement(*([said[rater][text] for text in both] for rater in (first, second)))


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
            "canonical": row.canonical_text if isinstance(row, GapExample) else "",
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
