"""A guard model that reads the conversation: Qwen3Guard-Gen's three verdicts as probabilities."""

from collections.abc import Sequence
from itertools import takewhile

import torch
from transformers import PreTrainedTokenizerBase

from phoque.conversation import Message, Role
from phoque.models.decoders import left_padded
from phoque.models.load import LanguageModel, load_model
from phoque.models.packed.threads import capped
from phoque.models.passes import read
from phoque.moderators.catalogue import QWEN_GUARD
from phoque.moderators.classifier import Item, Score

# B: items, S: tokens, V: vocabulary
ANSWER = "Safety:"
VERDICTS = (" Safe", " Controversial", " Unsafe")
"""How Qwen3Guard-Gen goes on after `Safety:` (its README)."""


class Guard:
    """Probability of each verdict, from the next token after `Safety:`; one pass, no generation.

    After a user's turn the text is judged as the reply; alone, or after a reply, it is judged as
    what a user says. System turns are not shown to the guard.
    """

    def __init__(self, language_model: LanguageModel) -> None:
        self._language_model, self.info = language_model, QWEN_GUARD
        self._tokenizer: PreTrainedTokenizerBase = language_model.tokenizer
        spelled = [self._tokenizer.encode(word, add_special_tokens=False) for word in VERDICTS]
        # The verdicts may begin with the same token, such as a space: it belongs to the question.
        columns = zip(*spelled, strict=False)
        self._shared = [column[0] for column in takewhile(lambda c: len(set(c)) == 1, columns)]
        self._verdicts = [tokens[len(self._shared)] for tokens in spelled]
        self.digest = language_model.digest()

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """Two labels: `unsafe`, and `unsafe_or_controversial`, the wider of the two."""
        rows = [self._tokens(item) for item in items]
        longest = self._language_model.context_length
        # The verdict stands at the end: of a long conversation the beginning is left out.
        values = self._probabilities([row[-longest:] for row in rows])
        return [
            Score(
                labels={"unsafe": unsafe, "unsafe_or_controversial": 1 - safe},
                truncated=len(row) > longest,
            )
            for (safe, _, unsafe), row in zip(values, rows, strict=True)
        ]

    def _tokens(self, item: Item) -> list[int]:
        shown = [turn for turn in item.context if turn.role != "system"]
        role: Role = "assistant" if shown and shown[-1].role == "user" else "user"
        turns = [*shown, Message(role, item.text)]
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False)
        known: list[int] = self._tokenizer.encode(f"{text}{ANSWER}", add_special_tokens=False)
        return known + self._shared

    def _probabilities(self, rows: list[list[int]]) -> list[list[float]]:
        model = self._language_model
        with torch.inference_mode(), capped(model.device):
            logits_B1V, _ = read(model.model, *left_padded(rows, model), caching=False)
        values: list[list[float]] = logits_B1V[:, -1, self._verdicts].float().softmax(-1).tolist()
        return values


def load(name: str = QWEN_GUARD.id) -> Guard:
    """The guard of that Hub id or folder; raises a `PhoqueError` if it cannot be loaded."""
    return Guard(load_model(name, chats=False))
