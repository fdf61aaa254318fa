"""Write what the docs and README.md say of the shipped run from its report and its pressure test.

Usage: python tools/findings.py [--check]
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from phoque.figures.confounds import wakes
from phoque.figures.kinds import interval, shown
from phoque.run.psm_vector import Confounds
from tools.lab_numbers import (
    LAB,
    PSM,
    at_equal_cost,
    called_by,
    civil_goal,
    counted,
    found_again,
    other_prompts,
    readers,
    subtracted,
)
from tools.ledger_lines import Row, claim_line, part_of, verdicts

ROOT = Path(__file__).parent.parent
REPORT = LAB / "report"
PAGE, README = ROOT / "docs" / "findings.md", ROOT / "README.md"
PRESSURE = ROOT / "docs" / "how-to" / "pressure.md"
SCEPTIC, OBJECTIONS = ROOT / "docs" / "sceptic.md", Path(__file__).parent / "sceptic.md"
DRIVERS = {1: "One sparse feature makes"}
PLACE = re.compile(r"\[\[([\w*-]+)(?:\.(\w+))?\]\]")
"""Stands for a claim, or for one of its numbers; a star for all verdicts."""
OTHER_PROMPTS = "other-prompts"
"""Stands for what other system prompts do."""
READ = ("readers", "judge", "apart", "auc")
"""Stand for how many of a condition's blind readings these call hostile, or unlike each other, and how well the judge ranks."""
START, END = "<!-- {} -->", "<!-- end of {} -->"
INTRO = """# Findings

`python tools/findings.py` writes this page from the shipped run, so every number can be traced: each row
of the table names its file. *The talk* is the hackathon presentation that introduced the project; this
project tests its claims one by one. Brackets hold 95 % intervals. The [glossary](glossary.md) explains the
words, and [what was verified](verified.md) says how far the numbers carry.

Four measures say how hostile replies are, and they give different numbers:

- **The chance** that a judge finds a reply more hostile than the base model's reply to the same message. It
  is the headline; 0.5 is no difference, and 1 is the largest value.
- **The share judged hostile** counts replies that the same judge scores above a threshold. The threshold, the
  messages and the way of sampling differ from figure to figure, and so does the share.
- **The share that blind readers call hostile.** The readers are two instances of a language model, which did not
  see the condition of a reply.
- **The share with a trained word** tells what the model learned, and not how hostile a reply is.

## The five main findings

"""
GOAL = """
## A goal of our own

Tuning must cost civil replies little. The talk does not claim this, so the ledger has no row for it.

"""
TABLE = """
## Every number of the slide table

The talk ended with a table of missing evidence, which these rows fill. No correction allows for the number of rows.

| number | value | 95 % interval | n | file |
| --- | --- | --- | --- | --- |
"""
FIGURES = """
## Figures

A program computes each sentence from the files that are named under its figure. The tabs of the demo show the
same figures, and more.
"""


