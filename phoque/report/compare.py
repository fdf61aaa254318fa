"""Two runs side by side: differences, and what should keep a reader from trusting them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures.kinds import interval, shown
from phoque.figures.table import NOTHING, markdown_table
from phoque.files import replaced_folder, write_text
from phoque.report.table import metrics_of
from phoque.run.folder import Reader, StageFolder
from phoque.run.manifest import Made
from phoque.run.moderation import ModerationReport
from phoque.run.psm import ActivationByLayer, Selection
from phoque.run.psm_replies import Conditions, Summary
from phoque.run.record import Part, Record
from phoque.run.report import Kind, Metric, MetricsTable
from phoque.run.sae import SaeReport
from phoque.stats.rates import Rate, newcombe

HEAD = ("number", "A", "B", "B − A", "95 % interval", "read with care")
FACTS = ("model", "persona")
MADE = ("seeds", "commit", "versions")
CORPUS = "corpus/dialogues.jsonl"
UNREADABLE = "cannot be read"
PAGE = "comparison.md"
UNNUMBERED = "sae."
"""Rows about latents: numbers of two dictionaries name different features."""


SETTINGS: tuple[tuple[str, type[Record], Callable[[Any], Any]], ...] = (
    ("system prompts and weights", Summary, lambda found: found.fingerprint),
    ("probes", ActivationByLayer, lambda found: found.probes),
    ("sampling of PSM", Conditions, lambda found: found.sampling),
    ("selected layer and scale", Selection, lambda found: found.selected),
    ("sampling of moderation", ModerationReport, lambda found: found.sampling),
    ("messages of moderation", ModerationReport, lambda found: found.prompts_sha256),
    ("moderators", ModerationReport, lambda found: [f"{o.id} {o.version}" for o in found.declared]),
    ("layer of the SAE", SaeReport, lambda found: found.layer),
    ("preset of the SAE", SaeReport, lambda found: found.preset),
)
"""Name, record, and what it says."""


class Difference(Part):
    """One row of both runs; no difference where either has none."""

    a: Metric
    b: Metric
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval of B − A, for independent runs."""
    warning: str = ""


class Setting(Part):
    """Something that the runs were made with, where it differs."""

    name: str
    a: str
    b: str


class Comparison(Record, file="comparison.json"):
    """Two runs, by the names of their folders; a file of no stage."""

    a: str
    b: str
    settings: tuple[Setting, ...]
    rows: tuple[Difference, ...]


def compare(a: Reader, b: Reader) -> Comparison:
    """Every row of the slide table in both runs, and the settings in which they differ."""
    pairs = zip(metrics_of(a), metrics_of(b), strict=True)
    one, other = (reader.run.path.resolve() for reader in (a, b))
    alike = one.name == other.name
    made, others = dict(_facts(a)), dict(_facts(b))
    both = [name for name in made if name in others and made[name] != others[name]]
    return Comparison(
        a=f"{one.parent.name}/{one.name}" if alike else one.name,
        b=f"{other.parent.name}/{other.name}" if alike else other.name,
        settings=tuple(Setting(name=name, a=made[name], b=others[name]) for name in both),
        rows=tuple(difference(one, other) for one, other in pairs),
    )


def difference(a: Metric, b: Metric) -> Difference:
    """B − A with the interval of Newcombe (1998), which needs nothing but both intervals."""
    if a.value is None or b.value is None:
        both = (("A", a), ("B", b))
        gaps = [f"{name}: {row.gap or row.note}" for name, row in both if row.value is None]
        return Difference(a=a, b=b, warning="; ".join(gaps))
    if a.key.startswith(UNNUMBERED):
        told = "latents of two dictionaries are different features: compare verdicts, not numbers"
        return Difference(a=a, b=b, warning=told)
    value, one, other = b.value - a.value, _rate(a), _rate(b)
    if one is None or other is None:
        return Difference(a=a, b=b, value=value, warning=_told(a, b, "a choice, no interval"))
    if one.low == one.high or other.low == other.high:
        return Difference(a=a, b=b, value=value, warning=_told(a, b, "an interval has no width"))
    low, high = newcombe(one, other)
    overlap = ""
    if one.low <= other.high and other.low <= one.high:
        overlap = "intervals overlap"
        overlap += "" if low <= 0 <= high else ", that of the difference leaves out 0"
    return Difference(a=a, b=b, value=value, low=low, high=high, warning=_told(a, b, overlap))


