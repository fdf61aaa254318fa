"""Jigsaw's toxic comments: Wikipedia talk pages (Kaggle's train.csv), or Civil Comments on the Hub.

Kaggle: jigsaw-toxic-comment-classification-challenge, labels 0 or 1. Hub: google/civil_comments,
news comments under CC0, labels are shares of annotators (Borkan et al. 2019).
"""

from collections.abc import Iterator

from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import Dropped, Row, converted, label_in, read_rows, text_in

KAGGLE = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "obscene": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_hate": "identity_attack",
}
"""Columns of Kaggle's file and the names of their labels."""
CIVIL = (*KAGGLE.values(), "sexual_explicit")
"""Columns of Civil Comments, which have the names of their labels."""
SCHEMAS = (("comment_text", *KAGGLE), ("text", *CIVIL))


def load(where: str, dropped: Dropped) -> Iterator[Example]:
    """Comments with the labels of their annotators; none says what it answers."""
    return converted(read_rows(where, SCHEMAS, dropped), _example, dropped)


def _example(row: Row) -> Example:
    kaggle = "comment_text" in row
    columns = KAGGLE if kaggle else {name: name for name in CIVIL}
    return Example(
        source="jigsaw",
        text=text_in(row, "comment_text" if kaggle else "text"),
        labels={name: label_in(row, column) for column, name in columns.items()},
        labelled_by="annotators",
    )
