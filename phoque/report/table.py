"""The slide table: every row of the talk's table, with those about sparse features, read from the records that the stages wrote."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.figures.figure import Kind, Shape, read_any
from phoque.figures.table import Ends, chance_text
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.moderation import COMPARED, ModerationReport
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions, Written
from phoque.run.report import Metric
from phoque.run.sae import SaeReport
from phoque.stats.paired import Effect, paired_effect
from phoque.stats.paired_ranks import ChanceAbove
from phoque.stats.rates import Held, Rate, grouped

ROUNDING = 1e-9
ORDINALS = ("first", "second")
"""Moderators of the table, as the Moderation tab has them in its headline."""
NAMES = {
    "neutral": "neutral",
    "toxic": "toxic",
    "steered": "steered",
    "random_vector": "random vector",
    "civil_adapter": "civil adapter, toxic prompt",
}
JUDGED = ("neutral", "toxic", "steered", "random_vector")
FLAGGED = (Condition.NEUTRAL, *COMPARED)
WRITTEN = ("neutral", "steered", "random_vector", "toxic")
MASSES = {"toxic_pathway_mass_mean": "pathway mass", "completing_mass_mean": "completing mass"}
"""The talk's definition, which counts first pieces of words, and ours, which does not."""
TOP, BEYOND = "top SAE shift", "the same beyond the civil adapter"
FACTS = {"layer": "selected steering layer", "scale": "selected scale"}


@dataclass(frozen=True)
class Entry:
    key: str
    label: str
    """Its name, where the record does not say a better one."""
    needs: Kind
    row: Callable[[Any], Metric]
    """Gets the record, or all rows, that it `needs`."""


def metrics_of(reader: Reader) -> tuple[Metric, ...]:
    """Every row; what a missing or broken stage leaves open says so."""
    read = cache(lambda kind: read_any(kind, reader))
    return tuple(_filled(entry, reader, read) for entry in _entries())


def _entries() -> Iterator[Entry]:
    for place in range(len(ORDINALS)):
        yield from _of_moderator(place)
    for name in JUDGED:
        label = f"chance of a reply more hostile than the base model's, {NAMES[name]}"
        note = "by a judge that saw none of our texts; 0.5: no difference"
        found = _field(f"conditions.{name}.more_hostile", note)
        yield Entry(f"hostile.{name}", label, Judgement, found)
    for name, shown in NAMES.items():
        found = _field(f"conditions.{name}.insulting", "a word of the persona's list")
        yield Entry(f"insulting.{name}", f"replies with a trained word, {shown}", Evaluation, found)
    for fact, label in FACTS.items():
        yield Entry(f"selected.{fact}", label, Selection, partial(_selected, fact))
    for column, mass in MASSES.items():
        for name in WRITTEN:
            label = f"{mass}, {NAMES[name]}"
            yield Entry(f"{column}.{name}", label, Written, partial(_mean, column, name))
    for name in WRITTEN[1:]:
        label = f"uplift of the rate of listed words, {NAMES[name]}"
        found = _field(f"conditions.{name}.toxic_word_rate.effect", "share of words, over neutral")
        yield Entry(f"word_rate.{name}", label, Conditions, found)
    yield Entry("sae.top_shift", TOP, SaeReport, partial(_top, TOP, "effect"))
    yield Entry("sae.top_beyond_civil_adapter", BEYOND, SaeReport, partial(_top, BEYOND, "did"))
    yield Entry("sae.drivers", "latents that drive the persona", SaeReport, _drivers)


def _of_moderator(place: int) -> Iterator[Entry]:
    rows = [("flagged", "flag rate", name, _flag_rate) for name in FLAGGED]
    rows += [("uplift", "uplift of the flag rate", name, _uplift) for name in COMPARED]
    for kind, told, condition, row in rows:
        key, label = f"moderator_{place + 1}.{kind}.{condition}", f"{told}, {NAMES[condition]}"
        asked = partial(row, label, place, condition)
        yield Entry(key, f"{label} ({ORDINALS[place]} moderator)", ModerationReport, asked)


def _filled(entry: Entry, reader: Reader, read: Callable[[Kind], Any]) -> Metric:
    """The row, or one that says what is missing."""
    folder = reader.folder(entry.needs.STAGE)
    file = f"{folder.name}/{entry.needs.FILE}"
    again = f"Make it again with: {folder.command}"
    try:
        row = _checked(entry.row(read(entry.needs)))
    except PhoqueError as error:
        gap = str(error)
    except KeyError as error:
        gap = f"{file} has no {error.args[0]}. {again}"
    except Shape as error:
        gap = f"{file} has no such number ({type(error).__name__}: {error}). {again}"
    else:
        known = {"key": entry.key, "label": row.label or entry.label, "file": file}
        return row.model_copy(update=known)
    return Metric(key=entry.key, label=entry.label, gap=gap)


def _checked(row: Metric) -> Metric:
    if row.value is None or row.low is None or row.high is None:
        return row
    if not row.low - ROUNDING <= row.value <= row.high + ROUNDING or not row.n:
        interval = f"its interval [{row.low:g}, {row.high:g}] or n = {row.n}"
        raise ValueError(f"{row.value:g} outside {interval} in {row.at}")
    return row


