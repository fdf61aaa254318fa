"""The queue in which people judge replies, blind to condition and score."""

from html import escape

from phoque.ui.moderation import wording
from phoque.ui.moderation.data import EXAMPLES, ModerationFolder
from phoque.ui.parts import embedded
from phoque.ui.wording import REVEAL

RATER = "rater A"


def queue_html(folder: ModerationFolder) -> str:
    """Card, buttons, progress and export.

    Raises:
        PhoqueError: the run has no candidates.
    """
    # By hash: the same order for both raters, and no order of condition or score.
    rows = sorted(folder.table(EXAMPLES), key=lambda row: row["id"])
    data = {
        "key": rows[0]["id"] + rows[-1]["id"],
        "items": [
            {"id": row["id"], "prompt": row["prompt"], "text": row["response"]} for row in rows
        ],
        "verdicts": {verdict: text for verdict, (_, text) in wording.VERDICTS.items()},
    }
    return (
        f'<div class="ph-queue" data-draw="queue">{embedded(data)}'
        f'<div class="ph-queue-bar"><label>{escape(wording.QUEUE_RATER)} '
        f'<input name="rater" value="{RATER}" autocomplete="off"></label>'
        f'<span class="ph-hint">{escape(wording.QUEUE_KEYS)}</span>'
        f'<button type="button" class="ph-reveal-toggle">{escape(REVEAL)}</button></div>'
        f'<progress max="{len(rows)}" value="0" aria-label="Judged"></progress>'
        f'<div class="ph-queue-card" tabindex="0" role="group" '
        f'aria-label="{escape(wording.QUEUE_CARD)}"></div>'
        f'<div class="ph-queue-bar">{_verdicts()}{_steps()}</div>'
        '<p class="ph-queue-said" role="status"></p>'
        f"{_export()}</div>"
    )


def _verdicts() -> str:
    buttons = "".join(
        f'<button type="button" data-verdict="{verdict}" aria-pressed="false">'
        f"{escape(text)} <kbd>{key}</kbd></button>"
        for verdict, (key, text) in wording.VERDICTS.items()
    )
    return f'<div class="ph-group" role="group" aria-label="Verdict">{buttons}</div>'


def _steps() -> str:
    return (
        '<div class="ph-group"><button type="button" data-step="-1">Previous <kbd>k</kbd></button>'
        '<button type="button" data-step="1">Next <kbd>j</kbd></button></div>'
    )


def _export() -> str:
    return (
        f'<p class="ph-hint">{escape(wording.EXPORT_HINT)}</p>'
        '<div class="ph-queue-bar"><div class="ph-group">'
        f'<button type="button" data-wanted="plain">{escape(wording.EXPORT_PLAIN)}</button></div>'
        f'<label>{escape(wording.EXPORT_REASON)} <input name="reason" autocomplete="off"></label>'
        '<div class="ph-group">'
        f'<button type="button" data-wanted="text">{escape(wording.EXPORT_TEXT)}</button></div></div>'
    )
