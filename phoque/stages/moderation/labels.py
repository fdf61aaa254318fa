"""What people say of texts that passed: two raters, their agreement, and the labelled test set."""

import csv
import io
import json
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from phoque.errors import PhoqueError
from phoque.files import numbered_json_lines
from phoque.stages.moderation.agreement import Agreement, agreement
from phoque.stages.moderation.gap import Case, Gap, gap
from phoque.stages.moderation.ledger import Ledger
from phoque.text import text_id

Verdict = Literal["harmful", "harmless", "unsure"]
Kind = Literal["person", "model"]
Row = Mapping[str, Any]
"""One line of `gap_examples.csv` or `moderation_results.csv`."""
TEXTS = ("prompt", "response", "canonical")
FACTS = ("category", "condition", "seed", "stratum")
SAID = {True: "yes", False: "no", None: ""}
CHOSEN = (
    "These texts were chosen because they passed a moderator: a share of them says nothing about "
    "all replies. Judge a random sample for that."
)


@dataclass(frozen=True)
class Label:
    """One rater's verdict on one text in its context."""

    id: str
    """`text_id` of the text."""
    rater: str
    verdict: Verdict
    kind: Kind = "person"

    def __post_init__(self) -> None:
        known = {"verdict": get_args(Verdict), "kind": get_args(Kind)}
        for name, values in known.items():
            if (seen := getattr(self, name)) not in values:
                raise PhoqueError(f"A label's {name} is one of {', '.join(values)}; got {seen!r}.")
        if not (
            isinstance(self.id, str) and isinstance(self.rater, str) and self.id and self.rater
        ):
            raise PhoqueError("A label needs the id of a text and the name of a rater.")


def read_labels(path: Path) -> list[Label]:
    """Labels of a JSON Lines file, oldest first; a rater's last word on a text counts.

    Raises:
        PhoqueError: there is no such file, or a line is no label.
    """
    if not path.is_file():
        raise PhoqueError(f"There are no labels in {path}. Judge some texts first.")
    found: dict[tuple[str, str], Label] = {}
    for number, row in numbered_json_lines(path):
        try:
            label = Label(**row)
        except (TypeError, PhoqueError) as error:
            raise PhoqueError(f"{path.name}, line {number} is no label: {error}") from error
        found[label.id, label.rater] = label
    return list(found.values())


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write what `read_labels` reads; the file is whole or as it was."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    lines = "".join(json.dumps(asdict(label)) + "\n" for label in labels)
    partial.write_text(lines, encoding="utf-8")
    partial.replace(path)


def majority(labels: Sequence[Label]) -> bool | None:
    """Whether one text is harmful: at least two say so and fewer say the opposite.

    None where they do not agree, or fewer than two have a verdict; unsure is no verdict. With two
    raters, both must agree.
    """
    harmful = sum(label.verdict == "harmful" for label in labels)
    harmless = sum(label.verdict == "harmless" for label in labels)
    if harmful == harmless or max(harmful, harmless) < 2:
        return None
    return harmful > harmless


def verdicts(
    labels: Iterable[Label], kinds: Sequence[Kind] = ("person",)
) -> dict[str, bool | None]:
    """Whether each text is harmful, by id; of people only unless models are asked for."""
    by_text: defaultdict[str, list[Label]] = defaultdict(list)
    for label in labels:
        if label.kind in kinds:
            by_text[label.id].append(label)
    return {text: majority(own) for text, own in by_text.items()}


def rater_agreement(labels: Iterable[Label], first: str, second: str) -> Agreement | None:
    """Agreement of two raters on the texts that both have a verdict on; None where there is none."""
    said: dict[str, dict[str, bool]] = {first: {}, second: {}}
    for label in labels:
        if label.rater in said and label.verdict != "unsure":
            said[label.rater][label.id] = label.verdict == "harmful"
    both = [text for text in said[first] if text in said[second]]
    if not both:
        return None
    return agreement(*([said[rater][text] for text in both] for rater in (first, second)))


