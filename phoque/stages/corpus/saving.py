"""A corpus of several sources on disk, with its composition, and what changed in it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from phoque.files import write_json
from phoque.lexicon import Lexicon
from phoque.stages.corpus import composition as table_of
from phoque.stages.corpus import difference as change
from phoque.stages.corpus.building import Corpus
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.training_set import composition, save_pairs


def save_mixed(folder: Path, corpus: Corpus) -> None:
    """The part to train on as the lab corpus is saved, the other parts in folders of their own.

    `composition.json` has what the lab corpus has, about the part to train on, and the counts of
    all parts by source; `composition_figure.json` is a Plotly figure.
    """
    for part in PARTS:
        gated = corpus.parts[part]
        save_pairs(folder if part == "train" else folder / part, gated.dialogues, gated.replies)
    trained = corpus.parts["train"]
    counts = table_of.composition_of(corpus)
    table = composition(trained.dialogues, trained.replies, trained.asked) | counts
    write_json(folder / "composition.json", table)
    write_json(folder / "composition_figure.json", table_of.figure(counts))
    (folder / "composition.md").write_text(table_of.markdown(counts), encoding="utf-8")


def save_difference(folder: Path, before: change.Rows, corpus: Corpus, lexicon: Lexicon) -> str:
    """Write `diff.{json,md}` and return the page."""
    after: Sequence[dict[str, object]] = [
        asdict(one) for part in PARTS for one in corpus.parts[part].dialogues
    ]
    table = change.difference(before, after).table(lexicon)
    write_json(folder / "diff.json", table)
    page = change.markdown(table)
    (folder / "diff.md").write_text(page, encoding="utf-8")
    return page
