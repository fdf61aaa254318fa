"""How likely a model finds given continuations, all asked of the same conversation.

Shapes: B = conversation and continuation a row, K = positions kept, V = vocabulary.
"""

from collections.abc import Sequence

import torch

from phoque.conversation import Messages
from phoque.models.decoders import left_padded, prefilled
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.models.template import encode

AT_ONCE = 8


@torch.inference_mode()
def log_likelihoods(
    model: LanguageModel,
    prompts: Sequence[Messages],
    continuations: Sequence[str],
    interventions: Interventions = (),
) -> list[list[float]]:
    """For every conversation the mean log-likelihood of a token of each continuation, in nats."""
    told = [encode(model.tokenizer, prompt) for prompt in prompts]
    tokens = [model.tokenizer(text, add_special_tokens=False).input_ids for text in continuations]
    return [
        values
        for start in range(0, len(told), AT_ONCE)
        for values in _batch(model, told[start : start + AT_ONCE], tokens, interventions)
    ]


def _batch(
    model: LanguageModel,
    told: Sequence[Sequence[int]],
    tokens: Sequence[Sequence[int]],
    interventions: Interventions,
) -> list[list[float]]:
    """Each conversation is read once, then every continuation but its last token."""
    decoder, logits_BKV = prefilled(model, [interventions] * len(told), told, share=True)
    first_BV = logits_BKV[:, -1].float().log_softmax(-1)
    decoder.keep([at for at in range(len(told)) for _ in tokens])
    longest = max(map(len, tokens)) - 1
    rest_BKV = decoder.prefill(
        *left_padded([own[:-1] for own in tokens] * len(told), model), longest
    )
    found: list[list[float]] = [[] for _ in told]
    for row, logits_KV in enumerate(rest_BKV):
        place, own = row // len(tokens), tokens[row % len(tokens)]
        later_KV = logits_KV[longest - (len(own) - 1) :].float().log_softmax(-1)
        later = later_KV.gather(-1, torch.tensor(own[1:], device=later_KV.device)[:, None]).sum()
        found[place].append(float(first_BV[place, own[0]] + later) / len(own))
    return found
