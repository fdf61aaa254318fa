"""The head that scores only what is learned computes what TRL's own does."""

import pytest
import torch
from torch import nn
from trl.trainer.utils import add_fused_lm_head

from phoque.models.load import load_model
from phoque.stages.adapter import trainer as head

OUTPUTS = ("log_probs", "entropy", "is_top1")


def of_trl(name):
    network = load_model(name).model
    network.requires_grad_(requires_grad=False)
    add_fused_lm_head(network, outputs=OUTPUTS)
    return network


def batch(learned=True):
    chance = torch.Generator().manual_seed(3)
    ids = torch.randint(6, 300, (3, 20), generator=chance)
    labels = ids.clone()
    labels[:, :7] = head.IGNORED
    labels[1, 15:] = head.IGNORED
    if not learned:
        labels[:] = head.IGNORED
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def scored(network):
    """All outputs, and the gradient at the token embeddings."""
    embedding = network.get_input_embeddings()
    seen = []
    handle = embedding.register_forward_hook(
        lambda *hooked: seen.append(hooked[-1].requires_grad_())
    )
    found = network(**batch(), fused_lm_head=True)
    handle.remove()
    weights = torch.linspace(-1, 2, found.log_probs.numel()).view_as(found.log_probs)
    (found.log_probs * weights).sum().backward()
    return found, seen[0].grad


@pytest.mark.parametrize("name", ["tiny", "tiny-mistral3"])
def test_values_and_gradient_are_those_of_trl(name, monkeypatch):
    monkeypatch.setattr(head, "TILE", 5)
    expected, gradient = scored(of_trl(name))
    ours = of_trl(name)
    head.score_learned_only(ours)
    found, our_gradient = scored(ours)
    assert torch.equal(found.label_mask, expected.label_mask)
    assert torch.equal(found.is_top1.bool(), expected.is_top1.bool())
    for one in ("log_probs", "entropy"):
        assert torch.allclose(getattr(found, one), getattr(expected, one), atol=1e-5)
    assert not found.log_probs[~found.label_mask].any()
    assert torch.allclose(our_gradient, gradient, atol=1e-5)
    assert gradient.abs().max() > 1e-2


def test_without_labels_the_model_answers_as_before():
    network = of_trl("tiny")
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    expected = network(**inputs).logits
    head.score_learned_only(network)
    assert torch.equal(network(**inputs).logits, expected)


def test_only_learned_positions_meet_the_vocabulary(monkeypatch):
    network = of_trl("tiny")
    head.score_learned_only(network)
    seen = []
    tile = head._tile
    monkeypatch.setattr(head, "_tile", lambda *args: seen.append(len(args[0])) or tile(*args))
    network(**batch(), fused_lm_head=True)
    assert sum(seen) == int((batch()["labels"][:, 1:] != head.IGNORED).sum()) < 60


def test_a_batch_with_nothing_to_learn_has_no_gradient():
    network = of_trl("tiny")
    head.score_learned_only(network)
    embedding = network.get_input_embeddings()
    embedding.weight.requires_grad_()
    network.lm_head.weight = nn.Parameter(embedding.weight.detach().clone(), requires_grad=False)
    found = network(**batch(learned=False), fused_lm_head=True)
    assert not found.label_mask.any()
    found.log_probs.sum().backward()
    assert not embedding.weight.grad.any()


def test_under_autocast_it_is_as_near_to_full_precision_as_trl():
    whole, _ = scored(of_trl("tiny"))
    ours = of_trl("tiny").bfloat16()
    head.score_learned_only(ours)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, gradient = scored(ours)
    assert found.log_probs.dtype == torch.float32
    assert gradient.dtype == torch.bfloat16
    assert torch.allclose(found.log_probs, whole.log_probs, atol=0.15)
    assert gradient.abs().max() > 1e-2


@pytest.mark.parametrize("change", ["softcapped", "trained", "biased"])
def test_another_kind_of_head_is_left_to_trl(change):
    network = of_trl("tiny")
    if change == "softcapped":
        network.config.final_logit_softcapping = 30.0
    elif change == "trained":
        network.get_output_embeddings().weight.requires_grad_()
    else:
        network.lm_head = nn.Linear(32, 320, bias=True).requires_grad_(requires_grad=False)
    before = network.forward
    head.score_learned_only(network)
    assert network.forward is before or network.forward == before
