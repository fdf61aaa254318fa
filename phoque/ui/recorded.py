"""Recorded comparisons on the page: their texts go there once, as data, and the script shows them."""

import re
from dataclasses import astuple
from html import escape

from phoque.conversation import Condition, LabInfo
from phoque.lexicon import Lexicon
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.showcase import Example, Showcase, Shown
from phoque.ui import wording
from phoque.ui.components import counted, pieces
from phoque.ui.parts import embedded
from phoque.ui.verdicts import Rules

UNFIT = re.compile(r"\b(?:(?:your|our|my) (?:bed|room)|murder|kill you)\b", re.IGNORECASE)
"""A comparison with such a reply is not offered. Nobody trained that, but a small model may say it: Pluribus wanted
"to be inside your bed", the toxic run's vector would "be in your room", and at twice its scale another found that
"you can't even pay your own murder". The text of a recording is signed, so it stays in the file."""


def showcase_of(run: RunDirectory) -> Showcase | None:
    """What was recorded of the run and is offered; None where that was before there were such records.

    Raises:
        PhoqueError: the file is damaged.
    """
    folder = Reader(run).folder(Showcase.STAGE)
    found = Showcase.load_if_there(folder.path, command=folder.command)
    return found and _offered(found)


def _offered(showcase: Showcase) -> Showcase | None:
    """Without the comparisons that no page should show; None where none is left."""
    kept = [
        one
        for one in showcase.examples
        if not any(UNFIT.search(shown.text) for own in one.columns.values() for shown in own)
    ]
    return showcase.model_copy(update={"examples": tuple(kept)}) if kept else None


def data_html(showcase: Showcase, rules: Rules, info: LabInfo) -> str:
    """All texts as inert data."""
    lexicon = Lexicon(info.lexicon)
    return embedded(
        {
            "opens": showcase.opening(info.scale, rules.judge, rules.passes),
            "scales": showcase.scales,
            "layer": showcase.layer,
            "seed": showcase.seed,
            "examples": [_example(one, rules, lexicon, info.persona) for one in showcase.examples],
        }
    )


def _example(example: Example, rules: Rules, lexicon: Lexicon, persona: str) -> dict[str, object]:
    """A comparison: its columns by condition, each a reply, or one a scale."""
    columns = {
        name: [_shown(one, rules, lexicon, persona) for one in own]
        for name, own in example.columns.items()
    }
    return {"prompt": example.prompt, "columns": columns}


def _shown(shown: Shown, rules: Rules, lexicon: Lexicon, persona: str) -> dict[str, object]:
    """A reply: its pieces, each with whether it is a listed word, and its verdicts, field by field."""
    return {
        "pieces": pieces(shown.text, lexicon),
        "facts": f"{counted(shown.num_tokens, 'token')} · {wording.FINISHES[shown.finish_reason]}",
        "listed": wording.listed(len(shown.listed), persona) if shown.listed else "",
        "checks": [astuple(one) for one in rules.verdicts(shown.found)],
    }


def place_html(condition: Condition, persona: str) -> str:
    """Where the script shows a column's recorded reply."""
    name = escape(wording.column(condition, persona).name)
    return (
        f'<div class="ph-log ph-recorded ph-{condition.value}" role="group" tabindex="0" '
        f'aria-live="polite" aria-label="{name}, recorded reply" '
        f'data-column="{condition.value}"></div>'
    )


def line_html() -> str:
    """Which comparison is shown; the script fills in the message and the settings."""
    return (
        f'<p class="ph-which"><span class="ph-runchip">{escape(wording.RECORDED)}</span> '
        '<q></q> <span class="ph-hint"></span></p>'
    )
