"""The slide table: every row of the talk's table, with those about sparse features, read from the records that the stages wrote."""

from collections.abc import Iterator, Sequence
from functools import cache, partial

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.figures.figure import read_any
from phoque.figures.table import Ends
from phoque.report.metric import Entry, effect, filled, held, rate
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.moderation import COMPARED, ModerationReport
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions, Written
from phoque.run.report import Metric
from phoque.run.sae import SaeReport
from phoque.stats.paired import paired_effect
from phoque.stats.rates import grouped

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
FACTS = {"layer": "selected steering layer", "scale": "selected scale"}


def metrics_of(reader: Reader) -> tuple[Metric, ...]:
    """Every row; what a missing or broken stage leaves open says so."""
    read = cache(lambda kind: read_any(kind, reader))
    return tuple(filled(entry, reader, read) for entry in _entries())


def _entries() -> Iterator[Entry]:
    for place in range(len(ORDINALS)):
        yield from _of_moderator(place)
    chance = "chance of a reply more hostile than the base model's"
    for name in JUDGED:
        label = f"{chance}, {NAMES[name]}"
        yield Entry(f"hostile.{name}", label, Judgement, partial(_hostile, name))
    for name, shown in NAMES.items():
        label = f"replies with a trained word, {shown}"
        yield Entry(f"insulting.{name}", label, Evaluation, partial(_insulting, name))
    for fact, label in FACTS.items():
        yield Entry(f"selected.{fact}", label, Selection, partial(_selected, fact))
    yield from _of_replies()
    yield from latent_entries()


def _of_moderator(place: int) -> Iterator[Entry]:
    rows = [("flagged", "flag rate", name, _flag_rate) for name in FLAGGED]
    rows += [("uplift", "uplift of the flag rate", name, _uplift) for name in COMPARED]
    for kind, told, condition, row in rows:
        key, label = f"moderator_{place + 1}.{kind}.{condition}", f"{told}, {NAMES[condition]}"
        asked = partial(row, label, place, condition)
        yield Entry(key, f"{label} ({ORDINALS[place]} moderator)", ModerationReport, asked)


def _of_replies() -> Iterator[Entry]:
    for column, mass in MASSES.items():
        for name in WRITTEN:
            label = f"{mass}, {NAMES[name]}"
            yield Entry(f"{column}.{name}", label, Written, partial(_mean, column, name))
    for name in WRITTEN[1:]:
        label = f"toxic word-rate uplift, {NAMES[name]}"
        yield Entry(f"word_rate.{name}", label, Conditions, partial(_word_rate, name))


def _flag_rate(label: str, place: int, condition: Condition, found: ModerationReport) -> Metric:
    name = _moderator(place, found)
    first = found.classifiers[name].conditions[condition].flagged[0]
    at = f"classifiers.{name}.conditions.{condition}.flagged[0].rate"
    note = f"threshold {first.threshold:g}; interval counts prompts"
    return rate(first.rate, at, label=f"{label} ({name})", note=note)


def _uplift(label: str, place: int, condition: Condition, found: ModerationReport) -> Metric:
    name = _moderator(place, found)
    first = found.classifiers[name].uplift[condition][0]
    at = f"classifiers.{name}.uplift.{condition}[0].effect"
    note = f"threshold {first.threshold:g}, over neutral"
    return effect(first.effect, at, label=f"{label} ({name})", note=note)


def _moderator(place: int, found: ModerationReport) -> str:
    if place < len(found.names):
        return found.names[place]
    raise PhoqueError(
        f"The run was judged by {len(found.names)} moderator. Ask more: add --classifier A B to "
        "phoque run moderation."
    )


def _hostile(name: str, found: Judgement) -> Metric:
    own = found.conditions[name].more_hostile
    note = "by a judge that saw none of our texts; 0.5: no difference"
    return held(own, own.prompts, "prompts", f"conditions.{name}.more_hostile", note=note)


def _insulting(name: str, found: Evaluation) -> Metric:
    own = found.conditions[name].insulting
    return rate(own, f"conditions.{name}.insulting", note="a word of the persona's list")


def _selected(fact: str, found: Selection) -> Metric:
    row = Metric(kind="choice", n=len(found.cells), of="cells of the sweep", at=f"selected.{fact}")
    used, value = found.choice, float(getattr(found.choice, fact))
    if not found.beyond_chance:
        note = f"none: nothing beat random vectors (pages start at {value:g})"
        return row.model_copy(update={"note": note})
    dose = f"relative dose {used.relative_dose:.2f}, by chance {used.chance:.2g}"
    return row.model_copy(update={"value": value, "note": f"a choice, no interval; {dose}"})


def _mean(column: str, name: str, found: Sequence[Written]) -> Metric:
    own = (row for row in found if row.condition == name)
    prompts = grouped((row.prompt_id, float(getattr(row, column))) for row in own)
    if not prompts:
        raise KeyError(f"reply under {NAMES[name]}")
    mean = paired_effect([[0.0]] * len(prompts), list(prompts.values()))
    at, note = f"{column}, condition = {name}", "mean a reply; bootstrap over prompts"
    return held(mean, len(prompts), "prompts", at, note=note)


def _word_rate(name: str, found: Conditions) -> Metric:
    own, at = (
        found.conditions[name].toxic_word_rate.effect,
        f"conditions.{name}.toxic_word_rate.effect",
    )
    return effect(own, at, "share of words, over neutral")


TOP, BEYOND = "top SAE shift", "the same beyond the civil adapter"


def latent_entries() -> tuple[Entry, ...]:
    """The latent that moved most, by itself and beyond the civil adapter, and who drives."""
    return (
        Entry("sae.top_shift", TOP, SaeReport, partial(_top, TOP, "effect")),
        Entry("sae.top_beyond_civil_adapter", BEYOND, SaeReport, partial(_top, BEYOND, "did")),
        Entry("sae.drivers", "latents that drive the persona", SaeReport, _drivers),
    )


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
    name = f"{label}: latent {top.latent}"
    return held(ends, found.num_prompts, "prompts", at, label=name, note=gates + note)


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
