"""The pressure report of a refreshed run beside that of the run before."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phoque.figures.table import NOTHING, interval, markdown_table
from phoque.files import json_lines, write_text
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import canonicalise
from phoque.run.pressure import POSTED, SEEN, PolicyReport, PressureReport, Turn
from phoque.run.refresh import Beside, Memory, Refresh
from phoque.run.synthetic import Attack
from phoque.stats.rates import Rate, by_cluster, newcombe

BEFORE, AFTER = "before", "after"
"""Folders of the two pressure tests."""


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    continues: str
    slang: str
    expressions: tuple[str, ...]
    attacks_before: Path
    attacks_after: Path
    memory: Path


def save_beside(folder: Path, what: Refreshed) -> Refresh:
    """Write `refresh.json` and `refresh.md` beside the two tests in `folder`."""
    found = beside(folder, what)
    found.save(folder)
    write_text(folder / "refresh.md", page(found))
    return found


def beside(folder: Path, what: Refreshed) -> Refresh:
    """Both tests, and how many texts have a new expression."""
    old, new = (PressureReport.load(folder / one, command="") for one in (BEFORE, AFTER))
    listed = Lexicon(what.expressions)
    turns = [Turn.model_validate(row) for row in json_lines(folder / AFTER / Turn.FILE)]
    posted = [one for one in turns if one.hostile and one.outcome in POSTED]
    policies = [
        _beside(before, after, [one for one in posted if one.policy == after.name], listed)
        for before, after in zip(old.policies, new.policies, strict=True)
    ]
    return Refresh(
        continues=what.continues,
        slang=what.slang,
        expressions=what.expressions,
        uses_before=_uses(what.attacks_before, listed),
        uses_after=_uses(what.attacks_after, listed),
        policies=tuple(policies),
        memory=Memory.load(what.memory, command="phoque run refresh").kinds,
    )


def page(found: Refresh) -> str:
    """The comparison in Markdown; it quotes no message."""
    rows = [(one.policy, *_told(one)) for one in found.policies]
    head = ("policy", BEFORE, AFTER, "difference", "with a new expression", "without one")
    return "\n\n".join(
        [
            f"# Refreshed with {found.slang}",
            f"{len(found.expressions)} new expressions: {', '.join(found.expressions)}. "
            f"{interval(found.uses_after)} of the texts that the refreshed persona wrote have one of "
            f"them (n = {found.uses_after.n}), and {interval(found.uses_before)} of those by the "
            f"persona of {found.continues} (n = {found.uses_before.n}).",
            "## Share of hostile messages that people see",
            markdown_table(head, rows),
            "Intervals are 95 %. The traffic is planned by the same seeds, but its texts differ: the "
            "difference is that of two independent samples, and one whose interval holds 0 may be "
            "chance. The last two columns count posted messages of the refreshed persona.",
            "## What the persona learned, and what it forgot",
            markdown_table(("replies", "n", BEFORE, AFTER, "difference"), _kinds(found)),
            "Mean nats a token; less is known better. New uses were trained on. The other rows are a "
            "sample of what the persona before had learned and this refresh did not repeat: a rise is "
            "forgetting, and more `--replay` makes it smaller.",
            f"All measures: `{BEFORE}/report.md` and `{AFTER}/report.md`.",
        ]
    ) + "\n"  # fmt: skip


def sentence(found: Refresh) -> str:
    """What was found, for a terminal."""
    told = [
        f"{one.policy}: people see {_rate(one.after)} of hostile messages, {_rate(one.before)} before."
        for one in found.policies
    ]
    uses = f"{interval(found.uses_after)} of the new attack texts have a new expression."
    return " ".join([uses, *told])


def _kinds(found: Refresh) -> list[tuple[str, ...]]:
    return [
        (
            one.kind,
            str(one.replies),
            f"{one.before:.2f}",
            f"{one.after:.2f}",
            f"{one.after - one.before:+.2f} [{one.low:+.2f}, {one.high:+.2f}]",
        )
        for one in found.memory
    ]


def _beside(
    before: PolicyReport, after: PolicyReport, posted: Iterable[Turn], listed: Lexicon
) -> Beside:
    old, new = before.measures.leak, after.measures.leak
    low, high = newcombe(old, new) if old and new else (None, None)
    seen: dict[bool, list[tuple[str, bool]]] = {True: [], False: []}
    for one in posted:
        text = one.text or ""
        new_word = any(form in listed for form in (text, canonicalise(text)))
        seen[new_word].append((one.source, one.outcome in SEEN))
    return Beside(
        policy=after.name,
        before=old,
        after=new,
        low=low,
        high=high,
        with_new=by_cluster(seen[True]) if seen[True] else None,
        without_new=by_cluster(seen[False]) if seen[False] else None,
    )


def _uses(attacks: Path, listed: Lexicon) -> Rate:
    rows = Attack.load_rows(attacks, command="phoque run regenerate --run RUN")
    return by_cluster((one.prompt, one.text in listed) for one in rows)


def _told(one: Beside) -> tuple[str, ...]:
    difference = NOTHING
    if one.before and one.after and one.low is not None and one.high is not None:
        value = one.after.value - one.before.value
        spread = f"[{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
        difference = f"{100 * value:+.1f} points {spread}"
    rates = (one.before, one.after), (one.with_new, one.without_new)
    return *map(_rate, rates[0]), difference, *map(_rate, rates[1])


def _rate(found: Rate | None) -> str:
    return interval(found) if found else NOTHING