def write_comparison(found: Comparison, folder: Path) -> None:
    """Write `comparison.md` and `comparison.json`, all or nothing; an older comparison is replaced.

    Raises:
        PhoqueError: the folder holds something else.
    """
    files = {PAGE, Comparison.FILE}
    if folder.exists() and not (folder.is_dir() and {f.name for f in folder.iterdir()} <= files):
        raise PhoqueError(
            f"{folder} is no comparison, and what it holds would be replaced. Give a new folder."
        )
    with replaced_folder(folder) as partial:
        found.save(partial)
        write_text(partial / PAGE, page(found))


def page(found: Comparison) -> str:
    """The comparison as Markdown."""
    settings = [(one.name, one.a, one.b) for one in found.settings]
    differing = (
        f"**The runs differ in {len(settings)} settings**: a difference below may come from any."
        if settings
        else "No recorded setting differs."
    )
    parts = [f"# A: {found.a}, B: {found.b}", differing]
    if settings:
        parts.append(markdown_table(("setting", "A", "B"), settings))
    parts += [
        f"{len(found.rows)} rows are compared and not corrected for being many. Intervals of "
        "differences (Newcombe 1998) take the runs as independent; a run is one training, so a "
        "difference is one of two trainings, not of two recipes.",
        markdown_table(HEAD, [_cells(row) for row in found.rows]),
        "",
    ]
    return "\n\n".join(parts)


def _cells(row: Difference) -> list[str]:
    kind: Kind = "points" if row.a.kind == "share" else row.a.kind
    labels = dict.fromkeys(one.label for one in (row.a, row.b) if not one.gap) or [row.a.label]
    both = [_with_interval(one) for one in (row.a, row.b)]
    spread = interval(row.low, row.high, kind)
    return [" / ".join(labels), *both, shown(row.value, kind), spread, row.warning]


def _with_interval(row: Metric) -> str:
    if row.gap or row.value is None:
        return NOTHING
    n = f", n = {row.n}" if row.n is not None else ""
    held = "" if row.low is None else f" {interval(row.low, row.high, row.kind)}"
    return f"{shown(row.value, row.kind)}{held}{n}"


def _rate(row: Metric) -> Rate | None:
    if row.value is None or row.low is None or row.high is None:
        return None
    return Rate(value=row.value, low=row.low, high=row.high, n=row.n or 0)


def _told(a: Metric, b: Metric, warning: str) -> str:
    other = "measured by different names" if a.label != b.label else ""
    return "; ".join(filter(None, [warning, other]))


def _facts(reader: Reader) -> Iterator[tuple[str, str]]:
    """What a run was made with, by the name of each setting."""
    run = reader.run.manifest()
    yield from ((fact, getattr(run, fact)) for fact in FACTS)
    stages = {name: made for name, made in run.stages.items() if name != MetricsTable.STAGE}
    yield "stages", _plain(sorted(stages))
    for stage, made in stages.items():
        yield from ((f"{fact} of {stage}", _plain(getattr(made, fact))) for fact in MADE)
    yield (
        "training dialogues, sha256",
        _plain(stages.get("corpus", Made()).outputs.get(CORPUS)),
    )
    for name, kind, value in SETTINGS:
        folder = reader.folder(kind.STAGE)
        if folder.named(kind.FILE) in folder.made.outputs:
            yield name, _setting(folder, kind, value)


def _setting(folder: StageFolder, kind: type[Record], value: Callable[[Any], Any]) -> str:
    try:
        return _plain(value(folder.read(kind)))
    except PhoqueError:
        return UNREADABLE


def _plain(value: Any) -> str:
    if isinstance(value, Part):
        value = value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return NOTHING if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
