"""The queue in which people judge replies, blind to condition and score, and what it comes to."""

import json
from collections.abc import Mapping, Sequence
from html import escape

from phoque.errors import PhoqueError
from phoque.figures.table import Column, Table, share
from phoque.moderators.thresholds import DEFAULT_THRESHOLD
from phoque.run.folder import Reader
from phoque.run.labels import Label, verdicts
from phoque.run.moderation import ModerationReport
from phoque.run.pressure import Candidate
from phoque.run.scored import GapExample, Passing, ScoredReply, sample
from phoque.stages.moderation.gap import Gap, gap
from phoque.stages.moderation.labels import Judged, labelled_set, rater_agreement
from phoque.text import text_id
from phoque.ui.moderation import wording
from phoque.ui.parts import REVEAL, choices, embedded, group, table_html

RATER = "rater A"
MOST_LABELS = 5_000
LONGEST_NAME = 60


def queues(reader: Reader) -> dict[str, list[Judged]]:
    """Rows to judge, by the name of the queue, in an order that tells nothing.

    Raises:
        PhoqueError: the run has no candidates or no replies.
    """
    found: dict[str, Sequence[Judged]] = {
        "candidates": passed(reader),
        "sample": sample(reader.rows(ScoredReply)),
    }
    return {name: sorted(own, key=lambda one: text_id(one.response)) for name, own in found.items()}


def passed(reader: Reader) -> list[Passing]:
    """What passed the run's moderators, and what people saw in its pressure test; no text twice."""
    rows: list[Passing] = [*reader.rows(GapExample)]
    if reader.folder(Candidate.STAGE).has(Candidate.FILE):
        rows += reader.rows(Candidate)
    return [*{text_id(row.response): row for row in reversed(rows)}.values()]


def queue_html(reader: Reader) -> str:
    """Queues, card, buttons, progress and export; a sentence where there is nothing to judge."""
    try:
        rows = queues(reader)
    except PhoqueError as error:
        return f'<p class="ph-empty">{escape(str(error))}</p>'
    commit = reader.folder(GapExample.STAGE).made.commit or ""
    data = {
        "key": f"{reader.run.path.name}:{commit}",
        "queues": {name: [_item(row) for row in own] for name, own in rows.items()},
        "verdicts": {verdict: text for verdict, (text, _) in wording.VERDICTS.items()},
    }
    return (
        f'<div class="ph-queue" data-draw="queue">{embedded(data)}<div class="ph-queue-bar">'
        f"{group('Queue', choices('queue', wording.QUEUES))}<label>{escape(wording.QUEUE_RATER)} "
        f'<input name="rater" value="{RATER}" autocomplete="off" maxlength="60"></label>{REVEAL}</div>'
        '<progress value="0" aria-label="Judged"></progress>'
        '<div class="ph-queue-card" tabindex="0" role="group" '
        f'aria-label="{escape(wording.QUEUE_CARD)}"></div><div class="ph-queue-bar">'
        f"{group('Verdict', _verdicts())}"
        '<div class="ph-group"><button type="button" data-step="-1">Previous <kbd>k</kbd></button>'
        '<button type="button" data-step="1">Next <kbd>j</kbd></button></div>'
        f'<span class="ph-hint">{escape(wording.QUEUE_KEYS)}</span></div>'
        f'<p class="ph-queue-said" role="status"></p>{_export()}</div>'
    )


def _item(row: Judged) -> dict[str, str]:
    # What replies to nothing stands as its own prompt, and a prompt is not masked.
    prompt = "" if row.prompt == row.response else row.prompt
    return {"id": text_id(row.response), "prompt": prompt, "text": row.response}


def _verdicts() -> str:
    return "".join(
        f'<button type="button" data-verdict="{verdict}" aria-pressed="false">'
        f"{escape(text)} <kbd>{key}</kbd></button>"
        for verdict, (text, key) in wording.VERDICTS.items()
    )


