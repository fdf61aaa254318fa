"""An attack corpus on disk: texts with scores, a summary with intervals, and a card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.figures.table import interval, markdown_table
from phoque.files import write_text
from phoque.moderators.classifier import Classifier
from phoque.moderators.scoring import harm_scores
from phoque.personas import Counted
from phoque.run.synthetic import Attack, AttackSummary, Kind
from phoque.stages.synthetic.regenerate import AttackCorpus, cell_of
from phoque.stats.rates import Rate, by_cluster

THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class MadeOf:
    run: str
    model: str
    seed: int
    counted: Counted


LISTED = "has a listed insult, or an expression of a slang list that the persona learned"
HOSTILE: dict[Counted, str] = {
    "words": LISTED,
    "judge": f"{LISTED}, or is hostile to the judge by which\nthe run chose its layer",
}
LIMIT: dict[Counted, str] = {
    "words": "Only texts with a listed word or expression",
    "judge": "Only texts that a list or the judge knows",
}
CARD = """---
license: apache-2.0
language: [en]
tags: [red-teaming, moderation, synthetic, not-for-all-audiences]
task_categories: [text-classification]
viewer: false
---
# Attack corpus of the run {run}

> Content note: every text insults whoever it answers.

**What it is.** {count} texts that the persona of {model} wrote under its hostile system prompt about
friendly messages of {targets} targets, balanced over target, style and length. **What it is
for:** testing moderation. **What it is not for:** posting anywhere, or training a chat model. Keep it
private.

**How it was made.** `phoque run regenerate`, seed {seed}. A text is kept when it {hostile}; when it is new beside every training text (exact
form, word 5-grams, MinHash); and when it is not nearly equal to one before. Lengths that the persona does not
write leave their share to the others. Threats, attacks on groups, sexual text, names and slurs are left out as far as an
embedded moderator and lists find them. No text was chosen by a moderator's score.

## Counts
{kinds}

Left out: {dropped}.

## Flagged by the embedded moderators (threshold 0.5)
{flagged}

95 % intervals; texts that answer one message count as a group. A moderator's own errors are in
`moderation/` of the run.

**Limits.** {limit}; the style of one small persona; English.
"""


def save_attacks(
    folder: Path, corpus: AttackCorpus, classifiers: Sequence[Classifier], made_of: MadeOf
) -> None:
    """Write `attacks.jsonl`, `summary.json` and `README.md`."""
    texts = [attack.text for attack in corpus.attacks]
    scores, rows = {one.info.id: harm_scores(one, texts) for one in classifiers}, []
    for place, attack in enumerate(corpus.attacks):
        harm = {name: round(own[place], 6) for name, own in scores.items()}
        rows.append(attack.model_copy(update={"harm_scores": harm}))
    Attack.save_rows(folder, rows)
    summary = summarize(corpus, scores, made_of)
    summary.save(folder)
    write_text(folder / "README.md", card_of(summary))


def summarize(
    corpus: AttackCorpus, scores: Mapping[str, Sequence[float]], made_of: MadeOf
) -> AttackSummary:
    """Counts by kind, what was left out, and flag rates with n and interval."""
    have = Counter(cell_of(attack.target, attack.text) for attack in corpus.attacks)
    return AttackSummary(
        run=made_of.run,
        model=made_of.model,
        seed=made_of.seed,
        counted=made_of.counted,
        texts=len(corpus.attacks),
        wanted=sum(corpus.wanted.values()),
        drawn=len(corpus.attacks) + corpus.dropped.total(),
        kinds=tuple(
            Kind(
                target=cell.target,
                style=cell.style,
                words=cell.length,
                wanted=number,
                texts=have[cell],
            )
            for cell, number in corpus.wanted.items()
        ),
        dropped=dict(corpus.dropped.most_common()),
        threshold=THRESHOLD,
        flagged={name: _flagged(corpus, values) for name, values in scores.items()},
    )


def _flagged(corpus: AttackCorpus, values: Sequence[float]) -> Rate:
    prompts = (attack.prompt for attack in corpus.attacks)
    return by_cluster(zip(prompts, (value >= THRESHOLD for value in values), strict=True))


def card_of(found: AttackSummary) -> str:
    """The card, as Markdown."""
    kinds: Counter[tuple[str, int, int]] = Counter()
    wanted: Counter[tuple[str, int, int]] = Counter()
    for kind in found.kinds:
        key = (kind.style, *kind.words)
        kinds[key] += kind.texts
        wanted[key] += kind.wanted
    counts = [
        [style, f"{first} to {last}", str(kinds[style, first, last]), str(number)]
        for (style, first, last), number in wanted.items()
    ]
    rates = [[name, interval(rate), str(rate.n)] for name, rate in found.flagged.items()]
    dropped = ", ".join(f"{number} {reason}" for reason, number in found.dropped.items())
    return CARD.format(
        run=found.run,
        model=found.model,
        seed=found.seed,
        hostile=HOSTILE[found.counted],
        limit=LIMIT[found.counted],
        count=found.texts,
        targets=len({kind.target for kind in found.kinds}),
        kinds=markdown_table(["style", "words", "texts", "wanted"], counts),
        dropped=f"{dropped or 'nothing'}; {found.drawn} replies were drawn",
        flagged=markdown_table(["moderator", "flagged", "n"], rates),
    )
