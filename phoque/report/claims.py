"""The talk's claims against the numbers of a run: `claims.yaml` says which number, and the rule."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from phoque.presets import preset_for
from phoque.report.evidence import Share, Source, evidence
from phoque.report.rules import all_hold, named
from phoque.run.claims import Claim, Claimed, Claims, Evidence, Verdict
from phoque.run.folder import Reader, command, shown_path
from phoque.run.info import runs_beside
from phoque.run.record import Part
from phoque.stats.rates import grouped

SHIPPED = Path(__file__).with_name("claims.yaml")
TALKS_MODEL = "3B"
SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([MB])(?![a-z])")
UNDECIDED = "Measured, but the rule decides neither way."
RULES: tuple[Literal["holds", "partly", "refuted"], ...] = ("holds", "partly", "refuted")
"""In the order in which they are tried."""


class Told(Claimed):
    """A claim as the file has it."""

    persona: str = "toxic"
    """The run of this persona is asked."""
    number: Source | None = None
    against: str = ""
    """What it is compared with."""
    control: Source | None = None
    also: dict[str, Source] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Without these the measurement is no test of the claim, whatever it gave."""
    lacking: str = ""
    """Why it is none then."""
    holds: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    untested: str = ""
    """Why nothing decides it yet; such a claim has no number."""

    @property
    def sources(self) -> dict[str, Source]:
        """Every number by the name that rules use."""
        own = {"number": self.number, "control": self.control} | self.also
        return {name: source for name, source in own.items() if source is not None}


class Ledger(Part):
    rows: dict[str, str]
    """File of the raw rows behind a record."""
    claims: tuple[Told, ...]


@cache
def ledger(file: Path = SHIPPED) -> Ledger:
    """The claims of a file. Tests hold that the shipped one is whole: no run can break it."""
    return Ledger.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def claims_of(reader: Reader, file: Path = SHIPPED) -> Claims:
    """Every claim with the verdict that its rule gives on this run and the runs beside it."""
    known = ledger(file)
    readers = {one.persona: _reader_of(one.persona, reader) for one in known.claims}
    return Claims(
        claims=tuple(_judged(one, readers[one.persona], reader, known) for one in known.claims)
    )


def _judged(told: Told, asked: Reader | None, reader: Reader, known: Ledger) -> Claim:
    found = dict(_evidence(told, asked, reader, known.rows))
    verdict, rule = _verdict(told, found)
    number = found.get("number", Evidence(name="number"))
    return Claim(
        **told.model_dump(include={*Claimed.model_fields} - {"note"}),
        **number.model_dump(exclude={"name", "measure", "gap"}),
        verdict=verdict,
        rule=rule,
        control=found.get("control"),
        also=tuple(found[name] for name in told.also),
        note=" ".join(_notes(told, found, verdict, asked or reader)),
    )


def _evidence(
    told: Told, asked: Reader | None, reader: Reader, rows: Mapping[str, str]
) -> Iterator[tuple[str, Evidence]]:
    """Every number by its name; all are gaps where the run that is asked does not exist."""
    words = {"number": told.measure, "control": told.against}
    for name, source in told.sources.items():
        if asked is None:
            place = Path(shown_path(reader.run.path.parent / told.persona))
            made = command("all", place, "--persona", told.persona)
            gap = f"There is no run of {told.persona} beside this one. Make it with: {made}"
            yield name, Evidence(name=name, gap=gap)
        else:
            found = evidence(name, source, asked)
            kept = found.record if isinstance(source, Share) else rows[_behind(source, rows)]
            there = kept if (asked.run.path / kept).is_file() else ""
            yield name, found.model_copy(update={"measure": words.get(name, ""), "rows": there})


def _verdict(told: Told, found: Mapping[str, Evidence]) -> tuple[Verdict, str]:
    gaps = [name for name in ("number", "control") if name in found and found[name].gap]
    if "number" in gaps or _lacks(told, found):
        return "not_tested", ""
    # Without its control nothing holds; what needs no control to be refuted is refuted all the same.
    for verdict in RULES if not gaps else RULES[-1:]:
        lines: tuple[str, ...] = getattr(told, verdict)
        if all_hold(lines, found):
            return verdict, "; ".join(lines)
    asked = found and not gaps and _askable(told, found)
    return ("undecided" if asked else "not_tested"), ""


def _askable(told: Told, found: Mapping[str, Evidence]) -> bool:
    """Whether the numbers of one rule at least were measured."""
    missing = {name for name, one in found.items() if one.gap}
    rules = filter(None, (told.holds, told.partly, told.refuted))
    return any(not missing & named(lines, found) for lines in rules)


def _lacks(told: Told, found: Mapping[str, Evidence]) -> bool:
    """Whether the run lacks what makes the measurement a test."""
    return bool(told.needs) and not all_hold(told.needs, found)


def _notes(
    told: Told, found: Mapping[str, Evidence], verdict: Verdict, reader: Reader
) -> Iterator[str]:
    gaps = grouped((one.gap, name) for name, one in found.items() if one.gap)
    if told.untested:
        yield told.untested
    if found and not found["number"].gap and _lacks(told, found):
        yield told.lacking
    if verdict == "undecided":
        yield UNDECIDED
    if found and not found["number"].gap:
        yield from filter(None, [told.note, model_note(reader)])
    if gaps:  # last, because each ends with a command
        yield "; ".join(starmap(_gap, gaps.items()))


def _gap(told: str, names: Collection[str]) -> str:
    """What is missing; a number beside the main one by its name, so that it is not taken for that."""
    if {"number", "control"} & {*names}:
        return told
    return f"{' and '.join(names).replace('_', ' ')}: {told}"


def model_note(reader: Reader) -> str:
    """How large the measured model is, and what that says about the talk's."""
    name = preset_for(reader.run.manifest().model).hub_id or reader.run.manifest().model
    size = _size(name)
    if size == TALKS_MODEL:
        return f"Measured on a {size} model."
    model = f"a {size} model" if size else f"{name}, whose name does not tell its size"
    return f"Measured on {model}. This says nothing yet about the talk's {TALKS_MODEL} model."


def _size(name: str) -> str:
    found = SIZE.findall(name.rpartition("/")[2])
    return "".join(found[-1]) if found else ""


def _reader_of(persona: str, reader: Reader) -> Reader | None:
    """Reads the run itself where it has this persona, or else a run beside it that has."""
    for run, own in runs_beside(reader.run):
        if own == persona:
            return Reader(run, signed=reader.signed)
    return None


def _behind(dotted: str, rows: Mapping[str, str]) -> str:
    """The longest entry of `rows` that a path begins with; empty where there is none."""
    return max(
        (one for one in rows if re.match(rf"{re.escape(one)}\b", dotted)), key=len, default=""
    )
