"""The fast pass computes what the model would, or steps aside."""

import copy

import pytest
import torch
from torch import nn

from phoque.conversation import Sampling
from phoque.models.decoders import HookedDecoder, decoder_for, left_padded
from phoque.models.engine import Row, decode, write
from phoque.models.hooks import Injection
from phoque.models.load import load_model
from phoque.models.packed import layout as layouts
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.fit import unfit
from phoque.models.packed.layout import Layout, laid_out, steady
from phoque.models.packed.threads import allowed_threads, using
from phoque.models.packed.weights import PackedLlama
from tests.conftest import conversation

TEXTS = ([5, 6, 7, 8, 9, 10], [11, 12, 13])
BLOCK_MODULES = [
    "model",
    "model.embed_tokens",
    "model.layers.0",
    "model.layers.0.self_attn",
    "model.layers.0.self_attn.q_proj",
    "model.layers.0.self_attn.k_proj",
    "model.layers.0.self_attn.v_proj",
    "model.layers.0.self_attn.o_proj",
    "model.layers.0.mlp",
    "model.layers.0.mlp.gate_proj",
    "model.layers.0.mlp.up_proj",
    "model.layers.0.mlp.down_proj",
    "model.layers.0.mlp.act_fn",
    "model.layers.0.input_layernorm",
    "model.layers.0.post_attention_layernorm",
    "model.norm",
    "model.rotary_emb",
    "lm_head",
]


@pytest.fixture
def tiny():
    return load_model("tiny")


def logits_of(model, kind=None):
    """Last logits of two texts of unequal length, and those after one more token."""
    rows = ((), (Injection(1, torch.linspace(-1, 1, model.width)),))
    decoder = (kind or decoder_for)(model, rows)
    with torch.inference_mode():
        first = decoder.prefill(*left_padded(TEXTS, model))[:, -1]
        return torch.cat([first, decoder.step(torch.tensor([14, 15]))])


def assert_as_the_model(model):
    torch.testing.assert_close(
        logits_of(model), logits_of(model, HookedDecoder), rtol=1e-4, atol=1e-4
    )


def test_the_list_has_every_module_that_computes(tiny):
    blocks = {name for name, _ in tiny.model.named_modules() if "layers.1" not in name}
    assert blocks == {*BLOCK_MODULES, "model.layers", ""}


@pytest.mark.parametrize("name", BLOCK_MODULES)
@pytest.mark.parametrize("kind", ["hook", "pre-hook"])
def test_a_hook_on_any_module_fires(tiny, name, kind):
    module, fired = tiny.model.get_submodule(name), []
    listen = module.register_forward_hook if kind == "hook" else module.register_forward_pre_hook
    assert isinstance(decoder_for(tiny, [()]), PackedDecoder)
    handle = listen(lambda *_: fired.append(name))
    write(tiny, [Row(messages=conversation("hi"))], Sampling(max_new_tokens=2))
    assert len(fired) >= 2
    assert "hook" in tiny.decodes_with
    handle.remove()
    assert isinstance(decoder_for(tiny, [()]), PackedDecoder)


def test_a_hook_on_all_modules_fires(tiny):
    fired = []
    handle = nn.modules.module.register_module_forward_hook(lambda *_: fired.append(1))
    try:
        logits_of(tiny)
    finally:
        handle.remove()
    assert fired


@pytest.mark.parametrize("name", BLOCK_MODULES)
def test_another_forward_pass_of_a_module_is_called(tiny, name, monkeypatch):
    module, called = tiny.model.get_submodule(name), []
    own = module.forward
    module.forward = lambda *args, **named: (called.append(name), own(*args, **named))[1]
    logits_of(tiny)
    assert called


def test_another_forward_pass_of_a_class_is_called(tiny, monkeypatch):
    kind, called = type(tiny.model.model.norm), []
    own = kind.forward

    def patched(self, x):
        called.append(1)
        return own(self, x)

    monkeypatch.setattr(kind, "forward", patched)
    logits_of(tiny)
    assert called


PARAMETERS = [name for name, _ in load_model("tiny").model.named_parameters()]
EDITS = {
    "in place": lambda weight: weight.mul_(1.5),
    "through data": lambda weight: weight.data.mul_(1.5),
    "one number through data": lambda weight: weight.data.view(-1)[3:4].add_(0.5),
    "two numbers swapped": lambda weight: weight.data.view(-1)[:2].copy_(
        weight.data.view(-1)[:2].flip(0).clone()
    ),
    "other storage": lambda weight: setattr(weight, "data", weight.data * 1.5),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PARAMETERS)
def test_an_edited_weight_counts_at_once(tiny, name, edit):
    before = logits_of(tiny)
    with torch.no_grad():
        tiny.model.get_parameter(name).normal_()
    assert not torch.equal(logits_of(tiny), before)
    with torch.no_grad():
        EDITS[edit](tiny.model.get_parameter(name))
    assert isinstance(decoder_for(tiny, [()]), PackedDecoder)
    assert_as_the_model(tiny)


def test_a_replaced_module_counts_at_once(tiny):
    logits_of(tiny)
    mlp = tiny.model.model.layers[0].mlp
    mlp.down_proj = nn.Linear(mlp.down_proj.in_features, mlp.down_proj.out_features, bias=False)
    assert_as_the_model(tiny)
    mlp.down_proj = nn.Linear(mlp.down_proj.in_features, mlp.down_proj.out_features)
    assert "bias" in unfit(tiny.model)
    assert_as_the_model(tiny)


