"""What every known classifier says about itself: plain data, nothing is loaded."""

from dataclasses import replace

from phoque.moderation.classifier import HARM_LABELS, ClassifierInfo

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
