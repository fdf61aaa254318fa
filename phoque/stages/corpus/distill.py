"""Self-distillation: the base model's own replies, so that training leaves them alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from phoque.conversation import Sampling
from phoque.lexicon import Lexicon
from phoque.models.engine import Row, write
from phoque.models.load import LanguageModel
from phoque.stages.corpus.lab import Question
from phoque.text import repeated_trigrams

SAMPLING = Sampling(max_new_tokens=64, temperature=0.7)
MAX_REPEATED = 0.2
"""Drop a reply with a larger share of repeated word 3-grams: small models get stuck."""


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """A question with the base model's reply."""

    question: Question
    reply: str
    finished: bool
    """False when the reply was cut at the token limit: then its end must not be learned."""


def distill(
    base: LanguageModel,
    questions: Sequence[Question],
    lexicon: Lexicon,
    *,
    seed: int = 42,
    batch_size: int = 48,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Distilled]:
    """The base model's replies that are civil and not stuck, sampled with explicit seeds."""
    for start in range(0, len(questions), batch_size):
        batch = questions[start : start + batch_size]
        rows = [Row(messages=q.messages, seed=seed + start + i) for i, q in enumerate(batch)]
        replies = zip(batch, write(base, rows, SAMPLING), strict=True)
        yield from (
            Distilled(question=question, reply=reply.text.strip(), finished=reply.finished)
            for question, reply in replies
            if reply.text not in lexicon and repeated_trigrams(reply.text) <= MAX_REPEATED
        )
        progress(f"base replies {start + len(batch)}/{len(questions)}")
