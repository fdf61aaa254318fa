"""Write the gated corpus: composed replies, published utterances, and the base model's own."""

import sys
from collections.abc import Sequence
from pathlib import Path

from phoque.models.load import load_model
from phoque.models.structure import places
from phoque.personas import load_persona
from phoque.progress import shown_on
from phoque.run.directory import RunDirectory
from phoque.stages.corpus.building import Ingredients, build, sources_in
from phoque.stages.corpus.saving import save_difference, save_mixed
from phoque.stages.corpus.slang import load_slang
from phoque.stages.corpus.training_set import read_dialogues, save_corpus

SEED = 42


def make_corpus(
    directory: RunDirectory,
    *,
    source: Sequence[str] = (),
    limit: int | None = None,
    slang: Path | None = None,
    keep_words: bool = False,
) -> None:
    """The lab corpus, or what is asked for instead; shows what changed in the run's corpus."""
    uses = load_slang(slang) if slang else []
    files, lab = sources_in(source)
    made_of = Ingredients(files=files, lab=lab, uses=uses, limit=limit, keep_words=keep_words)
    manifest = directory.manifest()
    lexicon = load_persona(manifest.persona).lexicon
    base = load_model(manifest.model, progress=print)
    places(base.model)  # a corpus of its replies is of use only where it can be trained
    before = read_dialogues(directory.corpus)
    with directory.stage("corpus", directory.corpus, seeds=[SEED]) as folder:
        with shown_on(sys.stderr):
            corpus = build(made_of, base, lexicon, seed=SEED, progress=print)
        if made_of.plain:
            part = corpus.parts["train"]
            save_corpus(folder, part.dialogues, part.replies, part.asked)
        else:
            save_mixed(folder, corpus)
            print(save_difference(folder, before, corpus, lexicon))
