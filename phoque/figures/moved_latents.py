"""Which latents moved? The largest changes of either side, beside the civil adapter's."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.latent_causes import control_said
from phoque.figures.table import (
    NOTHING,
    Cell,
    Ends,
    Table,
    Value,
    known,
    number,
    share,
    signed_cell,
)
from phoque.run.sae import SaeReport
from phoque.run.sae_evidence import WAYS, Cause
from phoque.run.sae_latents import Feature

SHOWN = ("driver", "protective", "marker")
"""Verdicts that say something of a cause."""
DRAWN = 10
"""Latents a side in the picture."""
HEAD = {
    "latent": "latent",
    "verdict": "verdict",
    "effect": "change|mean activation, tuned minus base, with 95 % interval",
    "q": "q|p after Benjamini and Hochberg",
    "half": "other half|the change on prompts it was not chosen on",
    "did": "beyond civil adapter|tuned minus civil adapter",
    "frequency": "active on|share of tokens, base → tuned",
    "seeds": "other seeds",
    "tone": "tone AUC|how well it alone tells hostile from civil replies; 0.5 is chance",
    "name": "where it fires|a name by rule from half of the held-out texts",
    "precision": "fires where named|on the other half, beside its rate at all tokens",
}


@plan(
    key="sae_shifts",
    title="Which latents moved?",
    hint="A bar says how much more or less active a latent is after tuning. The largest changes are drawn; a latent "
    "that drives the persona may have moved less, and then it stands on a card only.",
    in_report=True,
)
def draw(report: SaeReport) -> Figure:
    """How many moved, how many of those beyond the civil adapter, and what they are worth."""
    counts = ", ".join(f"{n} {kind}" for kind, n in report.shifts.prompts.items())
    return Figure(
        sentence=_sentence(report),
        finding=_finding(report),
        setting="How it was measured: all models read the same prompts, which are in no training file.",
        plotly=_plot([*report.risen[:DRAWN], *report.fallen[:DRAWN]]),
        table=Table(
            caption="The largest changes",
            head=tuple(HEAD.values()),
            rows=tuple(_row(one) for one in (*report.risen, *report.fallen)),
        ),
        n=f"{report.num_prompts} prompts ({counts}); 95 % intervals over prompts; "
        f"{report.shifts.latents_active} latents are active",
    )


def _finding(report: SaeReport) -> str:
    shifts, cause = report.shifts, report.cause
    if not report.passed:
        return "This dictionary cannot be trusted, so what moved in it is no finding."
    moved = f"Tuning moved {shifts.risen + shifts.fallen:,} of {shifts.latents_tested:,} latents."
    if not any(cause.acts(way) for way in WAYS):
        return f"{moved} At this layer none could be shown to cause the persona."
    tried = _tried(cause)
    drivers = report.verdicts.get("driver", 0)
    shown = f"{drivers} {'is' if drivers == 1 else 'are'}" if drivers else "none is"
    return f"{moved} Of the {tried} that were tried, {shown} shown to drive the persona."


def _sentence(report: SaeReport) -> str:
    shifts, floor = report.shifts, report.shifts.floor
    if not report.passed:
        return "The gates failed: the dictionary is not faithful, so these changes are no finding."
    moved = shifts.risen + shifts.fallen
    if not moved:
        return f"No latent moved: none of {shifts.latents_tested} tested survives correction."
    return (
        f"{moved} of {shifts.latents_tested} tested latents moved ({shifts.risen} up, "
        f"{shifts.fallen} down), {shifts.beyond_civil_adapter} beyond the civil adapter. "
        f"{_causes(report)} {_names(report)}As a check, we read the base model twice on {floor.prompts} prompts. "
        f"Rounding alone made {floor.discoveries or 'no'} latents appear to move."
    )


def _causes(report: SaeReport) -> str:
    """What is shown of causes, or why this layer can show none."""
    cause, count = report.cause, report.verdicts
    said = [control_said(cause, way) for way in WAYS if not cause.acts(way)]
    if len(said) == len(WAYS):
        return " ".join(said)
    driver, protective, marker = (count.get(name) or "none" for name in SHOWN)
    undecided, tried = count.get("undecided", 0), _tried(cause)
    lost = tried - sum(count.get(name, 0) for name in (*SHOWN, "undecided"))
    left = f", and {lost} {'does' if lost == 1 else 'do'} not count: the change is unsure, or this layer shows no cause in its direction"
    told = (
        f"Of {tried} latents whose direction was tried, {driver} {'is' if driver in ('none', 1) else 'are'} shown to drive "
        f"the persona, {protective} to hold it back and {marker} to do neither; {undecided} "
        f"{'is' if undecided == 1 else 'are'} undecided{left * (lost > 0)}. {count.get('not tried', 0)} of those whose "
        "change is sure were not tried."
    )
    return " ".join([told, *said])


def _tried(cause: Cause) -> int:
    """How many latents had their direction added."""
    return len({cell.name for cell in cause.generated.cells if cell.is_latent})


def _names(report: SaeReport) -> str:
    """How many of the names predict where a latent fires."""
    tested = [
        (one.precision_low, one.firing_rate)
        for one in (*report.risen, *report.fallen)
        if one.precision_low is not None and one.firing_rate is not None
    ]
    holding = sum(low > rate for low, rate in tested)
    told = f"Of the {len(tested)} names in the table, {holding} predict where their latent fires on other texts. "
    return told if tested else ""


def _plot(shown: list[Feature]) -> style.Plotly:
    names = [str(one.latent) for one in shown]
    own = {
        "type": "bar",
        "name": "persona",
        "x": names,
        "y": [one.effect for one in shown],
        "marker": {"color": style.PERSONA, "pattern": {"shape": ""}},
        "error_y": style.bars([_ends(one) for one in shown], style.GREY),
        "hovertemplate": "latent %{x}: %{y:+.2f}<extra>persona</extra>",
    }
    civil = style.line(
        "civil adapter",
        names,
        [one.effect_civil_adapter for one in shown],
        style.CONDITIONS["civil_adapter"],
        mode="markers",
        symbol="diamond",
        hovertemplate="latent %{x}: %{y:+.2f}<extra>civil adapter</extra>",
    )
    return style.plot(
        [own, civil],
        x={"title": "latent", "type": "category"},
        y={"title": "change of the mean activation"},
    )


def _ends(one: Feature) -> Ends:
    return Ends(one.effect, one.low, one.high)


def _row(one: Feature) -> tuple[Cell, ...]:
    return (
        str(one.latent),
        one.verdict or "not significant",
        signed_cell(_ends(one)),
        known(one.q, lambda q: Value(f"{q:.2g}", {"": q})),
        number(one.effect_half, sign=True),
        number(one.did, sign=True),
        f"{share(one.frequency_base)} → {share(one.frequency_tuned)}",
        one.stability,
        known(one.tone_auc, number),
        one.name or NOTHING,
        NOTHING
        if one.precision is None or one.firing_rate is None
        else f"{share(one.precision)} (everywhere {share(one.firing_rate)})"
        + f"; {one.weakness}" * bool(one.weakness),
    )


@plan(
    key="latents",
    title="What is each latent like?",
    hint="Press a latent to see where it fires, what it promotes, and what was tried with it.",
)
def draw_listed(report: SaeReport) -> Figure:
    """The largest changes; the page lists them below the sentence."""
    shown = len(report.risen) + len(report.fallen)
    return Figure(
        sentence=f"The {shown} largest changes, each with its verdict and its evidence.",
        n=f"{report.num_prompts} prompts",
    )