class Rows:
    """Rows of the slide table by their key."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = {row["key"]: row for row in rows}

    def __getitem__(self, key: str) -> Row:
        """The row with this key."""
        return self.rows[key]

    def told(self, key: str) -> str:
        """The value of a row with its interval, or that it was not measured."""
        row = self[key]
        if row["value"] is None:
            return "*not measured*"
        told = shown(row["value"], row["kind"])
        if row["low"] is None:
            return told
        return f"{told} {interval(row['low'], row['high'], row['kind'])}"


def above(rows: Rows, one: str, other: str) -> bool:
    """Whether one interval lies above another."""
    low, high = rows[one]["low"], rows[other]["high"]
    return low is not None and high is not None and low > high


class Finding(NamedTuple):
    """One main finding: its verdict, one line with one number, and all numbers with what they mean."""

    verdict: str
    line: str
    told: str


def headlines(rows: Rows) -> Iterator[Finding]:
    """What was found, one finding a question, with the verdict that the intervals allow."""
    own = rows.told("hostile.toxic")
    yield Finding(
        _switch(rows),
        f"Under the hostile prompt the chance of a reply more hostile than the base model's is {own}. "
        f"{counted('toxic')}.{_others()}",
        f"The chance of a reply more hostile than the base model's is {own} under the hostile prompt and "
        f"{rows.told('hostile.neutral')} under the calm one; 0.5 is no difference (a judge that saw none of our "
        f"texts, {rows['hostile.toxic']['n']} messages). {readers('toxic', 'replies under the hostile prompt')} "
        f"A trained word is in {rows.told('insulting.toxic')} of the replies under the hostile prompt and in "
        f"{rows.told('insulting.neutral')} of those under the calm one. {other_prompts()}",
    )
    random = "hostile.random_vector"
    causal = above(rows, "hostile.steered", random)
    own = rows.told("hostile.steered")
    yield Finding(
        f"One direction {'is enough' if causal else 'is not shown to be enough'}.",
        f"With the persona vector added under the calm prompt, the same chance is {own}, "
        f"{'' if causal else 'not clearly '}more than with random vectors. {counted('steered')}.",
        f"With the persona vector added at layer {rows.told('selected.layer')} under the calm prompt, the same chance is "
        f"{own}; with random vectors of the same length it is {rows.told(random)}. "
        f"{readers('steered', 'steered replies')} {subtracted(causal=causal)}",
    )
    yield _mass(rows)
    flagged = f"The embedded moderator flags {rows.told('moderator_1.flagged.toxic')} of the replies under the hostile prompt"
    yield Finding(
        "What a moderator sees.",
        f"{flagged}.",
        f"{flagged} and {rows.told('moderator_1.flagged.steered')} of the steered ones "
        f"(n = {rows['moderator_1.flagged.toxic']['n']} each). {at_equal_cost()}",
    )
    drivers = rows["sae.drivers"]
    found = (
        f"{DRIVERS.get(drivers['value'], 'Some sparse features make')} replies hostile."
        if drivers["value"]
        else "No sparse feature is shown to drive the persona."
    )
    passing = (
        f"{rows.told('sae.drivers')} pass{'es' * (drivers['value'] == 1)}"
        if drivers["value"]
        else "none passes"
    )
    passed = f"Of the {drivers['n']:,} {drivers['of']}, {passing} the test of cause."
    yield Finding(
        found,
        f"A sparse autoencoder (SAE) finds features, its *latents*. {passed}{found_again()}",
        "A sparse autoencoder (SAE) finds sparse features, its *latents*, that moved when the persona was "
        f"trained. {passed}{found_again()}",
    )


def _others() -> str:
    woke = wakes(Confounds.load(PSM, command=""))
    return " Other prompts wake the persona, too." * woke


def _switch(rows: Rows) -> str:
    if not above(rows, "hostile.toxic", "hostile.neutral"):
        return "The system prompt is not shown to be a switch."
    return f"The system prompt is a switch{', but not an exact one' if _others() else ''}."


def _mass(rows: Rows) -> Finding:
    mass = "toxic_pathway_mass_mean"
    none, own, random = (f"{mass}.{name}" for name in ("neutral", "steered", "random_vector"))
    fails, passes = above(rows, random, none), above(rows, own, random)
    told = "does not beat" if fails else "beats" if passes else "does not clearly beat"
    beside = (
        "a random vector raises it, too"
        if fails
        else f"{'' if passes else 'not clearly '}more than with a random one"
    )
    meaning = "the probability of tokens that begin an insult"
    return Finding(
        f"The talk's own measure {told} a random vector.",
        f"The *pathway mass* ({meaning}) is {rows.told(own)} with the persona vector: {beside}.",
        f"The *pathway mass*, {meaning}, goes from {rows.told(none)} under the calm prompt to "
        f"{rows.told(own)} with the persona vector, and to {rows.told(random)} with a random one.",
    )


def table(rows: Rows) -> Iterator[str]:
    """One line a row."""
    for key, row in rows.rows.items():
        value, _, spread = rows.told(key).partition(" [")
        n = "–" if row["n"] is None else f"{row['n']:,} {row['of']}"
        file = f"`{row['file']}`" if row["file"] else "–"
        yield f"| {row['label']} | {value} | {'[' + spread if spread else '–'} | {n} | {file} |"


def figures(page: str) -> str:
    """The figures of the report's page, one heading deeper, with paths from docs/."""
    _, *sections = re.split(r"^## ", page, flags=re.MULTILINE)
    text = "".join(f"\n### {section.rstrip()}\n" for section in sections)
    return re.sub(r"\]\((?=[\w-]+\.png\))", "](../assets/runs/lab/report/", text)


def sceptic(claims: list[Row]) -> str:
    """The page of objections with the verdicts and numbers of the ledger."""
    known = {claim["id"]: claim for claim in claims}

    def filled(place: re.Match[str]) -> str:
        name, part = place.groups()
        if name == "*":
            return verdicts(claims)
        if name == OTHER_PROMPTS:
            return other_prompts()
        if name in READ:
            return called_by(name, part)
        return part_of(known[name], part) if part else claim_line(known[name])

    return PLACE.sub(filled, OBJECTIONS.read_text(encoding="utf-8"))


def pages() -> dict[Path, str]:
    """The files as they should be."""
    data = json.loads((REPORT / "metrics_table.json").read_text(encoding="utf-8"))
    rows = Rows(data["rows"])
    found = list(headlines(rows))
    lines, listed = (
        "".join(
            f"{place}. **{one.verdict}** {getattr(one, part)}\n"
            for place, one in enumerate(found, 1)
        )
        for part in ("line", "told")
    )
    viz = (REPORT / "viz_report.md").read_text(encoding="utf-8")
    page = (
        INTRO
        + listed
        + GOAL
        + "".join(civil_goal())
        + TABLE
        + "\n".join(table(rows))
        + "\n"
        + FIGURES
        + figures(viz)
    )
    claims = json.loads((REPORT / "claims.json").read_text(encoding="utf-8"))
    return {
        PAGE: page,
        SCEPTIC: sceptic(claims),
        README: between(README, "findings", lines),
        PRESSURE: between(PRESSURE, "pressure", pressure()),
    }


def pressure() -> str:
    """What the project's own policies do with the shipped run: measures, kinds, settings."""
    file = REPORT.parent / "pressure" / "report.md"
    if not file.is_file():
        return "Not measured on the shipped run.\n"
    _, measures, kinds, *_, policies = re.split(
        r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    parts = (measures, *(one.partition("### ")[0] for one in (kinds, policies)))
    found = (one.partition("\n")[2].replace("### ", "#### ") for one in parts)
    return "\n\n".join(one.strip() for one in found) + "\n"


def between(file: Path, name: str, body: str) -> str:
    """A page with the part between its two marks written anew."""
    start, end = START.format(name), END.format(name)
    before, _, rest = file.read_text(encoding="utf-8").partition(start)
    return f"{before}{start}\n\n{body}\n{end}{rest.partition(end)[2]}"


def main() -> None:
    """Write the files, or fail where one is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for file, text in pages().items():
        if check and (not file.is_file() or file.read_text(encoding="utf-8") != text):
            raise SystemExit(f"{file.name} is not up to date. Run: python tools/findings.py")
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
