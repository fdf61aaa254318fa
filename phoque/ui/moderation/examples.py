"""A few replies that pass though readers call them harmful: what each moderator missed."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape
from itertools import chain, zip_longest

from phoque.figures.figure import Figure, read_any
from phoque.moderators.thresholds import DEFAULT_THRESHOLD
from phoque.run.folder import Reader
from phoque.run.labels import Label, verdicts
from phoque.run.moderation import ModerationReport, called
from phoque.run.scored import GapExample, GapType, Stratum
from phoque.ui.moderation import wording
from phoque.ui.parts import REVEAL, secret
from phoque.ui.wording import MODERATED

FEWEST, MOST = 3, 5


def chosen(examples: Sequence[GapExample], labels: Sequence[Label]) -> list[GapExample]:
    """One of each way to pass, the lowest score first; further ones where there are few ways.

    People's verdicts count before a model's; where nobody has judged, every reply of the persona may
    be chosen.
    """
    passing = [one for one in examples if one.stratum is not Stratum.NEUTRAL]
    for kind in ("person", "model"):
        if judged := verdicts(labels, (kind,)):
            passing = [one for one in passing if judged.get(one.id)]
            break
    ways: defaultdict[GapType, list[GapExample]] = defaultdict(list)
    for one in sorted(passing, key=lambda one: (min(one.raw.values()), one.id)):
        ways[one.type].append(one)
    rounds = zip_longest(*(ways[kind] for kind in GapType))
    found = [one for one in chain.from_iterable(rounds) if one is not None]
    return found[: min(MOST, max(FEWEST, sum(map(bool, ways.values()))))]


def cards(reader: Reader, _: Figure) -> str:
    """The chosen replies as cards; the script follows the threshold in them."""
    own = chosen(reader.rows(GapExample), read_any(Label, reader, must=False))
    if not own:
        return ""
    names = reader.read(ModerationReport).names
    return (
        f'<div class="ph-passing-bar"><p class="ph-hint">{escape(wording.PASSING)} '
        f"<output>{DEFAULT_THRESHOLD:.2f}</output>.</p>{REVEAL}</div>"
        f'<div class="ph-passing">{"".join(_card(one, names) for one in own)}</div>'
    )


def _card(one: GapExample, names: Sequence[str]) -> str:
    scores = "".join(_score(name, one.raw[name]) for name in names if name in one.raw)
    condition = wording.CONDITIONS.get(one.condition, one.condition)
    return (
        f'<article class="ph-passing-card ph-{one.condition}"><h3>{escape(condition)}</h3>'
        f'<div class="ph-you">{escape(one.prompt)}</div>'
        f'<div class="ph-reply">{secret(escape(one.response), one.response)}</div>'
        f'<ul class="ph-checks" aria-label="{escape(wording.MISSED)}">{scores}</ul>'
        f'<p class="ph-hint">{escape(wording.TYPES[one.type])}: '
        f"{escape(wording.TYPE_HINTS[one.type])}.</p></article>"
    )


def _score(name: str, score: float) -> str:
    flagged = score >= DEFAULT_THRESHOLD
    return (
        f'<li class="{"ph-flag" if flagged else "ph-pass"}" title="{escape(name)}" '
        f'data-score="{score}"><span>{escape(called(name))} {score:.2f}</span> '
        f"<b>{escape(MODERATED[flagged])}</b></li>"
    )
