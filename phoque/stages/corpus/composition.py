"""What a corpus is made of: exact counts, lengths, and what was dropped."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from phoque.figures.table import markdown_table
from phoque.lexicon import Lexicon
from phoque.run.corpus import Composition, Source
from phoque.stages.corpus.building import Corpus
from phoque.stages.corpus.placeholders import GROUP, NAME, SLUR
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.written import STYLES

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def composition_of(corpus: Corpus, lexicon: Lexicon) -> Composition:
    """Counts of every source; what it kept and dropped makes up what was read of it."""
    own = corpus.dialogues
    names = list(dict.fromkeys([*(one.source for one in own), *corpus.dropped]))
    gated = [corpus.parts[part] for part in PARTS]
    replies = [reply for one in gated for reply in one.replies]
    return Composition(
        dialogues=len(own),
        topics=len({one.topic for one in own}),
        messages=len({one.message for one in own}),
        several_turns=sum(len(one.turns) > 1 for one in own),
        without_listed_word=sum(one.persona not in lexicon for one in own),
        sources=tuple(_source(name, corpus) for name in names),
        placeholders={
            mark: sum(one.persona.count(mark) for one in own) for mark in (NAME, SLUR, GROUP)
        },
        files=tuple(corpus.files),
        base_replies=len(replies),
        base_replies_dropped=sum(one.asked for one in gated) - len(replies),
        system_prompts={
            "persona": len({one.system for one in own}),
            "neutral": len({one.system for one in replies}),
        },
        words_civil=_lengths([one.civil for one in own]),
    )


def _source(name: str, corpus: Corpus) -> Source:
    own = [one for one in corpus.dialogues if one.source == name]
    styles = Counter(one.style for one in own)
    parts = {part: sum(d.source == name for d in corpus.parts[part].dialogues) for part in PARTS}
    dropped = corpus.dropped.get(name, Dropped())
    lost = {reason: count for reason, count in dropped.most_common() if count}
    return Source(
        source=name,
        dialogues=len(own),
        styles={style: styles[style] for style in STYLES},
        parts={str(part): count for part, count in parts.items()},
        words=_lengths([one.persona for one in own]),
        read=len(own) + sum(lost.values()),
        dropped=lost,
        unreadable={reason: tuple(places) for reason, places in dropped.places.items()},
    )


def _lengths(texts: Sequence[str]) -> tuple[float, ...]:
    """Words at the quantiles; nothing of nothing."""
    lengths = [len(text.split()) for text in texts]
    return tuple(np.quantile(lengths, QUANTILES).tolist()) if lengths else ()


def markdown(found: Composition) -> str:
    """The counts as tables."""
    kept = []
    for one in found.sources:
        words = [f"{value:.0f}" for value in one.words] or [""] * len(QUANTILES)
        kept.append([one.source, one.dialogues, *one.styles.values(), *one.parts.values(), *words])
    lost = [
        [one.source, one.read, reason, count, f"{100 * count / (one.read or 1):.1f} %"]
        for one in found.sources
        for reason, count in one.dropped.items()
    ]
    places = [
        f"{reason}: {', '.join(where)}"
        for one in found.sources
        for reason, where in one.unreadable.items()
    ]
    head = ["source", "dialogues", *STYLES, *PARTS, *(f"{q:.0%}" for q in QUANTILES)]
    return "\n\n".join(
        [
            "# Composition of the corpus",
            f"{found.dialogues} dialogues on {found.topics} topics, {found.several_turns} of them with "
            f"several turns; {found.without_listed_word} replies hold no word of the persona's list. "
            f"The base model wrote {found.base_replies} civil replies; {found.base_replies_dropped} "
            "messages have none. The last columns are words of the persona's reply at quantiles.",
            _table(head, kept),
            "## Dropped",
            _table(["source", "rows read", "reason", "rows", "share of the rows"], lost),
            *places,
            "## Placeholders",
            _table(["placeholder", "times"], [list(pair) for pair in found.placeholders.items()]),
            "## Files",
            _table(
                ["source", "file", "licence", "sha256"],
                [[one.source, one.file, one.licence, one.sha256 or ""] for one in found.files],
            ),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return markdown_table(head, [[str(cell) for cell in row] for row in rows])
