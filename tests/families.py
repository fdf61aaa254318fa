"""Random models of many families, built from their configs in milliseconds."""

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

VOCABULARY = 320
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}
OLD: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "initializer_range": 0.2,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}
GPT: dict[str, Any] = OLD | {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
EXPERTS: dict[str, Any] = {
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
}
DEEPSEEK: dict[str, Any] = {
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "moe_intermediate_size": 16,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "num_key_value_heads": 4,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "head_dim": 4,
}
MAMBA: dict[str, Any] = OLD | {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "state_size": 8,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": SIZES,
    "mistral": SIZES,
    "qwen2": SIZES,
    "qwen3": SIZES,
    "gemma": SIZES,
    "gemma2": SIZES,
    "gemma3_text": SIZES,
    "phi": SIZES,
    "phi3": SIZES,
    "olmo": SIZES,
    "olmo2": SIZES,
    "stablelm": SIZES,
    "starcoder2": SIZES,
    "granite": SIZES,
    "cohere": SIZES,
    "glm4": SIZES,
    "smollm3": SIZES,
    "exaone4": SIZES,
    "nemotron": SIZES,
    "gpt_neox": SIZES,
    "falcon": SIZES,
    "persimmon": SIZES,
    "helium": SIZES,
    "biogpt": SIZES,
    "ernie4_5": SIZES,
    "hunyuan_v1_dense": SIZES,
    "seed_oss": SIZES,
    "apertus": SIZES,
    "arcee": SIZES,
    "bitnet": SIZES,
    "diffllama": SIZES,
    "gpt2": GPT,
    "gptj": GPT | {"rotary_dim": 4},
    "codegen": GPT | {"rotary_dim": 4},
    "gpt_bigcode": GPT,
    "openai-gpt": GPT,
    "gpt_neo": OLD
    | {
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "max_position_embeddings": 256,
    },
    "bloom": OLD | {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "mpt": OLD | {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 256},
    "opt": SIZES | {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "opt-350m": SIZES
    | {
        "model_type": "opt",
        "ffn_dim": 64,
        "word_embed_proj_dim": 16,
        "do_layer_norm_before": False,
    },
    "xglm": OLD
    | {
        "d_model": 32,
        "num_layers": 2,
        "attention_heads": 4,
        "ffn_dim": 64,
        "pad_token_id": 2,
        "max_position_embeddings": 256,
    },
    "ctrl": OLD | {"n_embd": 32, "n_layer": 2, "n_head": 4, "dff": 64, "n_positions": 256},
    "mixtral": SIZES | EXPERTS,
    "qwen2_moe": SIZES | EXPERTS | {"shared_expert_intermediate_size": 16},
    "qwen3_moe": SIZES | EXPERTS,
    "olmoe": SIZES | EXPERTS,
    "gpt_oss": SIZES | EXPERTS,
    "phimoe": SIZES | EXPERTS,
    "granitemoe": SIZES | EXPERTS,
    "jetmoe": SIZES
    | EXPERTS
    | {"num_key_value_heads": 2, "kv_channels": 8, "activation_function": "silu"},
    "deepseek_v2": SIZES | DEEPSEEK,
    "deepseek_v3": SIZES | DEEPSEEK,
    "glm4_moe": SIZES | EXPERTS | {"n_routed_experts": 4, "first_k_dense_replace": 1},
    "ernie4_5_moe": SIZES | EXPERTS | {"moe_num_experts": 4, "moe_k": 2},
    "dbrx": OLD
    | {
        "d_model": 32,
        "n_layers": 2,
        "n_heads": 4,
        "max_seq_len": 256,
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8},
        "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "llama4_text": SIZES | EXPERTS | {"intermediate_size_mlp": 64},
    "recurrent_gemma": SIZES
    | {"lru_width": 32, "attention_window_size": 64, "block_types": ["recurrent", "attention"]},
    "mamba": MAMBA,
    "mamba2": MAMBA | {"num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 16},
    "falcon_mamba": MAMBA,
    "jamba": SIZES
    | EXPERTS
    | {
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "mamba_d_state": 8,
    },
    "bamba": SIZES
    | {
        "attn_layer_indices": [1],
        "mamba_d_state": 8,
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_chunk_size": 16,
    },
    "granitemoehybrid": SIZES
    | EXPERTS
    | {
        "layer_types": ["mamba", "attention"],
        "mamba_d_state": 8,
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_chunk_size": 16,
        "shared_intermediate_size": 32,
    },
    "falcon_h1": SIZES
    | {
        "mamba_d_ssm": 64,
        "mamba_d_state": 8,
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_chunk_size": 16,
    },
    "nemotron_h": SIZES
    | {
        "hybrid_override_pattern": "M*",
        "mamba_num_heads": 8,
        "mamba_head_dim": 8,
        "ssm_state_size": 8,
        "n_groups": 2,
        "chunk_size": 16,
    },
    "zamba": SIZES,
    "zamba2": SIZES | {"mamba_d_state": 8},
    "lfm2": SIZES | {"full_attn_idxs": [1]},
    "qwen3_next": SIZES
    | EXPERTS
    | {
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "shared_expert_intermediate_size": 16,
    },
    "rwkv": OLD
    | {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "attention_hidden_size": 32,
        "context_length": 256,
    },
    "xlstm": OLD | {"hidden_size": 32, "num_hidden_layers": 2, "num_heads": 4},
    "gemma3n_text": SIZES
    | {
        "laurel_rank": 8,
        "altup_num_inputs": 2,
        "num_kv_shared_layers": 0,
        "layer_types": ["full_attention"] * 2,
        "vocab_size_per_layer_input": VOCABULARY,
        "hidden_size_per_layer_input": 8,
        "activation_sparsity_pattern": [0.0, 0.0],
    },
    "minimax": SIZES
    | EXPERTS
    | {"layer_types": ["full_attention", "linear_attention"], "block_size": 16},
    "dots1": SIZES | DEEPSEEK,
    "modernbert-decoder": SIZES,
    "bert": SIZES,
    "xlnet": OLD | {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64},
    "kimi_linear": SIZES | DEEPSEEK,
    "youtu": SIZES | DEEPSEEK,
    "longcat_flash": SIZES | DEEPSEEK,
}


def network_of(family: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    options = dict(FAMILIES[family])
    kind = options.pop("model_type", family)
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **options))
    network.eval()
    return network
