"""Models, settings and edits for which the fast pass must be right or step aside."""

import functools

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

from phoque.models.decoders import HookedDecoder, begun, left_padded, prefilled
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.fit import unfit
from phoque.models.packed.layout import Layout
from phoque.models.tiny import tiny_tokenizer
from tests.test_fast_pass import assert_as_the_model, decoder_for, logits_of, working_layouts


def llama(layout=None, dtype=torch.float32, **changes):
    torch.manual_seed(0)
    config = LlamaConfig(
        **{
            "vocab_size": 300,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "initializer_range": 0.2,
        }
        | changes
    )
    network = LlamaForCausalLM(config).to(dtype).eval()
    return LanguageModel(
        name="llama", source="llama", model=network, tokenizer=tiny_tokenizer(), layout=layout
    )


ROPE = {"rope_theta": 10000.0}
VARIANTS = {
    "tied": {"tie_word_embeddings": True},
    "wide heads": {"head_dim": 32},
    "narrow heads": {"head_dim": 6},
    "a key head for each query": {"num_key_value_heads": 4},
    "one key head": {"num_key_value_heads": 1},
    "linear": {"rope_parameters": ROPE | {"rope_type": "linear", "factor": 4.0}},
    "yarn": {
        "rope_parameters": ROPE
        | {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
    },
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_a_llama_are_computed_as_the_model_does(name):
    model = llama(**VARIANTS[name])
    assert isinstance(decoder_for(model, [()]), PackedDecoder)
    assert_as_the_model(model)


def test_double_precision_is_left_to_the_model():
    model = llama(dtype=torch.float64)
    assert "dtype" in unfit(model.model)
    logits_of(model)


SETTINGS = {
    "a window": lambda network: setattr(network.config, "sliding_window", 3),
    "kinds of layers": lambda network: setattr(
        network.config, "layer_types", ["sliding_attention", "full_attention"]
    ),
    "chunks": lambda network: setattr(network.config, "attention_chunk_size", 4),
    "both directions": lambda network: setattr(network.config, "is_causal", False),
    "both directions in a block": lambda network: setattr(
        network.model.layers[1].self_attn, "is_causal", False
    ),
    "short embeddings": lambda network: setattr(network.model.embed_tokens, "max_norm", 0.5),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_change_attention_or_embeddings_count(name):
    model = llama()
    logits_of(model)
    SETTINGS[name](model.model)
    assert unfit(model.model)
    assert isinstance(decoder_for(model, [()]), HookedDecoder)


def test_a_config_with_fewer_blocks_is_no_fast_pass_through_all():
    model = llama(num_hidden_layers=3)
    model.model.config.num_hidden_layers = 2
    assert "number of blocks" in unfit(model.model)


def test_a_wrapped_forward_pass_of_a_class_is_called(monkeypatch):
    kind, called = modeling_llama.LlamaRMSNorm, []
    own = kind.forward

    @functools.wraps(own)
    def doubled(self, x):
        called.append(1)
        return 2 * own(self, x)

    monkeypatch.setattr(kind, "forward", doubled)
    logits_of(llama())
    assert called


def test_another_rotation_function_is_called(monkeypatch):
    monkeypatch.setattr(
        modeling_llama, "apply_rotary_pos_emb", lambda queries, keys, *_: (queries, keys)
    )
    assert unfit(llama().model)


def test_autocast_is_left_to_the_model():
    with torch.autocast("cpu", torch.bfloat16):
        assert "autocast" in unfit(llama().model)


def test_numbers_that_somebody_keeps_in_a_block_are_no_fault():
    model = llama()
    model.model.model.layers[0].register_buffer("seen", torch.tensor(0.0))
    model.model.model.layers[1].register_buffer("none", torch.empty(0))
    assert_as_the_model(model)


def test_a_weight_that_is_no_parameter_is_left_to_the_model():
    model = llama()
    maps = model.model.model.layers[0].mlp.down_proj
    weight = maps.weight.detach().clone()
    del maps.weight
    maps.weight = weight
    logits_of(model)
    weight.mul_(3)
    assert_as_the_model(model)


def without_half_of_the_heads(block):
    attention = block.self_attn
    attention.q_proj.weight = nn.Parameter(attention.q_proj.weight[:32])
    attention.o_proj.weight = nn.Parameter(attention.o_proj.weight[:, :32])
    attention.num_key_value_groups = 1


@pytest.mark.parametrize("blocks", [1, 2])
def test_heads_that_were_cut_away_count(blocks):
    model = llama()
    for block in model.model.model.layers[:blocks]:
        without_half_of_the_heads(block)
    assert_as_the_model(model)


@pytest.mark.parametrize("layout", [*working_layouts()])
def test_blocks_that_trade_their_weights_in_place_count(layout):
    model = llama(layout)
    logits_of(model)
    first, second = (block.parameters() for block in model.model.model.layers)
    with torch.no_grad():
        for one, other in zip(first, second, strict=True):
            kept = one.clone()
            one.copy_(other)
            other.copy_(kept)
    tolerance = 0.05 if layout is Layout.HALF else 1e-4
    difference = (logits_of(model) - logits_of(model, HookedDecoder)).abs().max()
    assert difference < tolerance


@pytest.mark.skipif(Layout.HALF not in [*working_layouts()], reason="no such layout here")
def test_weights_too_small_for_fp16_are_not_rounded_to_nothing():
    model = llama(Layout.HALF)
    with torch.no_grad():
        model.model.lm_head.weight.mul_(1e-8)

    assert model.packed.layout is not Layout.HALF
    wanted = logits_of(model, HookedDecoder)
    assert (logits_of(model) - wanted).abs().max() < 1e-4 * wanted.abs().max()


@pytest.mark.skipif(Layout.HALF not in [*working_layouts()], reason="no such layout here")
def test_an_edit_that_is_undone_gives_the_same_bits():
    model = llama(Layout.HALF)
    before = logits_of(model)
    weight = model.model.model.layers[0].mlp.down_proj.weight
    kept = weight.detach().clone()
    weight.data[0, 0] = 1e5
    edited = logits_of(model)
    fresh = llama(Layout.HALF)
    fresh.model.model.layers[0].mlp.down_proj.weight.data[0, 0] = 1e5
    assert torch.equal(edited, logits_of(fresh))
    weight.data.copy_(kept)
    assert torch.equal(logits_of(model), before)


def test_an_addition_at_the_last_position_comes_once_a_text():
    model = llama(max_position_embeddings=1024)
    steered = (Injection(0, 3 * torch.linspace(-1, 1, model.width), last_only=True),)
    long = [5 + place % 200 for place in range(300)]
    texts = [[*long, 7], [*long, 8], [*long, 9]]
    rows = [steered] * 3
    with torch.inference_mode():
        wanted = HookedDecoder(model, rows).prefill(*left_padded(texts, model))[:, -1]
        _, kept = begun(model, rows, texts)
        _, shared = prefilled(model, rows, texts, share=True)
    torch.testing.assert_close(kept, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(shared[:, -1], wanted, rtol=1e-4, atol=1e-4)