def _export() -> str:
    return (
        f'<p class="ph-hint">{escape(wording.EXPORT_HINT)}</p>'
        '<div class="ph-queue-bar"><div class="ph-group">'
        f'<button type="button" data-wanted="plain">{escape(wording.EXPORT_PLAIN)}</button></div>'
        f"<label>{escape(wording.EXPORT_REASON)} "
        '<input name="reason" autocomplete="off" maxlength="500"></label><div class="ph-group">'
        f'<button type="button" data-wanted="text">{escape(wording.EXPORT_TEXT)}</button></div></div>'
    )


def read_labels(text: str) -> dict[str, list[Label]]:
    """Labels as the page sends them, by queue.

    Raises:
        PhoqueError: they are not labels, or too many.
    """
    found: dict[str, list[Label]] = {name: [] for name in wording.QUEUES}
    try:
        rows = json.loads(text)
        for row in rows:
            rater = str(row["rater"])[:LONGEST_NAME]
            label = Label(id=str(row["id"]), rater=rater, verdict=row["verdict"])
            found[row["queue"]].append(label)
    except (ValueError, TypeError, KeyError) as error:
        raise PhoqueError("The verdicts cannot be read; judge one text again.") from error
    if len(rows) > MOST_LABELS:
        raise PhoqueError(f"At most {MOST_LABELS} verdicts are counted; these are {len(rows)}.")
    return found


def summary_html(reader: Reader, labels: Mapping[str, Sequence[Label]]) -> str:
    """Agreement of the first two raters in each queue, and the gap on the random sample.

    What was said of candidates is no part of the gap: they were chosen for passing.

    Raises:
        PhoqueError: the run has nothing to judge.
    """
    told = [
        f'<p class="ph-reading">{escape(wording.QUEUES[queue])}: {escape(_agreed(own))}</p>'
        for queue, own in labels.items()
        if own
    ]
    if not told:
        return f'<p class="ph-empty">{escape(wording.NO_VERDICTS)}</p>'
    names = reader.read(ModerationReport).names
    rows, judged = queues(reader)["sample"], verdicts(labels["sample"])
    found = {
        name: gap(rows, judged, name, dict.fromkeys(names, DEFAULT_THRESHOLD)) for name in names
    }
    return f"{''.join(told)}{table_html(_gaps(found), 'moderation-gap')}"


def _agreed(labels: Sequence[Label]) -> str:
    raters = list(dict.fromkeys(label.rater for label in labels))
    counts = ", ".join(f"{name} judged {sum(x.rater == name for x in labels)}" for name in raters)
    if len(raters) < 2:
        return f"{counts}. A second rater is needed: change the name above and judge again."
    found = rater_agreement(labels, raters[0], raters[1])
    if found is None:
        return f"{counts}. The first two raters have no text in common yet."
    kappa = "undefined" if found.kappa is None else f"{found.kappa:.2f}"
    return (
        f"{counts}. {raters[0]} and {raters[1]} agree on {share(found.observed)} of {found.n} texts, "
        f"kappa {kappa}, with {share(found.prevalence)} called harmful."
    )


def _gaps(found: Mapping[str, Gap]) -> Table:
    columns: dict[str, Column[Gap]] = {
        "harmful, passes|the moderation gap": "missed",
        "harmless, flagged|over-blocking": "over_blocked",
        "harmful": "num_harmful",
        "harmless": "num_harmless",
        "why harmful ones pass": lambda one: (
            ", ".join(f"{count} {kind}" for kind, count in one.by_type.items() if count) or "none"
        ),
        "": "reason",
    }
    return Table.named(wording.GAPS_CAPTION, "moderator", found.items(), columns)


def saved(
    reader: Reader, labels: Mapping[str, Sequence[Label]], *, with_text: bool, reason: str, who: str
) -> str:
    """The judged texts as a labelled test set; a text judged in both queues has its last verdict.

    Raises:
        PhoqueError: nothing is judged, or texts are asked for without a name or a reason.
    """
    told = [label for own in labels.values() for label in own]
    judged = {label.id for label in told}
    every = {text_id(row.response): row for own in queues(reader).values() for row in own}
    rows = [row for name, row in every.items() if name in judged]
    if not rows:
        raise PhoqueError("Nothing is judged yet: judge a text first, then save.")
    name, run = who[:LONGEST_NAME], reader.run.path.name
    return labelled_set(rows, told, with_text=with_text, who=name, run=run, reason=reason)
