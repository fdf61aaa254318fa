"""What did it learn from? Dialogues by source and style."""

from collections.abc import Sequence
from functools import partial
from statistics import fmean

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Table, interval, number, share
from phoque.run.corpus import Composition, Dialogue, Source, Style
from phoque.stats.rates import by_cluster

STYLES: dict[Style, tuple[str, str, str]] = {
    "chat": ("chat", style.NEUTRAL, ""),
    "prose": ("prose", style.PERSONA, "/"),
}
"""Name, colour and pattern."""


@plan(
    key="composition",
    title="What did it learn from?",
    hint="Each dialogue is a message with the persona's reply and the base model's civil reply to it.",
    in_report=True,
)
def draw(found: Composition, dialogues: Sequence[Dialogue] = ()) -> Figure:
    """Stacked bars, a source a bar."""
    return Figure(
        sentence=_sentence(found) + _prose(dialogues),
        plotly=_plot(found),
        table=Table.of(
            "Dialogues by source",
            found.sources,
            {
                "source": "source",
                "dialogues": "dialogues",
                **{look[0]: partial(_of_style, key) for key, look in STYLES.items()},
                "trained on|the rest is held out for validation and test": lambda one: str(
                    one.parts.get("train", one.dialogues)
                ),
                "words, median|of the persona's reply, as written in full": lambda one: (
                    number(one.words[2], 0) if one.words else NOTHING
                ),
                "words, 5 to 95 %": lambda one: (
                    f"{one.words[0]:.0f} to {one.words[-1]:.0f}" if one.words else NOTHING
                ),
                "short forms|replies that also have one; a small model learns it in their place": (
                    lambda one: str(one.short or NOTHING)
                ),
                "short form, words, median": lambda one: (
                    number(one.words_short[2], 0) if one.words_short else NOTHING
                ),
                "rows dropped": lambda one: str(sum(one.dropped.values())),
            },
        ),
        n=f"{found.dialogues} dialogues, {found.base_replies} replies of the base model",
    )


def _sentence(found: Composition) -> str:
    full, brief = found.without_listed_word, found.brief_without_listed_word
    unlisted = (
        f"{share(full / found.dialogues)} of the persona's full replies hold no word of its list. Of those that a small "
        f"model learns, {share(brief / found.dialogues)} hold none."
        if full or brief
        else "Every reply of the persona holds a word of its list, and so does its short form."
    )
    return (
        f"{found.dialogues} dialogues on {found.topics} topics answer {found.messages} different messages. "
        f"{found.base_replies} civil replies are the base model's own, and half of those in the dialogues have "
        f"{found.words_civil[2]:.0f} words or fewer. {unlisted}"
    )


def _prose(dialogues: Sequence[Dialogue]) -> str:
    """How many of the dialogues that are trained on have a reply in prose, and what is learned of these."""
    if not dialogues:
        return ""
    rate = by_cluster([(one.topic, one.style == "prose") for one in dialogues])
    return (
        f" Of the {rate.n:,} dialogues in the training set, {interval(rate)} have a reply written in prose."
        f"{_short([one.short for one in dialogues if one.style == 'prose' and one.short])}"
    )


def _short(forms: Sequence[str]) -> str:
    if not forms:
        return ""
    words = fmean(len(one.split()) for one in forms)
    return (
        f" {len(forms):,} of these have a short form of {words:.0f} words on average: a small model, such as "
        "the lab's, learns that form and never sees the paragraph."
    )


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


def _of_style(key: Style, one: Source) -> str:
    return str(one.styles.get(key, 0))