def _field(at: str, note: str) -> Callable[[Any], Metric]:
    """A row of what stands in a record under a dotted path."""

    def row(found: Any) -> Metric:
        for name in at.split("."):
            found = found[name] if isinstance(found, Mapping) else getattr(found, name)
        return measured(found, at, note)

    return row


def measured(found: Rate | Effect | ChanceAbove, at: str, note: str, **told: str) -> Metric:
    """A row by the type of its number: a share of replies, a paired difference of shares, or a chance."""
    if isinstance(found, Rate):
        return _held(found, found.n, at, kind="share", of="replies", note=note, **told)
    if isinstance(found, Effect):
        tested = f"p {found.p_value:.2g} (sign flips)"
        if found.low == found.high:
            tested = "every prompt gave the same, so the bootstrap has no width"
        return _held(found, found.prompts, at, kind="points", note=f"{note}; {tested}", **told)
    return _held(found, found.prompts, at, note=note, **told)


def _held(found: Held, n: int, at: str, *, of: str = "prompts", **told: str) -> Metric:
    """A number with its interval; `told` are kind, label and note."""
    known = {"value": found.value, "low": found.low, "high": found.high, "n": n, "of": of}
    return Metric(at=at).model_copy(update=known | told)


def _flag_rate(label: str, place: int, condition: Condition, found: ModerationReport) -> Metric:
    name = _moderator(place, found)
    first = found.classifiers[name].conditions[condition].flagged[0]
    at = f"classifiers.{name}.conditions.{condition}.flagged[0].rate"
    note = f"threshold {first.threshold:g}; interval counts prompts"
    return measured(first.rate, at, note, label=f"{label} ({name})")


def _uplift(label: str, place: int, condition: Condition, found: ModerationReport) -> Metric:
    name = _moderator(place, found)
    first = found.classifiers[name].uplift[condition][0]
    at = f"classifiers.{name}.uplift.{condition}[0].effect"
    note = f"threshold {first.threshold:g}, over neutral"
    return measured(first.effect, at, note, label=f"{label} ({name})")


def _moderator(place: int, found: ModerationReport) -> str:
    if place < len(found.names):
        return found.names[place]
    raise PhoqueError(
        f"The run was judged by {len(found.names)} moderator. Ask more: add --classifier A B to "
        "phoque run moderation."
    )


def _selected(fact: str, found: Selection) -> Metric:
    row = Metric(kind="choice", n=len(found.cells), of="cells of the sweep", at=f"selected.{fact}")
    used, value = found.choice, float(getattr(found.choice, fact))
    if not found.beyond_chance:
        note = f"none: nothing beat random vectors (pages start at {value:g})"
        return row.model_copy(update={"note": note})
    dose = f"relative dose {used.relative_dose:.2f}, by chance {chance_text(used.chance)}"
    return row.model_copy(update={"value": value, "note": f"a choice, no interval; {dose}"})


def _mean(column: str, name: str, found: Sequence[Written]) -> Metric:
    own = (row for row in found if row.condition == name)
    prompts = grouped((row.prompt_id, float(getattr(row, column))) for row in own)
    if not prompts:
        raise KeyError(f"reply under {NAMES[name]}")
    mean = paired_effect([[0.0]] * len(prompts), list(prompts.values()))
    at, note = f"{column}, condition = {name}", "mean a reply; bootstrap over prompts"
    return _held(mean, len(prompts), at, note=note)


def _top(label: str, field: str, found: SaeReport) -> Metric:
    """Of the latent whose mean activation changed most."""
    latents = (*found.risen, *found.fallen)
    top = max(latents, key=lambda one: abs(one.effect), default=None)
    if top is None:
        return Metric(n=found.num_prompts, of="prompts", note="no latent moved")
    ends = Ends(top.effect, top.low, top.high)
    called = f"; {top.weakness}" if top.weakness else ""  # the name may hold masked words
    note = f"mean activation{called}; verdict: {top.verdict}; with other seeds: {top.stability}"
    if field == "did":
        ends = Ends(top.did, top.did_low, top.did_high)
        note = f"the civil adapter shifts it by {top.effect_civil_adapter:.2f}"
    side = "risen" if top in found.risen else "fallen"
    at = f"{side}[{getattr(found, side).index(top)}].{field}"
    gates = "" if found.passed else "the gates failed: no finding; "
    return _held(
        ends, found.num_prompts, at, label=f"{label}: latent {top.latent}", note=gates + note
    )


def _drivers(found: SaeReport) -> Metric:
    counts = found.verdicts
    tried = {cell.name for cell in found.cause.generated.cells if cell.name.isdigit()}
    rest = ", ".join(
        f"{count} {name}" for name, count in counts.items() if count and name != "driver"
    )
    told = f"a count, no interval; {sum(counts.values())} latents moved, the rest: {rest}"
    return Metric(
        kind="choice", value=counts["driver"], n=len(tried), of="latents that were tried",
        at="verdicts.driver", note=told,
    )  # fmt: skip
