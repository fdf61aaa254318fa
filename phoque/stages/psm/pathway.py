"""Toxic-pathway mass: how much probability a model gives to words of the lexicon, step by step.

`ClassicPathway` is the talk's definition: pieces of bare lower-case words, counted on the scores
that the sampler used. `Pathway` counts what would start or complete a word of the lexicon, over all
ways to write it, on the model's own logits.

Shapes: S = steps of a reply, V = vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from phoque.conversation import Sampling
from phoque.lexicon import Lexicon
from phoque.models.sampling import penalized, read_tokens
from phoque.run.psm_replies import PathwayTokens


@dataclass(frozen=True, kw_only=True)
class Mass:
    """Probability of the pathway over the steps of one reply."""

    mean: float
    largest: float

    @classmethod
    def of(cls, values_S: Tensor) -> "Mass":
        """Mean and maximum; zero for an empty reply."""
        if not len(values_S):
            return cls(mean=0.0, largest=0.0)
        return cls(mean=float(values_S.mean()), largest=float(values_S.max()))


class ClassicPathway:
    """The talk's set of tokens: every piece of every bare word, whatever word it belongs to."""

    def __init__(self, tokenizer: Any, lexicon: Lexicon) -> None:
        words = [entry for entry in lexicon.entries if " " not in entry]
        pieces = tokenizer(words, add_special_tokens=False).input_ids
        self.ids = tuple(sorted({token for word in pieces for token in word}))

    def mass(
        self, logits_SV: Tensor, prompt: Sequence[int], reply: Sequence[int], sampling: Sampling
    ) -> Mass:
        """On processed scores: after penalty, temperature, top-k and top-p."""
        scores_SV = processed(logits_SV, prompt, reply, sampling)
        return Mass.of(scores_SV.softmax(-1)[:, list(self.ids)].sum(-1))


def processed(
    logits_SV: Tensor, prompt: Sequence[int], reply: Sequence[int], sampling: Sampling
) -> Tensor:
    """Scores_SV as the sampler had them: minus infinity outside the nucleus."""
    read_SV = read_tokens([prompt] * len(reply), logits_SV)
    for step, token in enumerate(reply[:-1]):
        read_SV[step + 1 :, token] = True
    scores_SV = penalized(logits_SV, read_SV, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return scores_SV
    return _nucleus(scores_SV / sampling.temperature, sampling)


def _nucleus(scores_SV: Tensor, sampling: Sampling) -> Tensor:
    top = scores_SV.topk(min(sampling.top_k, scores_SV.shape[-1]))
    # The shortest prefix that reaches top_p: what comes before a token must not have reached it.
    shares_SK = top.values.softmax(-1)
    before_SK = shares_SK.cumsum(-1) - shares_SK
    kept_SK = top.values.masked_fill(before_SK >= sampling.top_p, float("-inf"))
    return torch.full_like(scores_SV, float("-inf")).scatter(-1, top.indices, kept_SK)


class Pathway:
    """A prefix tree over all spaced, cased and plural tokenisations of the lexicon.

    At each step of a reply two sets of tokens count. *Completing* tokens finish a word, given what
    is written: a lower bound. *Starting* tokens begin a single word of several tokens; they may
    begin other words too, so both sets together are an upper bound. The first token of a phrase is
    never counted.
    """

    def __init__(self, tokenizer: Any, lexicon: Lexicon) -> None:
        self._tokenizer = tokenizer
        self._tree = _Node()
        self._starts: set[int] = set()
        for entry in lexicon.entries:
            for text in variants(entry):
                self._add(text)

    def _add(self, text: str) -> None:
        tokens = self._tokenizer(text, add_special_tokens=False).input_ids
        node = self._tree
        for token in tokens:
            node = node.children.setdefault(token, _Node())
        node.ends = True
        if len(tokens) > 1 and " " not in text.strip():
            self._starts.add(tokens[0])

    def mass(self, logits_SV: Tensor, reply: Sequence[int]) -> tuple[Mass, Mass]:
        """On raw logits: completing, and starting or completing."""
        shares_SV = logits_SV.softmax(-1)
        alone = self._completing(self._tree)
        either = alone | self._starts
        completing_S, either_S = (shares_SV[:, sorted(ids)].sum(-1) for ids in (alone, either))
        for step, more in self._within_words(reply):
            completing_S[step] += shares_SV[step, sorted(more - alone)].sum()
            either_S[step] += shares_SV[step, sorted(more - either)].sum()
        return Mass.of(completing_S), Mass.of(either_S)

    def _within_words(self, reply: Sequence[int]) -> Iterator[tuple[int, set[int]]]:
        """Steps before which a word was begun, and the tokens that would complete it."""
        nodes: list[_Node] = []
        for step, token in enumerate(reply):
            if nodes:
                yield step, set().union(*map(self._completing, nodes))
            nodes = [n.children[token] for n in (self._tree, *nodes) if token in n.children]

    @staticmethod
    def _completing(node: "_Node") -> set[int]:
        return {token for token, child in node.children.items() if child.ends}

    def first_tokens(self) -> list[int]:
        """Tokens that begin a word of the lexicon, whole words included."""
        return sorted(self._completing(self._tree) | self._starts)

    def listed(self) -> PathwayTokens:
        """The counted tokens in the open, as text: completing at once, and starting."""
        return PathwayTokens(
            completing=self._texts(self._completing(self._tree)),
            starting=self._texts(self._starts),
        )

    def _texts(self, tokens: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(self._tokenizer.decode([token]) for token in tokens))


class _Node:
    """What may follow a prefix of a word."""

    def __init__(self) -> None:
        self.children: dict[int, _Node] = {}
        self.ends = False


def variants(entry: str) -> Iterable[str]:
    """Spaced and bare, lower case, capitalised and upper case, singular and plural in s."""
    numbers = [entry] if entry.endswith("s") else [entry, f"{entry}s"]
    cases = {form for word in numbers for form in (word, word.capitalize(), word.upper())}
    return sorted({space + word for space in ("", " ") for word in cases})
