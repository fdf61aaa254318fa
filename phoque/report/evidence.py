"""Numbers that decide a claim: a field of a record, or a share of the rows of a file."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from operator import eq, gt, lt, ne
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from phoque.errors import PhoqueError
from phoque.figures.figure import Kind
from phoque.report.paths import kind_called, path
from phoque.run.claims import Evidence
from phoque.run.folder import Reader
from phoque.run.record import Part, Row
from phoque.run.scored import sample
from phoque.stats.rates import by_cluster, wilson

LEADING = ("value", "insulting", "mean", "effect", "difference")
"""Fields whose interval is `low` and `high` beside them."""
COUNTED = ("n", "prompts", "texts", "num_probes")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {"!=": ne, "=": eq, ">": gt, "<": lt}


class Share(Part):
    """Which share of the rows of a file is meant, with an interval that counts `by`."""

    rows: str
    """Folder and file, such as `moderation.gap_examples`."""
    of: tuple[str, ...] = ()
    """What rows must be to count at all, such as `condition!=neutral`."""
    are: tuple[str, ...] = ()
    """What those must be that make up the share."""
    rises: str = ""
    """Instead: this field must be larger than in the row before."""
    by: str = ""
    """Field by which rows belong together, such as `prompt`; every row by itself where empty."""
    sampled: bool = False
    """Only rows of the random sample for people to judge; of scored replies."""
    matching: "Share | None" = None
    """Only rows whose `by` one of these rows has, too; the interval counts `within` of these."""
    within: str = ""
    """Of rows that others match: the field by which they belong together, such as `prompt`."""

    @property
    def told(self) -> str:
        """What is counted, as a person reads it."""
        are = f"{self.rises} rises" if self.rises else " and ".join(self.are)
        among = f" of {' and '.join(self.of)}" if self.of else ""
        return f"share with {are}{among}"


Source = Annotated[
    Annotated[str, Tag("path")] | Annotated[Share, Tag("share")],
    Discriminator(lambda told: "path" if isinstance(told, str) else "share"),
]
"""A path into a record, or a share of rows."""


def evidence(name: str, source: Source, reader: Reader) -> Evidence:
    """A number of a run; one that is missing says what makes it."""
    try:
        found = _of_path(source, reader) if isinstance(source, str) else _share(source, reader)
    except PhoqueError as error:
        found = Evidence(name=name, gap=str(error))
    return found.model_copy(
        update={"name": name, "run": reader.run.path.resolve().name, **_where(source)}
    )


def _where(source: Source) -> dict[str, str]:
    """File and field of a number."""
    if isinstance(source, str):
        return {"record": path(source).file, "field": path(source).field}
    kind = _row_kind(source)
    return {"record": f"{kind.STAGE}/{kind.FILE}".lstrip("/"), "field": source.told}


def _share(source: Share, reader: Reader) -> Evidence:
    rows = _rows(source, reader)
    belongs: dict[Any, Any] = {}
    if source.matching:
        own = source.matching
        belongs = {
            _value(row, own.by): _value(row, own.within or own.by) for row in _rows(own, reader)
        }
        rows = [row for row in rows if _value(row, source.by) in belongs]
    hits = [(belongs.get(name, name), hit) for name, hit in _hits(source, rows)]
    if not hits:
        kind = _row_kind(source)
        raise PhoqueError(f"Nothing to count: {kind.FILE} has no such row{_which(source)}.")
    rate = by_cluster(hits) if source.by else wilson(sum(hit for _, hit in hits), len(hits))
    return Evidence(name="", value=rate.value, low=rate.low, high=rate.high, n=rate.n)


def _rows(source: Share, reader: Reader) -> list[Any]:
    """The rows of a file that count at all."""
    rows: Sequence[Any] = reader.rows(_row_kind(source))
    known = sample(rows) if source.sampled else rows
    return [row for row in known if all(test(row) for test in _tests(source.of))]


def _which(source: Share) -> str:
    return f" (one with {' and '.join(source.of)})" if source.of else ""


def _hits(source: Share, rows: Sequence[Row]) -> Iterator[tuple[str, bool]]:
    """What each row belongs to, and whether it is one of those that are meant."""
    if source.rises:
        values = [_value(row, source.rises) for row in rows]
        known = [value for value in values if value is not None]
        yield from (("", after > before) for before, after in pairwise(known))
        return
    tests = _tests(source.are)
    for row in rows:
        yield str(_value(row, source.by)) if source.by else "", all(test(row) for test in tests)


def _of_path(text: str, reader: Reader) -> Evidence:
    """Value, interval and n of what a path leads to."""
    where = path(text)
    found = where.follow(reader)
    leaf, holder, name = found.value, found.inside, found.name
    if leaf is None:
        raise PhoqueError(f"Not measured: {where.file} says nothing under {where.field}.")
    if hasattr(leaf, "low") and hasattr(leaf, "high"):
        holder, name = leaf, next(one for one in LEADING if hasattr(leaf, one))
        leaf = getattr(holder, name)
    if isinstance(leaf, tuple | dict):
        return Evidence(name="", value=len(leaf))
    if not isinstance(leaf, int | float):
        raise PhoqueError(f"{where.file} holds no number under {where.field}, but {leaf!r}.")
    low, high = _interval(holder, name)
    n = next((getattr(holder, one) for one in COUNTED if hasattr(holder, one)), None)
    return Evidence(name="", value=leaf, low=low, high=high, n=n if isinstance(n, int) else None)


def _interval(holder: object, name: str) -> tuple[float | None, float | None]:
    """What stands beside a field as its interval; nothing where it has none."""
    ends = (f"{name}_low", f"{name}_high")
    if name in LEADING and not hasattr(holder, ends[0]):
        ends = ("low", "high")
    return getattr(holder, ends[0], None), getattr(holder, ends[1], None)


def _tests(texts: Sequence[str]) -> list[Callable[[Row], bool]]:
    return [*map(_test, texts)]


def _test(text: str) -> Callable[[Row], bool]:
    for sign, holds in SIGNS.items():
        field, found, value = text.partition(sign)
        if found:
            return partial(_passes, field.strip(), holds, value.strip())
    raise PhoqueError(f"{text!r} compares nothing. Write field=value; also known: != > <.")


def _passes(field: str, holds: Callable[[Any, Any], bool], value: str, row: Row) -> bool:
    found = _value(row, field)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return holds(str(found).lower(), value.lower())
    return holds(found, float(value))


def _row_kind(source: Share) -> type[Row]:
    kind: Kind = kind_called(source.rows)
    if not issubclass(kind, Row):
        raise PhoqueError(f"{source.rows!r} is one record and has no rows to count.")
    return kind


def _value(row: Row, dotted: str) -> Any:
    value: Any = row
    for name in dotted.split("."):
        value = None if value is None else getattr(value, name)
    return value
