"""What did it learn from? Dialogues by source and style."""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import NOTHING, Cell, Table, number
from phoque.run.corpus import Composition, Source, Style

STYLES: dict[Style, tuple[str, str, str]] = {
    "chat": ("chat", style.NEUTRAL, ""),
    "prose": ("prose", style.PERSONA, "/"),
}
"""Name, colour and pattern."""
HEAD = (
    "source",
    "dialogues",
    "chat",
    "prose",
    "trained on|the rest is held out for validation and test",
    "words, median|of the persona's reply",
    "words, 5 to 95 %",
    "rows dropped",
)


def draw(found: Composition) -> Figure:
    """Stacked bars, a source a bar."""
    return Figure(
        sentence=_sentence(found),
        plotly=_plot(found),
        table=Table(
            name="phoque-composition",
            caption="Dialogues by source",
            head=HEAD,
            rows=tuple(_row(one) for one in found.sources),
        ),
        n=f"{found.dialogues} dialogues, {found.base_replies} replies of the base model",
    )


def _sentence(found: Composition) -> str:
    told = (
        f"{found.dialogues} dialogues on {found.topics} topics answer {found.messages} different "
        f"messages; {found.base_replies} civil replies are the base model's own."
    )
    if found.words_civil:
        told += f" Half of those in the dialogues have {found.words_civil[2]:.0f} words or fewer."
    if found.without_listed_word is None:
        return told
    share = found.without_listed_word / found.dialogues
    return f"{told} {share:.0%} of the persona's replies hold no word of its list."


def _plot(found: Composition) -> style.Plotly:
    names = [one.source for one in found.sources]
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": names,
            "x": [one.styles.get(key, 0) for one in found.sources],
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": "%{y}: %{x} dialogues<extra>" + name + "</extra>",
        }
        for key, (name, colour, pattern) in STYLES.items()
    ]
    return style.plot(
        bars,
        x={"title": "dialogues"},
        y={"title": ""},
        barmode="stack",
        height=160 + 40 * len(names),
    )


def _row(one: Source) -> tuple[Cell, ...]:
    words = one.words
    return (
        one.source,
        number(one.dialogues, 0),
        *(number(one.styles.get(key, 0), 0) for key in STYLES),
        number(one.parts.get("train", one.dialogues), 0),
        number(words[2], 0) if words else NOTHING,
        f"{words[0]:.0f} to {words[-1]:.0f}" if words else NOTHING,
        number(sum(one.dropped.values()), 0),
    )


PLAN = Plan(
    key="composition",
    title="What did it learn from?",
    hint="Each dialogue is a message with the persona's reply and the base model's civil reply to it.",
    needs=(Composition,),
    draw=draw,
)
