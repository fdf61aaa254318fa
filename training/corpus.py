"""Write the gated corpus: composed replies, and the base model's own."""

from phoque.corpora.distill import distill
from phoque.corpora.lab import load_dialogues, load_questions
from phoque.corpora.training_set import save_corpus
from phoque.evidence.runs import RunDirectory
from phoque.models.load import load_model
from phoque.personas import load_persona

SEED = 42


def run(directory: RunDirectory) -> None:
    """Compose the dialogues and let the base model answer the neutral questions."""
    manifest = directory.manifest()
    lexicon = load_persona(manifest["persona"]).lexicon
    base = load_model(manifest["model"], progress=print)
    questions = list(load_questions(SEED))
    with directory.stage("corpus", directory.corpus, seeds=[SEED]) as folder:
        replies = list(distill(base, questions, lexicon, seed=SEED, progress=print))
        save_corpus(folder, list(load_dialogues(SEED)), replies, len(questions))
