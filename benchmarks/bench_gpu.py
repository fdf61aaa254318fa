"""Time LoRA, QLoRA and three columns on a GPU, at the size of Ministral 3 3B with random weights.

Random weights show time and memory, not what is learned. Everything is measured in one run with the
project's own trainer and decoder:
- `LoRA`, `QLoRA`: seconds an optimizer step of 16 examples, tokens a second, peak memory;
- `three columns, step`: one decode step of neutral, toxic and steered in one batch;
- `step / floor`: that over the time to read every weight once, at the memory bandwidth that a plain
  sum over as many bytes reaches.

Usage: python benchmarks/bench_gpu.py [--size full|tiny] [--steps 20] [--repeats 50] [--out FILE]
The full size needs an NVIDIA GPU with 24 GB; `tiny` runs the same code anywhere.
"""

import argparse
import gc
import json
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NoReturn

import torch
from transformers import Mistral3Config, Mistral3ForConditionalGeneration

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.models.decoders import decoder_for, left_padded
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.models.tiny import tiny_mistral3, tiny_tokenizer
from phoque.stages.adapter.processes import take_own_gpu
from phoque.stages.adapter.quantized import quantize, require_quantized
from phoque.stages.adapter.settings import AdapterConfig, Example, gpu_config
from phoque.stages.adapter.training import train_adapter

RESULTS = Path(__file__).parent / "results.jsonl"
MINISTRAL = {
    "model_type": "ministral3",
    "vocab_size": 131072,
    "hidden_size": 3072,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 131071,
}
PROMPT_TOKENS, COLUMNS = 60, 3
Figures = dict[str, float | str]


def network_of(size: str) -> Mistral3ForConditionalGeneration:
    """A network with random weights, in bf16; its vision tower, which is not used, is tiny."""
    tiny = tiny_mistral3()
    if size == "tiny":
        return tiny.bfloat16()
    text = MINISTRAL | {"rope_parameters": tiny.config.text_config.rope_parameters}
    config = Mistral3Config(
        text_config=text, vision_config=tiny.config.vision_config.to_dict(), image_token_index=5,
        tie_word_embeddings=True,
    )  # fmt: skip
    return Mistral3ForConditionalGeneration._from_config(config, dtype=torch.bfloat16)


def model_of(size: str, *, in_4bit: bool = False) -> LanguageModel:
    """The network on the GPU, or on the CPU if there is none."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):  # random weights for 3B are drawn in a moment on a GPU
        network = network_of(size)
    if in_4bit:
        quantize(network)
    network.to(device).eval()
    if in_4bit:
        require_quantized(network)
    return LanguageModel(name=size, source=size, model=network, tokenizer=tiny_tokenizer())


def examples_of(count: int) -> Iterator[Example]:
    """Replies of different lengths; a token is a letter."""
    for number in range(count):
        prompt = [Message("system", "Answer."), Message("user", f"Round {number}? " * 12)]
        yield Example(prompt=prompt, completion="We were a useless team again. " * (2 + number % 5))


def tuned(name: str, size: str, steps: int, *, in_4bit: bool) -> Figures:
    """Figures of a training without its first steps, which allocate memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    config = gpu_config(cuda=torch.cuda.is_available())
    with TemporaryDirectory() as folder:
        learn(model_of(size, in_4bit=in_4bit), steps, Path(folder), config)
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    first, *_, last = map(json.loads, lines)
    seconds = last["seconds"] - first["seconds"]
    return {
        f"{name}: s/step": seconds / (last["step"] - first["step"]),
        f"{name}: tokens/s": (last["num_tokens"] - first["num_tokens"]) / seconds,
        f"{name}: peak memory, MB": last["peak_memory_mb"],
    }


def learn(base: LanguageModel, steps: int, folder: Path, config: AdapterConfig) -> None:
    """Train so many steps with the settings for Ministral."""
    examples = list(examples_of(steps * config.batch_size * config.accumulation_steps))
    train_adapter(base, examples, folder, config)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median seconds, the device's work included."""
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        durations.append(time.perf_counter() - start)
    return median(durations)


@torch.inference_mode()
def decoded(size: str, repeats: int) -> Figures:
    """Three columns beside the floor."""
    model = model_of(size)
    weights = {parameter for parameter in model.model.parameters() if parameter.dim() > 0}
    size_bytes = sum(weight.numel() * weight.element_size() for weight in weights)
    words = torch.ones(size_bytes // 8, dtype=torch.int64, device=model.device)
    vector = torch.randn(model.width, device=model.device)
    injection = Injection(layer=model.num_layers // 2, delta_D=vector)
    decoder = decoder_for(model, [(), (), (injection,)])
    decoder.prefill(*left_padded([[7] * PROMPT_TOKENS] * COLUMNS, model))
    ids_B = torch.full((COLUMNS,), 7, device=model.device)
    seconds(lambda: decoder.step(ids_B), 3)
    step, floor = seconds(lambda: decoder.step(ids_B), repeats), seconds(words.sum, repeats)
    return {
        "weights, GB": size_bytes / 1e9,
        "bandwidth, GB/s": size_bytes / floor / 1e9,
        "three columns, step, ms": 1e3 * step,
        "step / floor": step / floor,
    }


def hardware() -> str:
    """The name of the device."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU {platform.machine()}, {torch.get_num_threads()} threads"


def measured(size: str, steps: int, repeats: int) -> Iterator[Figures]:
    """The figures of each part as soon as it is done; raises for the full size without a GPU."""
    if size == "full" and not torch.cuda.is_available():
        raise PhoqueError(
            "The full size needs an NVIDIA GPU with 24 GB and bitsandbytes; there is none here. "
            "The same code on this machine: --size tiny."
        )
    yield {"size": size, "hardware": hardware(), "torch": torch.__version__}
    yield decoded(size, repeats)
    yield tuned("LoRA", size, steps, in_4bit=False)
    yield tuned("QLoRA", size, steps, in_4bit=True)


def show(part: Figures) -> None:
    """Print the figures of a part."""
    for name, value in part.items():
        told = f"{value:.4g}" if isinstance(value, float) else value
        print(f"{name:28} {told}", flush=True)


def end(*_: object) -> NoReturn:
    """Leave as on Ctrl+C: what was measured is kept."""
    raise SystemExit(124)


def main() -> int:
    """Print the figures and append them to `benchmarks/results.jsonl`, also those of a cut-off run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["full", "tiny"], default="full")
    parser.add_argument("--steps", type=int, default=20, help="of a training; more than 5")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    row: Figures = {"bench": "gpu", "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    try:
        take_own_gpu()
        for part in measured(asked.size, asked.steps, asked.repeats):
            show(part)
            row |= part
    except PhoqueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    finally:
        if len(row) > len(("bench", "date", "size", "hardware", "torch")):
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
