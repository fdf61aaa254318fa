"""Rows of the slide table about sparse features."""

from collections.abc import Callable

from phoque.report.metric import Entry
from phoque.run.report import Metric
from phoque.run.sae import SaeReport
from phoque.run.sae_latents import Feature


def latent_entries() -> tuple[Entry, ...]:
    """The latent that moved most, by itself and beyond the civil adapter, and who drives."""
    rows: tuple[tuple[str, str, Callable[[SaeReport], Metric]], ...] = (
        ("top_shift", "top SAE shift", _top_shift),
        ("top_beyond_civil_adapter", "the same beyond the civil adapter", _beyond_civil_adapter),
        ("drivers", "latents that drive the persona", _drivers),
    )
    return tuple(
        Entry(key=f"sae.{key}", label=label, needs=SaeReport, row=row) for key, label, row in rows
    )


def _top_shift(found: SaeReport) -> Metric:
    top = _top(found)
    if top is None:
        return _nothing(found)
    told = f"verdict: {top.verdict}; with other seeds: {top.stability}"
    row = Metric(value=top.effect, low=top.low, high=top.high, note=f"mean activation; {told}")
    return _of_latent("top SAE shift", "effect", row, top, found)


def _beyond_civil_adapter(found: SaeReport) -> Metric:
    top = _top(found)
    if top is None:
        return _nothing(found)
    told = f"the civil adapter shifts it by {top.effect_civil_adapter:.2f}"
    row = Metric(value=top.did, low=top.did_low, high=top.did_high, note=told)
    return _of_latent("the same beyond the civil adapter", "did", row, top, found)


def _of_latent(label: str, name: str, row: Metric, top: Feature, found: SaeReport) -> Metric:
    side = "risen" if top in found.risen else "fallen"
    gates = "" if found.passed else "the gates failed: no finding; "
    return row.model_copy(
        update={
            "label": f"{label}: latent {top.latent}",
            "n": found.num_prompts,
            "of": "prompts",
            "at": f"{side}[{getattr(found, side).index(top)}].{name}",
            "note": gates + row.note,
        }
    )


def _top(found: SaeReport) -> Feature | None:
    """The latent whose mean activation changed most; None where none moved."""
    latents = (*found.risen, *found.fallen)
    return max(latents, key=lambda one: abs(one.effect), default=None)


def _nothing(found: SaeReport) -> Metric:
    return Metric(n=found.num_prompts, of="prompts", note="no latent moved")


def _drivers(found: SaeReport) -> Metric:
    counts = found.verdicts
    tried = {cell.name for cell in found.cause.generated.cells if cell.name.isdigit()}
    rest = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "driver")
    told = f"a count, no interval; {sum(counts.values())} latents moved, the rest: {rest}"
    return Metric(
        kind="choice", value=counts["driver"], n=len(tried), of="latents that were tried",
        at="verdicts.driver", note=told,
    )  # fmt: skip
