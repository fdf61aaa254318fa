"""Random-weight models of both layouts, built from a config in milliseconds, for tests."""

from pathlib import Path
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

from phoque.files import read_json

CONFIGS: dict[str, Any] = read_json(Path(__file__).with_name("tiny.json"))
"""The padding token is not the end token: its embedding is zero, hence its tied logit, too. With the
default initialisation every continuation would be the same token."""
VOCABULARY: int = CONFIGS["llama"]["vocab_size"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


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


def tiny_llama() -> LlamaForCausalLM:
    """Two random Llama blocks of width 32."""
    torch.manual_seed(0)
    network = LlamaForCausalLM(LlamaConfig(**CONFIGS["llama"]))
    network.eval()
    return network


def tiny_mistral3() -> Mistral3ForConditionalGeneration:
    """Two random blocks inside Ministral 3's vision-language wrapper, vision tower included."""
    torch.manual_seed(0)
    text = CONFIGS["llama"] | CONFIGS["ministral3"]
    config = Mistral3Config(text_config=text, vision_config=CONFIGS["pixtral"], image_token_index=5)
    network = Mistral3ForConditionalGeneration(config)
    network.eval()
    return network
