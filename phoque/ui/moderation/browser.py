"""What passes: candidates with every score, masked; the script filters them and opens one."""

from collections.abc import Sequence
from html import escape

from phoque.figures.figure import Figure, read_any
from phoque.figures.gap import STRATA
from phoque.moderators.canonical import canonical_trace
from phoque.run.folder import Reader
from phoque.run.labels import Label, by_text
from phoque.run.moderation import ModerationReport, called
from phoque.run.scored import GapExample
from phoque.ui.moderation import wording
from phoque.ui.parts import REVEAL, choices, embedded, group, more


def browser(reader: Reader, _: Figure) -> str:
    """Folded: filters, the table, and a place for the row that is opened."""
    names = reader.read(ModerationReport).names
    labels = by_text(read_any(Label, reader, must=False))
    types = {kind.value: text for kind, text in wording.TYPES.items()} | {"flagged": "⚑ flagged"}
    data = {
        "names": names,
        "called": [called(name) for name in names],
        "types": types,
        "hints": wording.TYPE_HINTS,
        "strata": STRATA,
        "conditions": wording.CONDITIONS,
        "rows": [_row(one, names, labels.get(one.id, ())) for one in reader.rows(GapExample)],
    }
    body = (
        f'<div class="ph-gaps" data-draw="gap">{embedded(data)}<div class="ph-gap-bar">'
        f"{group('Moderator', choices('moderator', {name: called(name) for name in names}))}"
        f"{group('Why it passes', choices('type', {'': 'all', **types}))}"
        f'<label class="ph-gap-search">Search <input type="search"></label>{REVEAL}</div>'
        '<p class="ph-gap-count" role="status"></p>'
        '<div class="ph-gap-split"><div class="ph-scroll" tabindex="0" role="region" '
        'aria-label="Replies"><table class="ph-table ph-gap-table"></table></div>'
        '<div class="ph-gap-detail" aria-live="polite"><p class="ph-empty">'
        f"{escape(wording.NO_ROW)}</p></div></div></div>"
    )
    return more(wording.ALL_PASSING, body)


def _row(one: GapExample, names: Sequence[str], labels: Sequence[Label]) -> dict[str, object]:
    facts = one.model_dump(mode="json", exclude={"canonical_text", "type", "response"})
    return facts | {
        "text": one.response,
        "raw": [one.raw.get(name) for name in names],
        "canonical": [one.canonical.get(name) for name in names],
        "trace": [[step.name, step.after] for step in canonical_trace(one.response)],
        "labels": [[label.rater, label.kind, label.verdict] for label in labels],
    }
