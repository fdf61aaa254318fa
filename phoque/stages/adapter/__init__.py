"""Train a LoRA adapter on prompt/completion pairs with TRL; imported only by the jobs."""

from phoque.stages.adapter.examples import tokenized
from phoque.stages.adapter.lora import lora_config
from phoque.stages.adapter.quantized import load_in_4bit
from phoque.stages.adapter.settings import AdapterConfig, Example, Recording, config_for
from phoque.stages.adapter.training import train_adapter

__all__ = [
    "AdapterConfig",
    "Example",
    "Recording",
    "config_for",
    "load_in_4bit",
    "lora_config",
    "tokenized",
    "train_adapter",
]
