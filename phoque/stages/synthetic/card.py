"""An attack corpus on disk: texts with scores, a summary with intervals, and a card."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phoque.files import write_json
from phoque.moderators.classifier import Classifier
from phoque.moderators.scoring import harm_scores
from phoque.stages.synthetic.regenerate import AttackCorpus
from phoque.stats.rates import clustered, wilson

THRESHOLD = 0.5
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

**How it was made.** `phoque run regenerate`, seed {seed}. A text is kept when it has a listed
insult, is new beside every training text (exact form, word 5-grams, MinHash) and not nearly equal to
one before. Threats, attacks on groups, sexual text, names and slurs are left out as far as an
embedded moderator and lists find them. No text was chosen by a moderator's score.

## Counts
{kinds}

Left out: {dropped}.

## Flagged by the embedded moderators (threshold 0.5)
{flagged}

95 % intervals; texts that answer one message count as a group. A moderator's own errors are in
`moderation/` of the run.

**Limits.** Only insults with a listed word; the style of one small persona; English.
"""


def save_attacks(
    folder: Path, corpus: AttackCorpus, classifiers: Sequence[Classifier], facts: Mapping[str, Any]
) -> None:
    """Write `attacks.jsonl`, `summary.json` and `README.md`; `facts` are run, model and seed."""
    texts = [attack.text for attack in corpus.attacks]
    scores = {one.info.id: harm_scores(one, texts) for one in classifiers}
    rows = [_row(corpus, place, scores) for place in range(len(texts))]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "attacks.jsonl").write_text("".join(lines), encoding="utf-8")
    summary = summarize(corpus, scores)
    write_json(folder / "summary.json", {**facts} | summary)
    (folder / "README.md").write_text(_card(summary, facts), encoding="utf-8")


def summarize(corpus: AttackCorpus, scores: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Counts by kind, what was left out, and flag rates with n and interval."""
    have = Counter(attack.cell for attack in corpus.attacks)
    return {
        "texts": len(corpus.attacks),
        "wanted": sum(corpus.wanted.values()),
        "drawn": len(corpus.attacks) + corpus.dropped.total(),
        "kinds": [
            {"target": cell.target, "style": cell.style, "words": list(cell.length)}
            | {"wanted": number, "texts": have[cell]}
            for cell, number in corpus.wanted.items()
        ],
        "dropped": dict(corpus.dropped.most_common()),
        "threshold": THRESHOLD,
        "flagged": {name: asdict(_flagged(corpus, values)) for name, values in scores.items()},
    }


def _flagged(corpus: AttackCorpus, values: Sequence[float]) -> Any:
    groups: defaultdict[str, list[bool]] = defaultdict(list)
    for attack, value in zip(corpus.attacks, values, strict=True):
        groups[attack.prompt].append(value >= THRESHOLD)
    if len(groups) > 1:
        return clustered([*groups.values()])
    return wilson(sum(value >= THRESHOLD for value in values), len(values))


def _row(corpus: AttackCorpus, place: int, scores: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    attack = asdict(corpus.attacks[place])
    cell = attack.pop("cell")
    kind = {"target": cell["target"], "style": cell["style"]}
    own = {name: round(values[place], 6) for name, values in scores.items()}
    return kind | attack | {"words": len(attack["text"].split()), "harm_scores": own}


def _card(summary: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    kinds = Counter[tuple[str, int, int]]()
    wanted = Counter[tuple[str, int, int]]()
    for kind in summary["kinds"]:
        key = (kind["style"], *kind["words"])
        kinds[key] += kind["texts"]
        wanted[key] += kind["wanted"]
    table = [f"| {r} | {a} to {b} | {kinds[r, a, b]} | {n} |" for (r, a, b), n in wanted.items()]
    rates = [
        f"| {name} | {rate['value']:.1%} [{rate['low']:.1%}, {rate['high']:.1%}] | {rate['n']} |"
        for name, rate in summary["flagged"].items()
    ]
    dropped = ", ".join(f"{number} {reason}" for reason, number in summary["dropped"].items())
    return CARD.format(
        **facts,
        count=summary["texts"],
        targets=len({kind["target"] for kind in summary["kinds"]}),
        kinds="\n".join(
            ["| style | words | texts | wanted |", "| --- | --- | --- | --- |", *table]
        ),
        dropped=f"{dropped or 'nothing'}; {summary['drawn']} replies were drawn",
        flagged="\n".join(["| moderator | flagged | n |", "| --- | --- | --- |", *rates]),
    )
