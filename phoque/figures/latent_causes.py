"""Does any latent cause the persona? What adding its direction makes the model write, beside rivals."""

from collections.abc import Callable, Sequence
from functools import partial

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, interval, share
from phoque.figures.trait import GREEDY, replies, setting
from phoque.run.sae import SaeReport
from phoque.run.sae_evidence import MEAN_DIFFERENCE, RIVALS, Cause, Steered
from phoque.stats.rates import wilson

PROMPTS = {"toward": "neutral", "away": "persona's"}
DOES = {"toward": "added", "away": "subtracted"}
SHOWS = {"toward": "makes the persona", "away": "holds the persona back"}
"""What adding a direction this way could show of a latent."""
LOOKS = (("circle", style.PERSONA), ("square", style.TOXIC), ("diamond", style.NEUTRAL))
"""By dose."""
HINT = (
    "The persona vector comes first: where it does not act, no latent can be shown to act. The rivals are as long: "
    "random directions, unmoved latents that fire as often, the mean difference, and what no latent expresses (R). An "
    "open mark means that the text fell apart."
)


def draw(way: str, report: SaeReport) -> Figure:
    """The latents that promised most, one way: `toward` the persona or `away` from it."""
    told = report.cause.generated
    cells = [cell for cell in told.cells if cell.way == way]
    return Figure(
        sentence=f"{control_said(report.cause, way)} {_sentence(cells, way)}".strip(),
        setting=setting(
            f"{told.plain[way].n} prompts, one reply each, under the {PROMPTS[way]} prompt",
            f"layer {report.layer}, at the strength that the sentence names, a share of the median length of the residual "
            "stream",
            GREEDY,
            told.counted,
        ),
        plotly=_plot(
            cells, f"{replies(told.counted)}, {PROMPTS[way]} prompt", told.plain[way].trait.value
        ),
        table=Table.of(
            "Steering with latents",
            cells,
            {
                "direction": _name,
                "dose": ("dose", "{:g}".format),
                replies(told.counted): "rate",
                "KL p95, nats": "divergence_p95",
                "coherent?": "coherent",
            },
        ),
        n=f"{told.plain[way].n} prompts a direction, greedy; rivals share them out; "
        f"{len(report.cause.screen.latents)} latents screened without generating",
    )


def control_said(cause: Cause, way: str) -> str:
    """Whether what is known to act acts here."""
    control = next(one for one in cause.controls if one.way == way)
    plain = interval(cause.generated.plain[way].trait)
    if control.best is None or control.random is None:
        return f"This layer cannot show what {SHOWS[way]}: no {control.direction} left the text coherent."
    does = (
        f"the {control.direction}, {DOES[way]} at strength {control.best.dose:g}, takes the share of "
        f"{replies(cause.generated.counted)} from {plain} to {interval(control.best.rate)}; random directions give "
        f"{interval(control.random.rate)}"
    )
    if control.acts:
        return f"This layer can show what {SHOWS[way]}: {does}."
    return f"This layer cannot show what {SHOWS[way]}, whatever a latent does: {does}."


def _sentence(cells: Sequence[Steered], way: str) -> str:
    """The strongest coherent latent, its rivals, and what the test can see at all."""
    latents = [cell for cell in cells if cell.is_latent]
    own = [cell for cell in latents if cell.coherent]
    if not own:
        return "No latent left the text coherent." if latents else "So no latent was tried."
    pick: Callable[..., Steered] = max if way == "toward" else min
    best = pick(own, key=lambda cell: cell.insulting)
    beside = [cell for cell in cells if cell.dose == best.dose]
    rivals = [cell for cell in beside if cell.name in RIVALS]
    rival = pick(rivals, key=lambda cell: cell.insulting)
    beyond = "beyond" if all(best.beyond(one) for one in rivals) else "not beyond"
    mean = "".join(
        f" The mean difference gives {interval(cell.rate)}."
        for cell in beside
        if cell.name == MEAN_DIFFERENCE
    )
    return (
        f"At strength {best.dose:g}, latent {best.name} gives {interval(best.rate)}, {beyond} the strongest rival "
        f"at that strength ({interval(rival.rate)}). "
        f"{_visible(rivals, best, way)}{mean}"
    )


def _visible(rivals: Sequence[Steered], best: Steered, way: str) -> str:
    """The smallest effect that this many replies could tell from the rivals."""
    n = best.n
    for hits in range(n + 1) if way == "toward" else range(n, -1, -1):
        rate = wilson(hits, n)
        seen = best.model_copy(update={"low": rate.low, "high": rate.high})
        if all(seen.beyond(one) for one in rivals):
            if hits == (n if way == "toward" else 0):
                every = "turned" if way == "toward" else "stopped"
                return f"With {n} replies, only a latent that {every} every one could be told apart from its rivals."
            side = "less than" if way == "toward" else "more than"
            return f"With {n} replies, a share of {side} {share(hits / n)} cannot be told apart from the rivals'."
    return f"With {n} replies, no effect could be told apart from the rivals'."


def _plot(cells: Sequence[Steered], counted: str, plain: float) -> style.Plotly:
    names = list(dict.fromkeys(_name(cell) for cell in cells))
    looks = dict(zip(sorted({cell.dose for cell in cells}), LOOKS, strict=False))
    traces = [_trace([c for c in cells if c.dose == dose], *looks[dose]) for dose in looks]
    traces += [_key(dose, *looks[dose]) for dose in looks]
    return style.plot(
        traces,
        x={"title": counted, **style.SHARES},
        y={"title": "", "autorange": "reversed", "type": "category", "categoryarray": names},
        marks=[style.upright(plain, "no direction")],
        height=120 + 30 * len(names),
    )


def _name(cell: Steered) -> str:
    return f"latent {cell.name}" if cell.is_latent else cell.name


def _trace(cells: Sequence[Steered], symbol: str, colour: str) -> style.Trace:
    rates = {_name(cell): cell.rate for cell in cells}
    trace = style.rates_across(
        f"%{{y}}, strength {cells[0].dose:g}", rates, colour, "solid", symbol
    )
    trace["marker"]["symbol"] = [f"{symbol}{'' if one.coherent else '-open'}" for one in cells]
    return trace | {"showlegend": False}


def _key(dose: float, symbol: str, colour: str) -> style.Trace:
    """An entry of the legend; of the points themselves it would show the first, open or not."""
    name = f"strength {dose:g}"
    return style.line(name, [None], [None], colour, symbol=symbol, mode="markers")


TOWARD = plan(
    key="latents_toward",
    title="Does any latent alone bring out the persona?",
    hint=f"Under the neutral prompt, one direction at a time pushes the model towards the persona. {HINT}",
)(partial(draw, "toward"))
AWAY = plan(
    key="latents_away",
    title="Does taking any latent away stop the persona?",
    hint=f"Under the persona's prompt, one direction at a time pushes the model away from the persona. {HINT}",
)(partial(draw, "away"))
