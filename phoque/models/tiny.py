"""Random-weight models of both layouts, built from a config in milliseconds, for tests."""

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PreTrainedTokenizerFast,
)

VOCABULARY = 320
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    # Not the end token: the embedding of a padding token is zero, hence its tied logit, too.
    "pad_token_id": VOCABULARY - 1,
}
MINISTRAL_ROPE = {
    "rope_type": "yarn",
    "rope_theta": 1e4,
    "factor": 2.0,
    "original_max_position_embeddings": 256,
    "max_position_embeddings": 512,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.1,
}


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer: every string is in its vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=CHAT_TEMPLATE,
    )


def tiny_llama(seed: int = 0) -> LlamaForCausalLM:
    """Two random Llama blocks of width 32."""
    torch.manual_seed(seed)
    # With the default initialisation every continuation is the same token.
    network = LlamaForCausalLM(LlamaConfig(**SIZES, initializer_range=0.2))
    network.eval()
    return network


def tiny_mistral3(seed: int = 0) -> Mistral3ForConditionalGeneration:
    """Two random blocks inside Ministral 3's vision-language wrapper, vision tower included."""
    torch.manual_seed(seed)
    text: dict[str, Any] = SIZES | {"model_type": "ministral3", "initializer_range": 0.2}
    text |= {"head_dim": 8, "rope_parameters": MINISTRAL_ROPE}
    vision = {
        "model_type": "pixtral",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Mistral3Config(text_config=text, vision_config=vision, image_token_index=5)
    network = Mistral3ForConditionalGeneration(config)
    network.eval()
    return network
