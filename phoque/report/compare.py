"""Two runs side by side: differences, and what should keep a reader from trusting them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import hypot
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.files import replaced_folder, write_json
from phoque.report.artefacts import Artefacts
from phoque.report.metric import Kind, Metric, interval, shown
from phoque.report.pages import NOTHING, rows_of, value_of
from phoque.report.table import MODERATION, SAE, metrics_of

HEAD = ("number", "A", "B", "B − A", "95 % interval", "read with care")
FACTS = ("model", "persona")
IN_FILES = {
    "system prompts and weights": ("psm/summary.json", "fingerprint"),
    "probes": ("psm/activation_by_layer.json", "probes"),
    "sampling of PSM": ("psm/conditions.json", "sampling"),
    "selected layer and scale": ("psm/selection.json", "selected"),
    "sampling of moderation": (MODERATION, "sampling"),
    "messages of moderation": (MODERATION, "prompts_sha256"),
    "layer of the SAE": (SAE, "layer"),
    "preset of the SAE": (SAE, "preset"),
}
"""Settings by the file and the key that hold them."""
REPORT = "report"
UNREADABLE = "cannot be read"
CORPUS = "corpus/dialogues.jsonl"
FILES = {"comparison.md", "comparison.json"}
UNNUMBERED = "sae."
"""Rows about latents: numbers of two dictionaries name different features."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One row of both runs; no difference where either has none."""

    a: Metric
    b: Metric
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval of B − A, for independent runs."""
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Something that the runs were made with, where it differs."""

    name: str
    a: str
    b: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, by the names of their folders."""

    a: str
    b: str
    settings: list[Setting]
    rows: list[Difference]


def compare(a: Artefacts, b: Artefacts) -> Comparison:
    """Every row of the slide table in both runs, and the settings in which they differ."""
    pairs = zip(metrics_of(a), metrics_of(b), strict=True)
    one, other = (run.run.path.resolve() for run in (a, b))
    alike = one.name == other.name
    return Comparison(
        a=f"{one.parent.name}/{one.name}" if alike else one.name,
        b=f"{other.parent.name}/{other.name}" if alike else other.name,
        settings=[one for one in _settings(a, b) if one.a != one.b],
        rows=[difference(one, other) for one, other in pairs],
    )


def difference(a: Metric, b: Metric) -> Difference:
    """B − A with the interval of Newcombe (1998), which needs nothing but both intervals."""
    if a.value is None or b.value is None:
        return Difference(a=a, b=b, warning="; ".join(_open(a, b)))
    if a.key.startswith(UNNUMBERED):
        told = "latents of two dictionaries are different features: compare verdicts, not numbers"
        return Difference(a=a, b=b, warning=told)
    value = b.value - a.value
    if None in (a.low, a.high, b.low, b.high):
        return Difference(a=a, b=b, value=value, warning=_told(a, b, "a choice, no interval"))
    low, high = _newcombe(a, b)
    if a.low == a.high or b.low == b.high:
        return Difference(a=a, b=b, value=value, warning=_told(a, b, "an interval has no width"))
    overlap = "intervals overlap" if _overlap(a, b) else ""
    if overlap and not low <= 0 <= high:
        overlap += ", that of the difference leaves out 0"
    return Difference(a=a, b=b, value=value, low=low, high=high, warning=_told(a, b, overlap))


def write_comparison(found: Comparison, folder: Path) -> None:
    """Write `comparison.md` and `comparison.json`, all or nothing; an older comparison is replaced.

    Raises:
        PhoqueError: the folder holds something else.
    """
    if folder.exists() and not (folder.is_dir() and {f.name for f in folder.iterdir()} <= FILES):
        raise PhoqueError(
            f"{folder} is no comparison, and what it holds would be replaced. Give a new folder."
        )
    with replaced_folder(folder) as partial:
        write_json(partial / "comparison.json", asdict(found))
        (partial / "comparison.md").write_text(page(found), encoding="utf-8")


def page(found: Comparison) -> str:
    """The comparison as Markdown."""
    settings = [[one.name, one.a, one.b] for one in found.settings]
    differing = (
        f"**The runs differ in {len(settings)} settings**: a difference below may come from any."
        if settings
        else "No recorded setting differs."
    )
    parts = [f"# A: {found.a}, B: {found.b}", differing]
    if settings:
        parts.append(rows_of(("setting", "A", "B"), settings))
    parts += [
        f"{len(found.rows)} rows are compared and not corrected for being many. Intervals of "
        "differences (Newcombe 1998) take the runs as independent; a run is one training, so a "
        "difference is one of two trainings, not of two recipes.",
        rows_of(HEAD, [_cells(row) for row in found.rows]),
        "",
    ]
    return "\n\n".join(parts)


def _cells(row: Difference) -> list[str]:
    kind: Kind = "points" if row.a.kind == "share" else row.a.kind
    value = NOTHING if row.value is None else shown(row.value, kind)
    labels = dict.fromkeys(one.label for one in (row.a, row.b) if not one.gap) or [row.a.label]
    label = " / ".join(labels)
    both = [_with_interval(one) for one in (row.a, row.b)]
    return [label, *both, value, interval(row.low, row.high, kind), row.warning]


def _with_interval(row: Metric) -> str:
    if row.gap or row.value is None:
        return NOTHING
    n = f", n = {row.n}" if row.n is not None else ""
    held = "" if row.low is None else f" {interval(row.low, row.high, row.kind)}"
    return f"{value_of(row)}{held}{n}"


def _newcombe(a: Metric, b: Metric) -> tuple[float, float]:
    numbers = (a.value, a.low, a.high, b.value, b.low, b.high)
    x, x_low, x_high, y, y_low, y_high = (float(one or 0.0) for one in numbers)
    value = y - x
    return value - hypot(y - y_low, x_high - x), value + hypot(y_high - y, x - x_low)


def _overlap(a: Metric, b: Metric) -> bool:
    ends = [float(one or 0.0) for one in (a.low, a.high, b.low, b.high)]
    return ends[0] <= ends[3] and ends[2] <= ends[1]


def _open(a: Metric, b: Metric) -> Iterator[str]:
    for name, row in (("A", a), ("B", b)):
        if row.value is None:
            yield f"{name}: {row.gap or row.note}"


def _told(a: Metric, b: Metric, warning: str) -> str:
    other = "measured by different names" if a.label != b.label else ""
    return "; ".join(filter(None, [warning, other]))


def _settings(a: Artefacts, b: Artefacts) -> Iterator[Setting]:
    for name in FACTS:
        yield Setting(name=name, a=_plain(a.manifest.get(name)), b=_plain(b.manifest.get(name)))
    stages = [[stage for stage in run.stages if stage != REPORT] for run in (a, b)]
    yield Setting(name="stages", a=_plain(sorted(stages[0])), b=_plain(sorted(stages[1])))
    for stage in stages[0]:
        for fact in ("seeds", "commit", "versions"):
            if stage in stages[1]:
                one, other = (run.stages[stage].get(fact) for run in (a, b))
                yield Setting(name=f"{fact} of {stage}", a=_plain(one), b=_plain(other))
    one, other = (run.stages.get("corpus", {}).get("outputs", {}).get(CORPUS) for run in (a, b))
    yield Setting(name="training dialogues, sha256", a=_plain(one), b=_plain(other))
    for name, (file, key) in IN_FILES.items():
        if a.has(file) and b.has(file):
            yield Setting(name=name, a=_setting(a, file, key), b=_setting(b, file, key))
    if a.has(MODERATION) and b.has(MODERATION):
        yield Setting(name="moderators", a=_moderators(a), b=_moderators(b))


def _setting(run: Artefacts, file: str, key: str) -> str:
    try:
        return _plain(run.read(file).at(key).data)
    except PhoqueError:
        return UNREADABLE


def _moderators(run: Artefacts) -> str:
    try:
        declared = run.read(MODERATION).at("declared").rows()
        named = [f"{one.at('id').text} {one.at('version').text}" for one in declared]
    except PhoqueError:
        return UNREADABLE
    return ", ".join(named)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return NOTHING if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