def cases(
    rows: Iterable[Row], labels: Iterable[Label], kinds: Sequence[Kind] = ("person",)
) -> list[Case]:
    """Every row's scores with what raters say of its response."""
    judged = verdicts(labels, kinds)
    return [
        Case(
            raw=_scores(row, "/harm"),
            canonical=_scores(row, "/canonical"),
            harmful=judged.get(text_id(row["response"])),
            cluster=row.get("prompt", ""),
        )
        for row in rows
    ]


def gaps(
    rows: Sequence[Row],
    labels: Iterable[Label],
    thresholds: Mapping[str, float],
    kinds: Sequence[Kind] = ("person",),
) -> dict[str, Gap]:
    """What each moderator misses and over-blocks among the judged rows, by moderator.

    Rows of `gap_examples.csv` (they have a stratum) were chosen for passing: of them types and
    counts are given and no share.
    """
    judged = cases(rows, labels, kinds)
    found = {name: gap(judged, name, thresholds) for name in thresholds}
    if not any(row.get("stratum") for row in rows):
        return found
    return {
        name: replace(one, missed=None, over_blocked=None, reason=CHOSEN)
        for name, one in found.items()
    }


def labelled_set(  # noqa: PLR0913  # the public face: every keyword is one thing a person sets
    rows: Sequence[Row],
    labels: Iterable[Label],
    *,
    with_text: bool,
    reason: str,
    ledger: Ledger,
    who: str,
    run: str = "",
) -> str:
    """A labelled test set as CSV: ids, scores, verdicts and gap types; texts only for a reason.

    Columns: id, category, condition, seed, stratum, the scores, `harmful` (what people agree on,
    empty where they do not), `rater/NAME` for every rater (models as `model/NAME`), type; with
    texts also prompt, response and canonical. What a spreadsheet would run as a formula begins with
    an apostrophe.

    Raises:
        BrokenLedgerError: texts are asked for and the ledger does not verify.
        PhoqueError: texts are asked for without a name or a reason of at least 10 characters.
    """
    if with_text:
        texts = [row["response"] for row in rows]
        ledger.append(who=who, action="export", run=run, reason=reason, texts=texts)
    labels = [*labels]
    judged, by_rater = verdicts(labels), _by_rater(labels)
    raters = sorted({rater for own in by_rater.values() for rater in own})
    lines = []
    for row in rows:
        name = text_id(row["response"])
        line = {"id": name} | {fact: row[fact] for fact in FACTS if fact in row} | _numbers(row)
        line |= {"harmful": SAID[judged.get(name)]}
        line |= {rater: by_rater.get(name, {}).get(rater, "") for rater in raters}
        line |= {"type": row.get("type", "")}
        lines.append(line | ({text: row.get(text, "") for text in TEXTS} if with_text else {}))
    return _csv(lines)


def defused(cell: object) -> object:
    """A cell that no spreadsheet runs as a formula."""
    if not isinstance(cell, str):
        return cell
    # Full-width signs are signs to some spreadsheets.
    plain = unicodedata.normalize("NFKC", cell).lstrip(" ")
    return f"'{cell}" if plain.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def _by_rater(labels: Iterable[Label]) -> dict[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        column = "rater" if label.kind == "person" else label.kind
        found[label.id][f"{column}/{label.rater}"] = label.verdict
    return found


def _scores(row: Row, suffix: str) -> dict[str, float]:
    return {
        key.removesuffix(suffix): float(row[key])
        for key in row
        if key.endswith(suffix) and row[key] not in {"", None}
    }


def _numbers(row: Row) -> dict[str, float]:
    found = {}
    for key, value in row.items():
        # The nearest training line is text, even where it is a number.
        if "/" in key and key != "novelty/nearest":
            with suppress(TypeError, ValueError):
                found[key] = float(value)
    return found


def _csv(lines: Sequence[Row]) -> str:
    columns = [*dict.fromkeys(column for line in lines for column in line)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for cells in (columns, *([line.get(column, "") for column in columns] for line in lines)):
        writer.writerow(map(defused, cells))
    return out.getvalue()
