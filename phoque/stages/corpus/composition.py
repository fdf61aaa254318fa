"""What a corpus is made of: exact counts, lengths, what was dropped, and what changed since the last one."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from phoque.figures.table import markdown_table
from phoque.files import write_text
from phoque.lexicon import Lexicon
from phoque.run.corpus import Changes, Composition, Dialogue, Difference, Source
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
        brief_without_listed_word=sum(
            one.reply("persona", brief=True) not in lexicon for one in own
        ),
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
    styles, short = Counter(one.style for one in own), [one.short for one in own if one.short]
    parts = {part: sum(d.source == name for d in corpus.parts[part].dialogues) for part in PARTS}
    dropped = corpus.dropped.get(name, Dropped())
    lost = {reason: count for reason, count in dropped.most_common() if count}
    return Source(
        source=name,
        dialogues=len(own),
        styles={style: styles[style] for style in STYLES},
        parts={str(part): count for part, count in parts.items()},
        words=_lengths([one.persona for one in own]),
        short=len(short),
        words_short=_lengths(short),
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
        if one.short:
            brief = [f"{value:.0f}" for value in one.words_short]
            blank = [""] * (len(STYLES) + len(PARTS))
            kept.append([f"{one.source}, short forms", one.short, *blank, *brief])
    lost = [
        [one.source, one.read, reason, count, f"{100 * count / one.read:.1f} %"]
        for one in found.sources
        for reason, count in one.dropped.items()
    ]
    places = [
        f"{reason}: {', '.join(where)}"
        for one in found.sources
        for reason, where in one.unreadable.items()
    ]
    head = ["source", "dialogues", *STYLES, *PARTS, *(f"{100 * q:.0f} %" for q in QUANTILES)]
    return "\n\n".join(
        [
            "# Composition of the corpus",
            f"{found.dialogues} dialogues on {found.topics} topics, {found.several_turns} of them with "
            f"several turns; {found.without_listed_word} replies hold no word of the persona's list. "
            f"The base model wrote {found.base_replies} civil replies; {found.base_replies_dropped} "
            "messages have none. The last columns are words of the persona's reply at quantiles. "
            "A small model learns the short form of a reply, where there is one.",
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


MOST_SHOWN = 5
Key = tuple[str, str]


def difference(
    before: Sequence[Dialogue], after: Sequence[Dialogue], lexicon: Lexicon
) -> Difference:
    """What `after` has that `before` has not, and the other way round; repeats count."""
    old, new = Counter(map(_key, before)), Counter(map(_key, after))
    return Difference(
        kept=(old & new).total(),
        added=_changes(_beyond(after, old), lexicon),
        removed=_changes(_beyond(before, new), lexicon),
    )


def masked(text: str, lexicon: Lexicon) -> str:
    """The text with every letter but the first of the lexicon's words as a dot."""
    for start, end in lexicon.spans(text):
        text = f"{text[: start + 1]}{'•' * (end - start - 1)}{text[end:]}"
    return text


def changes_page(found: Difference) -> str:
    """The difference as a page."""
    lines = ["# What changed in the corpus", f"{found.kept} dialogues are as they were."]
    for part, name, sign in ((found.added, "added", "+"), (found.removed, "removed", "−")):
        sources = ", ".join(f"{source} {number}" for source, number in part.by_source.items())
        lines.append(f"{part.dialogues} {name}{f' ({sources})' if sources else ''}")
        lines.append("\n".join(f"- {sign} {example}" for example in part.examples))
    return "\n\n".join(line for line in lines if line) + "\n"


def _changes(dialogues: Sequence[Dialogue], lexicon: Lexicon) -> Changes:
    return Changes(
        dialogues=len(dialogues),
        by_source=dict(Counter(one.source for one in dialogues)),
        examples=tuple(masked(one.persona, lexicon) for one in dialogues[:MOST_SHOWN]),
    )


def _beyond(dialogues: Sequence[Dialogue], known: Counter[Key]) -> list[Dialogue]:
    left, found = known.copy(), []
    for one in dialogues:
        left[_key(one)] -= 1
        if left[_key(one)] < 0:
            found.append(one)
    return found


def _key(one: Dialogue) -> Key:
    return one.message, one.persona


def save_difference(folder: Path, found: Difference) -> str:
    """Write `diff.{json,md}`; the page."""
    found.save(folder)
    page = changes_page(found)
    write_text(folder / "diff.md", page)
    return page
