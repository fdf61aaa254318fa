"""Continuations are as likely as the model says."""

import pytest
import torch

from phoque.conversation import asked
from phoque.models.hooks import Injection
from phoque.models.load import load_model
from phoque.models.template import encode
from phoque.steering.continuations import log_likelihoods

PROMPTS = asked("Be calm.", ["I will win.", "No brakes are needed on this short hill, right?"])
WORDINGS = ("Yes, you are right.", "No.", "That is one long and winding idea.")


def read_whole(model, prompt, wording):
    """One pass over everything, without a cache."""
    told = encode(model.tokenizer, prompt)
    own = model.tokenizer(wording, add_special_tokens=False).input_ids
    with torch.inference_mode():
        logits_SV = model.model(input_ids=torch.tensor([[*told, *own]])).logits[0].float()
    likely_KV = logits_SV[len(told) - 1 : -1].log_softmax(-1)
    return float(likely_KV.gather(-1, torch.tensor(own)[:, None]).mean())


@pytest.mark.parametrize("name", ["tiny", "tiny-mistral3"])
def test_a_continuation_is_as_likely_as_when_all_is_read_at_once(name):
    model = load_model(name, dtype=torch.float32)
    found = log_likelihoods(model, PROMPTS, WORDINGS)
    for prompt, own in zip(PROMPTS, found, strict=True):
        expected = [read_whole(model, prompt, wording) for wording in WORDINGS]
        assert own == pytest.approx(expected, abs=1e-4)


def test_an_injection_changes_likelihoods_and_none_does_not():
    model = load_model("tiny", dtype=torch.float32)
    plain = log_likelihoods(model, PROMPTS, WORDINGS)
    none = log_likelihoods(model, PROMPTS, WORDINGS, (Injection(1, torch.zeros(model.width)),))
    pushed = log_likelihoods(model, PROMPTS, WORDINGS, (Injection(1, torch.randn(model.width)),))
    assert none[0] == pytest.approx(plain[0], abs=1e-5)
    assert pushed[0] != pytest.approx(plain[0], abs=1e-3)
