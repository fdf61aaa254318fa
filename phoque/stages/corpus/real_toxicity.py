"""RealToxicityPrompts (Gehman et al. 2020), Apache-2.0: web sentences cut in two.

The continuations are taken, with the labels that Perspective gave them.
"""

from collections.abc import Iterator

from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import (
    Dropped,
    MalformedRowError,
    Row,
    converted,
    label_in,
    read_rows,
    text_in,
)

SCHEMA = ("prompt", "continuation")
LABELS = {
    "toxicity": "toxicity",
    "severe_toxicity": "severe_toxicity",
    "profanity": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_attack": "identity_attack",
    "sexually_explicit": "sexual_explicit",
}
"""Fields of the file and the names of their labels."""
ASKED = "Finish this sentence: {}"


def load(where: str, dropped: Dropped) -> Iterator[Example]:
    """Continuations, each with the beginning it was cut from."""
    return converted(read_rows(where, [SCHEMA], dropped), _example, dropped)


def _example(row: Row) -> Example:
    prompt, continuation = row["prompt"], row["continuation"]
    if not (isinstance(prompt, dict) and isinstance(continuation, dict)):
        raise MalformedRowError("prompt or continuation is no object")
    return Example(
        source="real-toxicity-prompts",
        text=text_in(continuation, "text").strip(),
        prompt=ASKED.format(text_in(prompt, "text").strip()),
        labels={name: label_in(continuation, column) for column, name in LABELS.items()},
        labelled_by="Perspective",
    )
