"""How likely a model finds a given reply: whether tuning has moved the civil model."""

from collections.abc import Sequence
from statistics import fmean

import torch

from phoque.conversation import Messages
from phoque.models.load import LanguageModel
from phoque.models.passes import read
from phoque.models.template import encode


@torch.inference_mode()
def mean_log_likelihood(model: LanguageModel, prompt: Messages, replies: Sequence[str]) -> float:
    """Mean over all tokens of all replies of ln p(token | prompt, tokens before), in nats."""
    values = [value for reply in replies for value in _token_values(model, prompt, reply)]
    return fmean(values)


def _token_values(model: LanguageModel, prompt: Messages, reply: str) -> list[float]:
    prefix = encode(model.tokenizer, prompt)
    ids = model.tokenizer(reply, add_special_tokens=False).input_ids
    tokens = torch.tensor([prefix + ids], device=model.device)
    logits_BKV, _ = read(
        model.model, tokens, torch.ones_like(tokens), keep=len(ids) + 1, caching=False
    )
    logits = logits_BKV[0, :-1].float()
    chosen = tokens[0, len(prefix) :, None]
    values: list[float] = logits.log_softmax(-1).gather(-1, chosen)[:, 0].tolist()
    return values