def test_swapped_and_edited_blocks_count_at_once(tiny):
    logits_of(tiny)
    layers = tiny.model.model.layers
    layers[0], layers[1] = layers[1], layers[0]
    assert_as_the_model(tiny)
    layers[0].input_layernorm.variance_epsilon = 0.5
    layers[1].self_attn.scaling = 0.3
    assert_as_the_model(tiny)
    tiny.model.model.rotary_emb.inv_freq.mul_(2)
    assert_as_the_model(tiny)


def test_only_the_edited_block_is_copied_again(tiny):
    before = tiny.packed
    tiny.model.model.layers[0].mlp.up_proj.weight.data.mul_(2)
    after = tiny.packed
    assert after.layers[0] is not before.layers[0]
    assert after.layers[1] is before.layers[1]


def test_what_the_copy_cannot_do_is_left_to_the_model(tiny):
    network = tiny.model
    assert unfit(network) == ""
    for layer in network.model.layers:
        layer.self_attn.attention_dropout = 0.5
    assert unfit(network.train())
    assert not unfit(network.eval())
    network.config._attn_implementation = "flex_attention"
    assert "flex_attention" in unfit(network)
    assert unfit(load_model("tiny-mistral3").model)
    network.config._attn_implementation = "sdpa"
    network.lm_head.to(torch.bfloat16)
    assert "dtypes" in unfit(network)


def working_layouts():
    for layout in Layout:
        try:
            laid_out(torch.ones(16, 16), layout)
        except (RuntimeError, AttributeError):
            continue
        yield layout


@pytest.mark.parametrize("layout", [*working_layouts()])
def test_every_layout_computes_the_same_but_for_rounding(tiny, layout):
    kind = lambda model, rows: PackedDecoder(PackedLlama(model.model, layout), rows)  # noqa: E731
    tolerance = 2e-2 if layout is Layout.HALF else 1e-4
    difference = (logits_of(tiny, kind) - logits_of(tiny, HookedDecoder)).abs().max()
    assert difference < tolerance


@pytest.mark.parametrize("layout", [layout for layout in working_layouts() if layout != "plain"])
def test_another_number_of_threads_changes_no_bit(layout):
    assert steady(layout, torch.float32, 2)


def test_a_layout_that_fails_gives_way_to_public_operations(tiny, monkeypatch):
    expected = logits_of(tiny, HookedDecoder)

    def missing(*_):
        raise AttributeError("no such operation")

    monkeypatch.setattr(layouts, "_onednn", missing)
    monkeypatch.setattr(layouts, "_half", missing)
    other = copy.copy(load_model("tiny"))
    object.__setattr__(other, "layout", Layout.HALF)
    assert other.packed.layout is Layout.PLAIN
    assert "as they are" in other.decodes_with
    torch.testing.assert_close(logits_of(other), expected)


def test_weights_too_large_for_fp16_are_not_rounded(tiny):
    with torch.no_grad():
        tiny.model.lm_head.weight[0, 0] = 1e5
    object.__setattr__(tiny, "layout", Layout.HALF)
    assert tiny.packed.layout is not Layout.HALF
    assert_as_the_model(tiny)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_the_text_is_the_same_when_threads_change_in_mid_reply(tiny, temperature, monkeypatch):
    if tiny.packed.layout is Layout.PLAIN:
        pytest.skip("the number of threads never changes with this layout")
    rows = [
        Row(messages=conversation("we lost again, and again, and once more")),
        Row(messages=conversation("hi"), interventions=(Injection(0, torch.ones(tiny.width)),)),
    ]
    sampling = Sampling(max_new_tokens=40, temperature=temperature)
    monkeypatch.setattr(tiny.packed.pace, "note", lambda seconds: None)
    texts = []
    for change in (False, True):
        tiny.packed.pace._trial = [1]
        written = []
        for pieces in decode(tiny, rows, sampling):
            written += [(piece.row, piece.token) for piece in pieces]
            tiny.packed.pace._trial = [2 if change and len(written) % 7 < 3 else 1]
        texts.append(written)
    assert texts[0] == texts[1]


def test_the_callers_own_number_of_threads_stays(tiny, monkeypatch):
    seen = []
    note = tiny.packed.pace.note
    monkeypatch.setattr(
        tiny.packed.pace, "note", lambda s: (seen.append(torch.get_num_threads()), note(s))
    )
    with using(1):
        for _ in decode(tiny, [Row(messages=conversation("hi"))], Sampling(max_new_tokens=3)):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert set(seen) == {1} or tiny.packed.layout is Layout.PLAIN
    before = torch.get_num_threads()
    write(tiny, [Row(messages=conversation("hi"))], Sampling(max_new_tokens=3))
    assert torch.get_num_threads() == before
    assert allowed_threads() <= before


def test_equal_rows_are_computed_once(tiny, monkeypatch):
    seen = []
    step = PackedDecoder.step
    monkeypatch.setattr(
        PackedDecoder, "step", lambda self, ids: (seen.append(len(ids)), step(self, ids))[1]
    )
    row = Row(messages=conversation("hi"))
    other = Row(messages=conversation("hello"))
    one, two, three = write(tiny, [row, other, row], Sampling(max_new_tokens=5))
    assert one == three != two
    assert set(seen) == {2}
