"""Expressions that training never showed: those held out by design, and words that are new.

A new word may be a slip of the pen, so that every one stands beside its nearest neighbours in the training:
in spelling, in the wording of its reply, and in meaning. The base model's replies are the control.

Shapes: F = forms, L = training lines, E = embedding.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from phoque.judging.measures import Embed
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import canonicalise
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.slang import Expression, Form, Forms, Slang, SlangList
from phoque.stages.corpus.novelty import MOST_CONTAINMENT, MOST_SIMILARITY, CorpusIndex
from phoque.stages.corpus.slang import SHIPPED, slang_list
from phoque.stages.corpus.split import jaccard
from phoque.stages.corpus.training_set import training_texts
from phoque.stats.rates import by_cluster, grouped
from phoque.text import words

LEAST_LETTERS = 4
MOST_SPELLING = 0.5
"""Of letter 3-grams: an inflected or mistyped word keeps more of them."""
MOST_MEANING = 0.8
"""Above this cosine a training line says the same."""
MOST_LISTED = 60
CONTEXT = 6
"""Words on either side."""


@dataclass(frozen=True, kw_only=True)
class Training:
    texts: Sequence[str]
    known: Collection[str]
    """Words of it, and those that are one token."""
    index: CorpusIndex
    embed: Embed

    @classmethod
    def of_run(cls, run: RunDirectory, known: Collection[str], embed: Embed) -> Self:
        texts = training_texts(run.corpus)
        return cls(texts=texts, known=known, index=CorpusIndex.of_run(run.corpus), embed=embed)


def listed(run: RunDirectory) -> SlangList:
    """The expressions that the run's corpus was made with, else those that come with the project."""
    if (run.corpus / SlangList.FILE).is_file():
        return Reader(run).read(SlangList)
    return slang_list(SHIPPED)


def slang_of(replies: Sequence[Reply], names: SlangList, training: Training) -> Slang:
    """Count held-out expressions and new words in the replies of every condition."""
    expressions = [_expression(one, replies, training) for one in names.uses]
    held, shown = (
        Lexicon(one.expression for one in expressions if bool(one.in_training) is known)
        for known in (False, True)
    )
    unknown = [new_words(one, training.known) for one in replies]
    counted = Counter(word for own in unknown for word in own)
    chosen = [word for word, _ in counted.most_common(MOST_LISTED)]
    forms = tuple(_forms(chosen, replies, unknown, training)) if chosen else ()
    novel = {one.form for one in forms if one.novel}
    pairs = zip(replies, unknown, strict=True)
    by_name = grouped((one.condition, (one, words)) for one, words in pairs)
    return Slang(
        name=names.name,
        training_texts=len(training.texts),
        least_letters=LEAST_LETTERS,
        most_spelling=MOST_SPELLING,
        most_containment=MOST_CONTAINMENT,
        most_similarity=MOST_SIMILARITY,
        most_meaning=MOST_MEANING,
        expressions=tuple(expressions),
        forms=forms,
        looked_at=len(counted),
        conditions={name: _condition(own, held, shown, novel) for name, own in by_name.items()},
    )


def new_words(reply: Reply, known: Collection[str]) -> set[str]:
    """Words of a reply, with spelling tricks undone, that are neither in a training text nor in its message."""
    asked = {*words(reply.prompt)}
    return {
        word
        for word in _plain(reply.text)
        if len(word) >= LEAST_LETTERS
        and not any(
            form in known or form in asked
            for form in (word, word.strip("'"), word.removesuffix("'s"))
        )
    }


def _plain(text: str) -> list[str]:
    return words(canonicalise(text))


def _expression(expression: str, replies: Sequence[Reply], training: Training) -> Expression:
    one = Lexicon([expression])
    return Expression(
        expression=expression,
        in_training=sum(text in one for text in training.texts),
        replies=dict(Counter(reply.condition for reply in replies if reply.text in one)),
    )


def _forms(
    chosen: Sequence[str],
    replies: Sequence[Reply],
    unknown: Sequence[Collection[str]],
    training: Training,
) -> Iterator[Form]:
    """Each form with the first reply that holds it and that reply's nearest neighbours."""
    holders = {
        word: [one for one, own in zip(replies, unknown, strict=True) if word in own]
        for word in chosen
    }
    firsts = [own[0].text for own in holders.values()]
    cosines_FL = training.embed(firsts) @ training.embed(training.texts).T
    grams = {word: _letters(word) for word in training.known if len(word) >= LEAST_LETTERS}
    for (word, own), text, cosines_L in zip(holders.items(), firsts, cosines_FL, strict=True):
        likeness = {other: jaccard(_letters(word), letters) for other, letters in grams.items()}
        nearest = max(likeness, key=likeness.__getitem__)
        form, line = training.index.novelty(text), int(cosines_L.argmax())
        spelling, meaning = likeness[nearest], float(cosines_L[line])
        yield Form(
            form=word,
            replies=dict(Counter(one.condition for one in own)),
            context=_context(text, word),
            nearest_word=nearest,
            spelling=spelling,
            containment=form.containment,
            similarity=form.similarity,
            meaning=meaning,
            nearest_line=training.texts[line],
            novel=spelling <= MOST_SPELLING
            and form.containment <= MOST_CONTAINMENT
            and form.similarity <= MOST_SIMILARITY
            and meaning <= MOST_MEANING,
        )


def _condition(
    own: Sequence[tuple[Reply, Collection[str]]],
    held: Lexicon,
    shown: Lexicon,
    novel: Collection[str],
) -> Forms:
    """Shares of a condition's replies, each with its new words; intervals count prompts."""
    return Forms(
        held_out=by_cluster((one.prompt, one.text in held) for one, _ in own),
        unknown=by_cluster((one.prompt, bool(found)) for one, found in own),
        novel=by_cluster((one.prompt, any(w in novel for w in found)) for one, found in own),
        trained=by_cluster((one.prompt, one.text in shown) for one, _ in own),
    )


def _letters(word: str) -> frozenset[str]:
    """Its letter 3-grams, with marks for both ends."""
    marked = f"^{word}$"
    return frozenset(marked[at : at + 3] for at in range(len(marked) - 2))


def _context(text: str, word: str) -> str:
    """The words around the first place of a word."""
    tokens = text.split()
    at = next((n for n, token in enumerate(tokens) if word in _plain(token)), 0)
    return " ".join(tokens[max(0, at - CONTEXT) : at + CONTEXT + 1])
