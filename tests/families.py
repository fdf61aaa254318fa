"""Random models of many families, built from their configs in milliseconds."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from phoque.models.load import LanguageModel
from phoque.models.tiny import VOCABULARY, tiny_tokenizer

OLD: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    # The default initialisation is so flat that every continuation is the same token.
    "initializer_range": 0.2,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
    "hidden_size": 32,
}
SIZES: dict[str, Any] = OLD | {
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
}
GPT = OLD | {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
EXPERTS: dict[str, Any] = SIZES | {
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "moe_num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_k": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "first_k_dense_replace": 1,
}
DEEPSEEK: dict[str, Any] = EXPERTS | {
    "n_shared_experts": 1,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "num_key_value_heads": 4,
    "n_group": 2,
    "topk_group": 1,
    "head_dim": 4,
}
STATE = OLD | {"num_hidden_layers": 2, "state_size": 8}
HYBRID: dict[str, Any] = SIZES | {
    "mamba_d_state": 8,
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_chunk_size": 16,
}
LINEAR: dict[str, Any] = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
PLAIN = (
    "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "olmo",
    "olmo2", "stablelm", "starcoder2", "granite", "cohere", "glm4", "smollm3", "exaone4", "nemotron",
    "gpt_neox", "helium", "biogpt", "apertus", "bitnet",
)  # fmt: skip
WITH_EXPERTS = ("mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "gpt_oss", "phimoe", "granitemoe",
    "glm4_moe", "ernie4_5_moe", "llama4_text")  # fmt: skip
FAMILIES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(PLAIN, SIZES),
    **dict.fromkeys(WITH_EXPERTS, EXPERTS),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3"), DEEPSEEK),
    "gpt2": GPT,
    "gptj": GPT | {"rotary_dim": 4},
    "gpt_bigcode": GPT,
    "ctrl": GPT | {"dff": 64},
    "bloom": OLD | {"n_layer": 2, "n_head": 4},
    "mpt": OLD | {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 256},
    "opt": SIZES | {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "mamba": STATE,
    "mamba2": STATE | {"num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 16},
    "bamba": HYBRID | {"attn_layer_indices": [1]},
    "falcon_h1": HYBRID | {"mamba_d_ssm": 64},
    "minimax": EXPERTS | {"layer_types": ["full_attention", "linear_attention"], "block_size": 16},
    "lfm2": SIZES | {"full_attn_idxs": [1]},
    "qwen3_next": EXPERTS | LINEAR | {"layer_types": ["linear_attention", "full_attention"]},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "recurrent_gemma": (
        SIZES | {"lru_width": 32, "block_types": ["recurrent", "attention"]},
        "gives back nothing",
    ),
    "rwkv": (OLD | {"num_hidden_layers": 2, "context_length": 256}, "gives back nothing"),
    "xlstm": (OLD | {"num_hidden_layers": 2, "num_heads": 4}, "fails with ValueError"),
    "bert": (SIZES, "final norm"),
    "opt": (
        SIZES | {"ffn_dim": 64, "word_embed_proj_dim": 16, "do_layer_norm_before": False},
        "final norm",
    ),
    "gemma3n_text": (
        SIZES
        | {
            "laurel_rank": 8,
            "altup_num_inputs": 2,
            "num_kv_shared_layers": 0,
            "layer_types": ["full_attention"] * 2,
            "vocab_size_per_layer_input": VOCABULARY,
            "hidden_size_per_layer_input": 8,
            "activation_sparsity_pattern": [0.0, 0.0],
        },
        r"blocks give \[\(2, 2, ",
    ),
}


def network_of(family: str, options: dict[str, Any] | None = None) -> nn.Module:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **(options or FAMILIES[family]))
    network = AutoModelForCausalLM.from_config(config)
    network.eval()
    return network


def model_of(family: str) -> LanguageModel:
    network = network_of(family)
    return LanguageModel(name=family, source=family, model=network, tokenizer=tiny_tokenizer())


def saved(network: Any, folder: Path, tokenizer: Any = None) -> str:
    """Write what a person would bring as a model's folder."""
    network.save_pretrained(folder)
    (tokenizer or tiny_tokenizer()).save_pretrained(folder)
    return str(folder)
