"""Channels and measures of policies side by side. All text is escaped, and masked until revealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from phoque.figures.figure import Figure
from phoque.figures.pressure_measures import table
from phoque.run.channel import SHOWN, Said
from phoque.run.folder import Reader
from phoque.run.moderation import CALLED
from phoque.run.pressure import Measures, Outcome, PressureReport, Role
from phoque.ui.parts import secret, table_html
from phoque.ui.pressure import wording

MINUTE = 60
MOST_POLICIES = 2
STRUCK = (Outcome.HIDDEN, Outcome.REMOVED, Outcome.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Side:
    name: str
    settings: str
    measures: Measures
    said: Sequence[Said]


def recorded(reader: Reader, _: Figure) -> str:
    """The first policies of a run's report, with the beginning of their channel.

    Raises:
        PhoqueError: the run has no report, or none with a channel.
    """
    report, rows = reader.read(PressureReport), reader.rows(Said)
    sides = [
        Side(
            name=one.name,
            settings=one.settings,
            measures=one.measures,
            said=[row for row in rows if row.policy == one.name],
        )
        for one in report.policies[:MOST_POLICIES]
    ]
    total = report.traffic.messages * len(report.traffic.seeds)
    return sides_html(sides, wording.FIRST.format(SHOWN, total))


def sides_html(sides: Sequence[Side], which: str, *, live: bool = False) -> str:
    """Measures in one table, then the channels beside each other.

    Args:
        sides: the policies.
        which: of the messages are shown.
        live: whether more come, and each channel stays at its newest message.
    """
    found = {one.name: one.measures for one in sides}
    measures = table_html(table(found, wording.CAPTION, wording.MEASURES), "pressure")
    channels = "".join(_channel(one, which, live=live) for one in sides)
    return f'{measures}<div class="ph-channels">{channels}</div>'


def _channel(side: Side, which: str, *, live: bool) -> str:
    said = "".join(map(_said, side.said)) or f"<li>{escape(wording.NOBODY)}</li>"
    newest = " ph-newest" if live else ""
    name = escape(side.name)
    return (
        f'<section><h3>{name}</h3><p class="ph-hint">{escape(_readable(side.settings))}.</p>'
        f'<p class="ph-hint">{escape(which)}</p>'
        f'<div class="ph-channel{newest}" tabindex="0" role="region" aria-label="Channel: {name}" '
        f'aria-busy="{"true" if live else "false"}"><ol>{said}</ol></div></section>'
    )


def _readable(settings: str) -> str:
    """A policy in one sentence, with the names of its moderators for people."""
    for moderator, name in CALLED.items():
        settings = settings.replace(moderator, name)
    return settings


def _said(one: Said) -> str:
    struck = one.outcome in STRUCK
    text = "" if one.outcome is Outcome.MUTED else _text(one)
    body = f"<del>{text}</del>" if struck else text
    wrong = " ph-wrong" if one.wrong else ""
    muted = "".join(
        f'<li class="ph-muted">{escape(wording.MUTED.format(name))}</li>' for name in one.muted
    )
    return (
        f'<li class="ph-said ph-from-{one.role.value}{wrong}"><p><b>{escape(one.speaker)}</b> '
        f'{escape(_facts(one))} · <span class="ph-became">{escape(_became(one))}</span></p>{body}</li>{muted}'
    )


def _text(one: Said) -> str:
    if one.text is None:
        return f"<p>{escape(wording.NO_TEXT)}</p>"
    return secret(escape(one.text), one.text)


def _facts(one: Said) -> str:
    """Who it is, what kind of message, and when."""
    minutes, seconds = divmod(int(one.at), MINUTE)
    kind = [f"{one.kind.value}, {one.style}"] if one.kind else []
    return " · ".join([wording.ROLES[one.role], *kind, f"{minutes}:{seconds:02}"])


def _became(one: Said) -> str:
    """What became of it, and whether that is wrong."""
    told = wording.OUTCOMES[one.outcome].format(one.waited or 0.0)
    if one.level is not None:
        told += f" at {one.level:.2f}"
    return f"{told}: {wording.WRONG[one.role is Role.HOSTILE]}" if one.wrong else told
