"""Write the gated corpus: written replies, published utterances, and the base model's own."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import write_text
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.models.structure import places
from phoque.progress import shown_on
from phoque.run.corpus import BaseReply, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.persona import own_persona
from phoque.stages.corpus.building import Corpus, Ingredients, build
from phoque.stages.corpus.composition import composition_of, difference, markdown, save_difference
from phoque.stages.corpus.slang import read_slang, slang_list
from phoque.stages.corpus.sources import sources_in
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.training_set import of_all_parts, save_pairs
from phoque.stages.corpus.written import read_lines

SEED = 42


def make_corpus(
    run: RunDirectory,
    *,
    source: Sequence[str] = (),
    limit: int | None = None,
    slang: Path | None = None,
    keep_words: bool = False,
) -> None:
    """The persona's own replies, or what is asked for; shows what changed in the run's corpus.

    The base model's replies to messages that did not change stay as they are.
    """
    manifest = run.manifest()
    persona = own_persona(run)
    files, written = sources_in(source, persona.name)
    uses = read_slang(slang).uses if slang else ()
    if written:
        read_lines(written)  # says what is wrong before a model is loaded
    base = load_model(manifest.model, progress=print)
    places(base.model)  # a corpus of its replies is of use only where it can be trained
    before: Sequence[Dialogue] = ()
    known: Sequence[BaseReply] = ()
    with suppress(PhoqueError):  # a damaged corpus is what this makes anew
        before, known = of_all_parts(run.corpus, Dialogue), of_all_parts(run.corpus, BaseReply)
    made_of = Ingredients(
        persona=persona.name,
        files=files,
        written=written,
        uses=uses,
        limit=limit,
        keep_words=keep_words,
        known=known,
    )
    with run.stage("corpus", run.corpus, seeds=[SEED]) as folder:
        with shown_on(sys.stderr):
            corpus = build(made_of, base, persona.lexicon, seed=SEED, progress=print)
        save_corpus(folder, corpus, persona.lexicon)
        if slang:
            slang_list(slang).save(folder)
        if before:
            found = difference(before, corpus.dialogues, persona.lexicon)
            print(save_difference(folder, found))


def save_corpus(folder: Path, corpus: Corpus, lexicon: Lexicon) -> None:
    """Write the part to train on, the other parts in folders of their own, and the composition."""
    for part in PARTS:
        gated = corpus.parts[part]
        save_pairs(folder if part == "train" else folder / part, gated.dialogues, gated.replies)
    found = composition_of(corpus, lexicon)
    found.save(folder)
    write_text(folder / "composition.md", markdown(found))
