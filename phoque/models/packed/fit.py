"""Decide whether the fast pass computes what a model computes.

The fast pass reads a copy of the weights and calls none of the model's modules. Therefore every
module must be of a known kind, no hook may listen to it, and the copy must hold the current weights.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import xxhash
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from transformers import LlamaForCausalLM, LlamaModel
from transformers.activations import ACT2FN
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama import modeling_llama as llama

from phoque.models.packed.threads import allowed_threads

BLOCKS = (
    llama.LlamaDecoderLayer,
    llama.LlamaAttention,
    llama.LlamaMLP,
    llama.LlamaRMSNorm,
    llama.LlamaRotaryEmbedding,
)
WEIGHTED = (llama.LlamaRMSNorm, nn.Linear, nn.Embedding)
PLAIN = (LlamaForCausalLM, LlamaModel, *BLOCKS, nn.Linear, nn.Embedding, nn.ModuleList)
SILU = (nn.SiLU, type(ACT2FN["silu"]))
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
FIXED_ROPES = ("default", "linear", "llama3", "yarn")
"""Rotations that depend on the position but not on the length of the text."""
NUMBERS = ("variance_epsilon", "scaling", "attention_scaling", "head_dim", "num_key_value_groups")
GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks")

ABSTRACT = torch_module.__name__
"""The module of the forward pass of containers, which have none of their own."""
LIBRARIES = ("torch.", "transformers.")
FORWARDS = {
    kind: kind.forward
    for kind in PLAIN + SILU
    if kind.__module__.startswith(LIBRARIES)
    and kind.forward.__module__ in (kind.__module__, ABSTRACT)
}
"""The libraries' own functions; a replacement may have the same name and module."""
HELPERS = {
    name: getattr(llama, name)
    for name in ("apply_rotary_pos_emb", "create_causal_mask", "eager_attention_forward")
}
ATTENTION = {
    name: ALL_ATTENTION_FUNCTIONS.get_interface(name, llama.eager_attention_forward)
    for name in ("sdpa", "eager")
}

Stamp = tuple[Any, ...]


def unfit(network: Any) -> str:
    """Why the fast pass does not suit `network`; empty if it does."""
    if type(network) is not LlamaForCausalLM:
        return f"{type(network).__name__} is not a plain Llama"
    return next(_reasons(network), "")


def _reasons(network: LlamaForCausalLM) -> Iterator[str]:
    if any(getattr(torch_module, name) for name in GLOBAL_HOOKS):
        yield "a hook listens to every module"
    if any(getattr(llama, name) is not own for name, own in HELPERS.items()):
        yield "a function of its blocks was replaced"
    if torch.is_autocast_enabled("cpu"):
        yield "autocast chooses dtypes"
    for name, module in network.named_modules():
        if reason := _module_reason(module):
            yield f"{name or 'the model'} {reason}"
    yield from _config_reasons(network)
    yield from _weight_reasons(network)


def _module_reason(module: nn.Module) -> str:
    kind = type(module)
    if kind not in PLAIN + SILU:
        return f"is a {kind.__name__}"
    if module._forward_hooks or module._forward_pre_hooks:
        return "has a hook"
    if "forward" in vars(module) or kind.forward is not FORWARDS.get(kind):
        return "has another forward pass than its class"
    if getattr(module, "bias", None) is not None:
        return "has a bias"
    if kind in WEIGHTED and type(module._parameters.get("weight")) is not nn.Parameter:
        return "has a weight of another kind"
    return _setting_reason(module)


def _setting_reason(module: nn.Module) -> str:
    if module.training and getattr(module, "attention_dropout", None):
        return "drops attention at random, as in training"
    if getattr(module, "max_norm", None) is not None:
        return "limits the length of embeddings"
    if not getattr(module, "is_causal", True):
        return "attends to what comes later"
    return ""


def _config_reasons(network: LlamaForCausalLM) -> Iterator[str]:
    config: Any = network.config
    name = config._attn_implementation
    function = ALL_ATTENTION_FUNCTIONS.get_interface(name, llama.eager_attention_forward)
    if function is not ATTENTION.get(name):
        yield f"its attention is {name!r}"
    if {*(getattr(config, "layer_types", None) or ())} - {"full_attention"} or any(
        getattr(config, limit, None) for limit in ("sliding_window", "attention_chunk_size")
    ):
        yield "its attention forgets early positions"
    if not getattr(config, "is_causal", True):
        yield "its attention reads what comes later"
    if config.num_hidden_layers != len(network.model.layers):
        yield "its config has another number of blocks"
    if network.model.rotary_emb.rope_type not in FIXED_ROPES:
        yield f"its rotation is {network.model.rotary_emb.rope_type!r}"


def _weight_reasons(network: LlamaForCausalLM) -> Iterator[str]:
    dtypes = {p.dtype for p in network.parameters()}
    if len(dtypes) != 1:
        yield "its weights are of several dtypes"
    if not dtypes <= {*DTYPES}:
        yield "its weights are of an unusual dtype"
    if any(p.device.type != "cpu" for p in network.parameters()):
        yield "it is not on a CPU"
    attentions: list[Any] = [block.self_attn for block in network.model.layers]
    if len({(a.q_proj.weight.shape, a.k_proj.weight.shape, a.head_dim) for a in attentions}) != 1:
        yield "its blocks have different numbers of heads"


def stamps(network: LlamaForCausalLM) -> list[Stamp]:
    """Stamps of what the copy depends on: one for everything around the blocks, then one a block.

    All weights are hashed, because an edit through `.data` leaves no other trace.
    """
    around = [network.model.embed_tokens, network.model.norm, network.lm_head]
    parts = [[*around, network.model.rotary_emb], *([block] for block in network.model.layers)]
    with ThreadPoolExecutor(allowed_threads()) as pool:
        return list(pool.map(_stamp, parts))


def _stamp(modules: list[nn.Module]) -> Stamp:
    tensors = {id(t): t for m in modules for t in (*m.parameters(), *m.buffers())}
    return (*map(_hash, tensors.values()), *(n for m in modules for n in _numbers(m)))


def _hash(tensor: Tensor) -> tuple[int, torch.Size]:
    held = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
    return xxhash.xxh3_64_intdigest(held.numpy().data), tensor.shape


def _numbers(module: nn.Module) -> Iterator[float]:
    """The other numbers that the blocks compute with."""
    for part in module.modules():
        for name in NUMBERS:
            yield getattr(part, name, 0)
