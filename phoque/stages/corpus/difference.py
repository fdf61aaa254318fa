"""What changed between two corpora, with examples that can be shown."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from phoque.files import write_text
from phoque.lexicon import Lexicon
from phoque.run.corpus import Changes, Dialogue, Difference

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


def markdown(found: Difference) -> str:
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
    page = markdown(found)
    write_text(folder / "diff.md", page)
    return page
