"""The slide table: every row of the talk's table, read from what the stages wrote."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from phoque.errors import PhoqueError
from phoque.report.artefacts import Artefacts, Value
from phoque.report.metric import Metric, Row, effect, filled, rate
from phoque.run.folder import Reader
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions, Written
from phoque.stats.paired import paired_effect

MODERATION = "moderation/moderation_report.json"
EVALUATION = "evaluation/summary.json"
SAE = "sae/sae_comparison_report.json"
NUM_MODERATORS = 2
ORDINALS = ("first", "second")
RANDOM = "random vector (control)"
FLAGGED = {"neutral": "neutral", "toxic": "toxic", "steered": "steered", "random": RANDOM}
INSULTING = {
    "neutral": "neutral",
    "toxic": "toxic",
    "steered": "steered",
    "random": RANDOM,
    "control": "control adapter, toxic prompt",
}
IN_EVALUATION = {"random": "random vector", "control": "control adapter, toxic prompt"}
MASSES = {"toxic_pathway_mass_mean": "pathway mass", "completing_mass_mean": "completing mass"}
"""The talk's definition, which counts first pieces of words, and ours, which does not."""
WRITTEN = {
    "neutral": "neutral",
    "steered": "neutral + vector",
    "random_vector": "neutral + random vector (control)",
    "toxic": "toxic",
}


@dataclass(frozen=True)
class Entry:
    """A row's key, its name before anything was read, and how it is read."""

    key: str
    label: str
    row: Row


def metrics_of(artefacts: Artefacts) -> list[Metric]:
    """Every row; what a missing or broken stage leaves open says so."""
    return [filled(entry.row, artefacts, key=entry.key, label=entry.label) for entry in _entries()]


def _entries() -> Iterator[Entry]:
    for place, ordinal in enumerate(ORDINALS):
        yield from _moderator(place, f"{ordinal} moderator")
    for kind, label in INSULTING.items():
        name = f"insulting replies, {label}"
        yield Entry(f"insulting.{kind}", name, partial(_insulting, name, kind))
    for fact, label in (("layer", "selected steering layer"), ("scale", "selected scale")):
        yield Entry(f"selected.{fact}", label, partial(_selected, label, fact))
    for column, named in MASSES.items():
        for condition, label in WRITTEN.items():
            name = f"{named}, {label}"
            row = partial(_written_mean, name, column, condition)
            yield Entry(f"{column}.{condition}", name, row)
    for condition, label in list(WRITTEN.items())[1:]:
        name = f"toxic word-rate uplift, {label}"
        yield Entry(f"word_rate.{condition}", name, partial(_word_rate, name, condition))
    yield Entry("sae.top_shift", "top SAE shift", _top_shift)
    yield Entry("sae.top_beyond_control", "the same beyond the control adapter", _beyond_control)
    yield Entry("sae.drivers", "latents that drive the persona", _drivers)


def _moderator(place: int, named: str) -> Iterator[Entry]:
    for kind, label in FLAGGED.items():
        name = f"flag rate, {label}"
        row = partial(_flag_rate, name, place, kind)
        yield Entry(f"moderator_{place + 1}.flagged.{kind}", f"{name} ({named})", row)
    for kind in ("toxic", "steered", "random"):
        name = f"uplift of the flag rate, {FLAGGED[kind]}"
        row = partial(_uplift, name, place, kind)
        yield Entry(f"moderator_{place + 1}.uplift.{kind}", f"{name} ({named})", row)


def moderators(artefacts: Artefacts) -> list[str]:
    """The first two moderators of the run, as its Moderation tab has them in its headline."""
    return [one.at("id").text for one in artefacts.read(MODERATION).at("declared").rows()][
        :NUM_MODERATORS
    ]


def _classifier(artefacts: Artefacts, place: int) -> tuple[str, Value]:
    names = moderators(artefacts)
    if place >= len(names):
        command = artefacts.command(MODERATION)
        raise PhoqueError(
            f"{MODERATION} has {len(names)} moderators. Ask more with: {command} --classifier A B"
        )
    return names[place], artefacts.read(MODERATION).at("classifiers", names[place])


def _called(kind: str, conditions: Value) -> str:
    """A condition as the file calls it: older files say `random`."""
    known = [name for name, _ in conditions.items()]
    return kind if kind in known else f"{kind}_vector"


def _flag_rate(label: str, place: int, kind: str, artefacts: Artefacts) -> Metric:
    name, found = _classifier(artefacts, place)
    first = found.at("conditions", _called(kind, found.at("conditions")), "flagged", 0)
    note = f"threshold {first.at('threshold').number:g}; interval counts prompts"
    return rate(f"{label} ({name})", first.at("rate"), note=note)


def _uplift(label: str, place: int, kind: str, artefacts: Artefacts) -> Metric:
    name, found = _classifier(artefacts, place)
    first = found.at("uplift", _called(kind, found.at("uplift")), 0)
    note = f"threshold {first.at('threshold').number:g}, over neutral"
    return effect(f"{label} ({name})", first.at("effect"), note=note)


