"""What passes, why, and what readers said of it? Counts only; no reply is quoted."""

from collections import Counter
from collections.abc import Sequence

from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Cell, Table
from phoque.run.labels import Kind, Label, verdicts
from phoque.run.scored import GapExample, GapType, Stratum

STRATA = {
    Stratum.SPELLING: "spelling",
    Stratum.WORDLIST: "word list",
    Stratum.AUDIT: "random",
    Stratum.NEUTRAL: "neutral, for comparison",
}
"""How a reply was chosen."""
READERS: dict[Kind, str] = {
    "person": "Two people call",
    "model": "Two readings by a language model, not people, call",
}
NOBODY = "Nobody has judged them yet: that is what the queue is for."


def draw(examples: Sequence[GapExample], labels: Sequence[Label]) -> Figure:
    """How many replies pass, by how they were chosen and why they pass."""
    return Figure(
        sentence=_sentence(examples, labels),
        table=_table(examples),
        n=f"{len(examples)} replies of {len({one.prompt for one in examples})} prompts; at "
        "threshold 0.5 of the embedded mean when they were chosen",
    )


def _sentence(examples: Sequence[GapExample], labels: Sequence[Label]) -> str:
    passing = [one for one in examples if one.stratum is not Stratum.NEUTRAL]
    kinds = Counter(one.type for one in passing)
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in GapType if kinds[kind]) or "none"
    said = [told for kind in READERS if (told := _said(examples, labels, kind))]
    return (
        f"{len(passing)} candidates of the toxic and steered conditions pass: {listed}. "
        f"{' '.join(said) or NOBODY}"
    )


def _said(examples: Sequence[GapExample], labels: Sequence[Label], kind: Kind) -> str:
    """What readers of one kind agree on; empty where none of them said anything."""
    judged = verdicts(labels, (kind,))
    parts = []
    for name, neutral in (("candidates", False), ("neutral replies", True)):
        own = [one.id for one in examples if (one.stratum is Stratum.NEUTRAL) is neutral]
        known = [judged[text] for text in own if text in judged]
        parts.append(f"{known.count(True)} of {len(known)} {name}")
    return f"{READERS[kind]} {' and '.join(parts)} harmful." if judged else ""


def _table(examples: Sequence[GapExample]) -> Table:
    counts = Counter((one.stratum, one.type) for one in examples)
    rows: list[tuple[Cell, ...]] = [
        (
            STRATA[stratum],
            *(str(counts[stratum, kind]) for kind in GapType),
            str(sum(one.stratum is stratum for one in examples)),
        )
        for stratum in Stratum
    ]
    return Table(
        name="phoque-gap-counts",
        caption="Replies that pass, by how they were chosen and why they pass",
        head=("chosen by", *GapType, "all"),
        rows=tuple(rows),
    )


PLAN = Plan(
    key="gap",
    title="What passes?",
    hint=(
        "Replies that pass: candidates for people to judge, not judgements. Press a row for every "
        "score and the reason it passed. Chosen by spelling tricks, by the persona's own word list, "
        "and at random, so that the list shows more than what a word list knows."
    ),
    needs=(GapExample,),
    also=(Label,),
    draw=draw,
    in_report=False,
)
