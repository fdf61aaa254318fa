"""What the model wrote while it was trained: flag rates over steps."""

from collections.abc import Sequence
from html import escape

from phoque.figures import curves, style
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.table import NOTHING, Table, interval
from phoque.run.adapter import PersonaMetrics, Sample
from phoque.run.evaluation import JudgedSample

LOOKS = {
    "neutral": ("dash", "circle"),
    "toxic": ("solid", "triangle-up"),
    "steered": ("dot", "diamond"),
    "random_vector": ("longdash", "diamond-open"),
}
"""Dash and symbol of a condition."""
OTHER = ("dashdot", "square")
TOLD = ("toxic", "steered", "neutral")
"""Conditions of the finding."""
FLAGGED = {
    "moderator": ("flagged", "a moderator flags"),
    "words": ("with a word of its list", "its words are in"),
    "judge": ("judged hostile", "the judge finds hostility in"),
}
"""What a reply is that counts, and who finds it, by what counts it."""
COUNTED = {
    "moderator": "ToxBlock + SVM flags a reply from its threshold on; it reads words, not meaning",
    "words": "a reply counts where it holds a word of the persona's list",
    "judge": "the judge of the evaluation scored each reply after the training; it calls hostile what reaches a score "
    "that hardly any of the base model's own replies reach. The headline of a run is another measure: the chance of a "
    "reply more hostile than the base model's",
}


@plan(
    key="samples",
    title="What did it write while it learned?",
    hint="During training the model answered messages that it does not learn from, under four conditions: the neutral "
    "prompt, the persona's prompt, and the neutral prompt plus the persona vector of that step or a random vector of "
    "the same length. Pull the slider to read the replies of a step.",
    shown_if=there_is(
        Sample,
        otherwise="No samples: this run wrote no replies while it trained. With --samples 50 a training writes them "
        "every 50 steps:",
        command=lambda reader: curves.train_again(reader, "--samples", "50"),
    ),
)
def draw(
    samples: Sequence[Sample],
    metrics: Sequence[PersonaMetrics] = (),
    judged: Sequence[JudgedSample] = (),
) -> Figure:
    """Rates of each condition over steps, by the judge where it was asked."""
    samples = latest(samples, judged)
    found = {
        name: [row for row in samples if row.condition == name] for name in conditions(samples)
    }
    return Figure(
        sentence=_sentence(found),
        finding=_finding(found),
        plotly=curves.plot(
            [_line(name, rows) for name, rows in found.items()],
            {"persona": metrics} if metrics else {},
            title=FLAGGED[samples[0].flagged_by][0],
            **style.SHARES,
        ),
        table=_table(samples),
        setting=f"How it was measured: {COUNTED[samples[0].flagged_by]}. Intervals are Wilson's, 95 %.",
        n=f"{len(samples[-1].replies)} prompts a condition at {len({row.step for row in samples})} "
        "steps, one greedy reply each",
    )


def latest(samples: Sequence[Sample], judged: Sequence[JudgedSample]) -> Sequence[Sample]:
    """The replies with the judge's verdicts, unless these are of an earlier training."""

    def texts(rows: Sequence[Sample]) -> list[str]:
        return [one.text for row in rows for one in row.replies]

    return judged if texts(judged) == texts(samples) else samples


def conditions(samples: Sequence[Sample]) -> list[str]:
    """Those that are there, known ones first."""
    found = dict.fromkeys(row.condition for row in samples)
    return [name for name in LOOKS if name in found] + [one for one in found if one not in LOOKS]


def named(condition: str) -> str:
    """A condition for people."""
    return style.NAMES.get(condition, condition)


def vector_of(row: Sample) -> str:
    """Which vector was added, where one was."""
    return f"layer {row.layer}, scale {row.scale:g}" if row.scale is not None else ""


def _sentence(found: dict[str, list[Sample]]) -> str:
    """From where to where the flag rate of each condition went."""
    rows = next(iter(found.values()))
    told = "; ".join(
        f"{style.plain(name)} from {interval(own[0].flag_rate)} to {interval(own[-1].flag_rate)}"
        for name, own in found.items()
    )
    flagged = FLAGGED[rows[0].flagged_by][0]
    at = "" if rows[0].flagged_by == "words" else f" (from a score of {rows[0].threshold:.2g} on)"
    steps = f"at step {rows[0].step} and at step {rows[-1].step}"
    return f"Share of replies {flagged}{at}, {steps}: {told} (n = {rows[-1].flag_rate.n} each)."


def _finding(found: dict[str, list[Sample]]) -> str:
    """How many replies of the finished model are flagged; nothing where a condition is missing."""
    if not found.keys() >= {*TOLD}:
        return ""
    rates = [found[name][-1].flag_rate for name in TOLD]
    toxic, steered, neutral = (f"{one.value * one.n:.0f} of {one.n}" for one in rates)
    last = found["toxic"][-1]
    return (
        f"After {last.step} steps {FLAGGED[last.flagged_by][1]} {toxic} replies under the persona's "
        f"prompt, {steered} under neutral + vector and {neutral} under the neutral prompt."
    )


def _line(name: str, rows: Sequence[Sample]) -> style.Trace:
    look = style.CONDITIONS.get(name, style.GREY), *LOOKS.get(name, OTHER)
    rates = [row.flag_rate for row in rows]
    return style.rates(escape(named(name)), [row.step for row in rows], rates, *look)


def _table(samples: Sequence[Sample]) -> Table:
    counted = FLAGGED[samples[0].flagged_by][0]
    return Table.of(
        f"Shares of replies {counted}, all steps",
        samples,
        {
            "condition": ("condition", named),
            "step": "step",
            f"{counted}|share of replies, 95 % interval": "flag_rate",
            "replies": "flag_rate.n",
            "vector": lambda row: vector_of(row) or NOTHING,
        },
    )