def _insulting(label: str, kind: str, artefacts: Artefacts) -> Metric:
    own = artefacts.read(EVALUATION).at("conditions", IN_EVALUATION.get(kind, kind))
    return rate(label, own.at("insulting"), note="a word of the lexicon; greedy and sampled")


def _selected(label: str, fact: str, artefacts: Artefacts) -> Metric:
    found = reader_of(artefacts).read(Selection)
    value = float(getattr(found.choice, fact))
    row = Metric(
        key="", label=label, kind="choice", n=len(found.cells), of="cells of the sweep",
        file=f"psm/{Selection.FILE}", at=f"selected.{fact}",
    )  # fmt: skip
    if not found.beyond_chance:
        return replace(row, note=f"none: nothing beat random vectors (pages start at {value:g})")
    dose, chance = found.choice.relative_dose, found.choice.chance
    note = f"a choice, no interval; relative dose {dose:.2f}, by chance {chance:.2g}"
    return replace(row, value=value, note=note)


def _written_mean(label: str, column: str, condition: str, artefacts: Artefacts) -> Metric:
    reader = reader_of(artefacts)
    rows = [
        row for row in _replies(reader, reader.folder("psm").stamp) if row.condition == condition
    ]
    prompts = [[getattr(row, column) for row in rows if row.prompt_id == prompt]
               for prompt in sorted({row.prompt_id for row in rows})]  # fmt: skip
    file = f"psm/{Written.FILE}"
    if not prompts:
        command = reader.folder("psm").command
        raise PhoqueError(f"{file} has no {condition}. Make it again with: {command}")
    mean = paired_effect([[0.0]] * len(prompts), prompts)
    return Metric(
        key="", label=label, value=mean.value, low=mean.low, high=mean.high, n=len(prompts),
        of="prompts", file=file, at=f"{column}, condition = {condition}",
        note="mean a reply; bootstrap over prompts",
    )  # fmt: skip


@lru_cache(maxsize=2)
def _replies(reader: Reader, _stamp: object) -> tuple[Written, ...]:
    """Every row needs them; `_stamp` changes when the file does."""
    return reader.rows(Written)


def reader_of(artefacts: Artefacts) -> Reader:
    """Reads what complete stages wrote, as records."""
    return Reader(artefacts.run, signed=True)


def _word_rate(label: str, condition: str, artefacts: Artefacts) -> Metric:
    own = reader_of(artefacts).read(Conditions).conditions[condition].toxic_word_rate.effect
    return Metric(
        key="", label=label, kind="points", value=own.value, low=own.low, high=own.high,
        n=own.prompts, of="prompts", file=f"psm/{Conditions.FILE}",
        at=f"conditions.{condition}.toxic_word_rate.effect",
        note=f"share of words, over neutral; p {own.p_value:.2g} (sign flips)",
    )  # fmt: skip


def top_latent(artefacts: Artefacts) -> Value | None:
    """The latent whose mean activation changed most; None where none moved."""
    report = artefacts.read(SAE)
    sides = (report.at(side) for side in ("risen", "fallen"))
    latents = [row for side in sides if side.data for row in side.rows()]
    return max(latents, key=lambda row: abs(row.at("effect").number), default=None)


def sae_prompts(artefacts: Artefacts) -> int:
    """Number of prompts behind every shift."""
    counts = artefacts.read(SAE).at("shifts", "prompts")
    return int(sum(count.number for _, count in counts.items()))


def _shift(
    artefacts: Artefacts, label: str, columns: Sequence[str], note: Callable[[Value], str]
) -> Metric:
    top, n = top_latent(artefacts), sae_prompts(artefacts)
    if top is None:
        return Metric(key="", label=label, n=n, of="prompts", file=SAE, note="no latent moved")
    value, low, high = (top.at(name).number for name in columns)
    told = note(top)
    if not artefacts.read(SAE).at("passed").data:
        told = f"the gates failed: no finding; {told}"
    return Metric(
        key="", label=f"{label}: latent {top.at('latent').number:.0f}", value=value, low=low,
        high=high, n=n, of="prompts", file=SAE, at=f"{top.key}.{columns[0]}", note=told,
    )  # fmt: skip


def _top_shift(artefacts: Artefacts) -> Metric:
    return _shift(
        artefacts,
        "top SAE shift",
        ("effect", "low", "high"),
        lambda top: (
            f"mean activation a token; verdict: {top.at('verdict').text}; "
            f"with other seeds: {top.at('stability').text}"
        ),
    )


def _beyond_control(artefacts: Artefacts) -> Metric:
    return _shift(
        artefacts,
        "the same beyond the control adapter",
        ("did", "did_low", "did_high"),
        lambda top: (
            "the persona's shift less the control adapter's, which is "
            f"{top.at('effect_control').number:.2f}"
        ),
    )


def _drivers(artefacts: Artefacts) -> Metric:
    verdicts = artefacts.read(SAE).at("verdicts")
    counts = {name: int(count.number) for name, count in verdicts.items()}
    rest = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "driver")
    return Metric(
        key="", label="latents that drive the persona", kind="choice",
        value=verdicts.at("driver").number, n=sum(counts.values()), of="latents that moved",
        file=SAE, at="verdicts.driver", note=f"a count, no interval; the rest: {rest}",
    )  # fmt: skip
