"""Train dictionaries on the same cached activations: ours beside dictionary_learning's BatchTopK.

Both have the same latents, k, batches and time, in turns. Both are calibrated to the same L0 on one
half of held-out rows and judged on the other:
- `tokens/s`, and ours over the peer's;
- `explained variance` after the same time.

The peer's trainer is installed into `.bench` without its dependencies. It has its own loss, optimiser,
learning rate and scaling of rows; its warm-up is cut to 5 % of the run, because its default of 1,000
steps is longer than the run.

With `--curve` there is no peer: ours is trained on an eighth, a quarter, half and all of the tokens, in as
many steps each, and the table says what more text is worth.

Usage: python benchmarks/bench_sae.py [--activations FOLDER] [--epochs 3] [--rounds 2]
       python benchmarks/bench_sae.py --curve [--train-tokens 1000000] [--epochs 1]
"""

import argparse
import sys
import time
import types
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import BENCH, Watch, install
from torch import Tensor

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.stages.sae.autoencoder import SparseAutoencoder, calibrated
from phoque.stages.sae.collect import Activations, collect, load_activations
from phoque.stages.sae.dictionaries import collected_texts, shuffled_batches
from phoque.stages.sae.metrics import explained_variance
from phoque.stages.sae.study import PRESETS, Study, with_tokens
from phoque.stages.sae.train import Scaling, TrainConfig, Trainer

PEER = "dictionary-learning==0.1.0"
NEEDS = ("einops==0.8.1",)
PRESET = PRESETS["quick"]
PARTS = (8, 4, 2, 1)
"""Of the tokens, for the curve."""
Result = tuple[float, float, float]
"""Tokens a second, explained variance, seconds."""


def activations(folder: Path | None, tokens: int) -> Activations:
    """Cached rows: those given, or so many of the layer that the shipped run's dictionary reads, collected once."""
    study = Study(run=RunDirectory(SHIPPED_RUN), preset=with_tokens(PRESET, tokens))
    folder = folder or BENCH / f"sae-{study.layer}-{tokens}"
    if not (folder / "activations.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        collect(study.base, collected_texts(study), study.layer, tokens, folder)
    return load_activations(folder)


def peer_trainer() -> Any:
    """The peer's trainer class, without its package's `__init__`, which wants other libraries."""
    target = BENCH / PEER.replace("==", "-")
    install(target, PEER, *NEEDS)
    sys.path.insert(0, str(target))
    for name in ("dictionary_learning", "dictionary_learning.trainers"):
        package = types.ModuleType(name)
        package.__path__ = [str(target / name.replace(".", "/"))]
        sys.modules[name] = package
    return import_module("dictionary_learning.trainers.batch_top_k").BatchTopKTrainer


def judged(sae: SparseAutoencoder, held: Tensor) -> float:
    """Explained variance on the second half at the L0 that the first half gives."""
    half = len(held) // 2
    fitted = calibrated(sae, held[:half], PRESET.k)
    return explained_variance(held[half:], fitted(held[half:]))


def batches(train: Any, epoch: int) -> Any:
    """The same order for both."""
    options = {"buffer_tokens": PRESET.buffer_tokens, "seed": epoch}
    return shuffled_batches(train, PRESET.batch_size, **options)


def ours(train: Any, held: Tensor, epochs: int) -> Result:
    """Our trainer for so many epochs."""
    steps = len(train) // PRESET.batch_size
    config = TrainConfig(d_sae=PRESET.d_sae, k=PRESET.k, epochs=epochs, steps_per_epoch=steps)
    start = time.perf_counter()
    scaling = Scaling.of(torch.tensor(train[:50_000]).float())
    trainer, step = Trainer(config, scaling, torch.device("cpu")), 0
    for epoch in range(epochs):
        for batch in batches(train, epoch):
            trainer.step(batch, step)
            step += 1
    spent = time.perf_counter() - start
    return step * PRESET.batch_size / spent, judged(trainer.folded(), held), spent


def curve(rows: Activations, epochs: int) -> dict[str, Any]:
    """Explained variance by training tokens, at the same number of steps."""
    figures: dict[str, Any] = {
        "layer": rows.facts.layer,
        "latents": PRESET.d_sae,
        "k": PRESET.k,
        "passes over all": epochs,
    }
    for part in PARTS:
        train = rows.train_TD[: len(rows.train_TD) // part]
        _, explained, spent = ours(train, rows.held_out_TD(), epochs * part)
        print(
            f"{len(train):>9,} tokens: explained variance {explained:.4f}, {spent:.0f} s",
            flush=True,
        )
        figures[f"explained variance, {len(train)} tokens"] = explained
    return figures


def theirs(rows: Activations, seconds: float, kind: Any) -> Result:
    """The peer's trainer for as long as ours took."""
    scale = 1 / float(torch.tensor(rows.train_TD[:50_000]).float().square().sum(1).mean().sqrt())
    planned = rows.facts.train_tokens // PRESET.batch_size * 2
    trainer = kind(
        steps=planned, activation_dim=rows.train_TD.shape[1], dict_size=PRESET.d_sae, k=PRESET.k,
        layer=rows.facts.layer, lm_name="lab", warmup_steps=planned // 20, seed=42, device="cpu",
    )  # fmt: skip
    start, step = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for batch in batches(rows.train_TD, step):
            trainer.update(step, batch * scale)
            step += 1
            if time.perf_counter() - start >= seconds:
                break
    spent = time.perf_counter() - start
    net = trainer.ae
    sae = SparseAutoencoder(
        encoder_DF=net.encoder.weight.data.T.contiguous(),
        encoder_bias_F=net.encoder.bias.data / scale,
        decoder_FD=net.decoder.weight.data.T.contiguous(),
        decoder_bias_D=net.b_dec.data / scale,
        threshold_F=torch.zeros(PRESET.d_sae),
    )
    return step * PRESET.batch_size / spent, judged(sae, rows.held_out_TD()), spent


def measure(rows: Activations, epochs: int, rounds: int) -> dict[str, Any]:
    """All figures; medians over rounds."""
    kind = peer_trainer()
    found: dict[str, list[Result]] = {"ours": [], PEER: []}
    for _ in range(rounds):
        found["ours"].append(ours(rows.train_TD, rows.held_out_TD(), epochs))
        found[PEER].append(theirs(rows, found["ours"][-1][2], kind))
    figures: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "latents": PRESET.d_sae,
        "k": PRESET.k,
        "train tokens": rows.facts.train_tokens,
        "held-out tokens judged": len(rows.held_out_TD()) // 2,
        "rounds": rounds,
    }
    for name, results in found.items():
        for place, what in enumerate(("tokens/s", "explained variance", "s")):
            figures[f"{name}, {what}"] = median(result[place] for result in results)
    ratios = [a[0] / b[0] for a, b in zip(found["ours"], found[PEER], strict=True)]
    return figures | {
        "ours / peer, tokens/s": median(ratios),
        "ours / peer, range": [min(ratios), max(ratios)],
    }


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activations", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--train-tokens", type=int, default=PRESET.tokens)
    arguments = parser.parse_args()
    BENCH.mkdir(exist_ok=True)
    watch = Watch("sae curve" if arguments.curve else "sae")
    found = activations(arguments.activations, arguments.train_tokens)
    if arguments.curve:
        watch.record(curve(found, arguments.epochs))
    else:
        watch.record(measure(found, arguments.epochs, arguments.rounds))


if __name__ == "__main__":
    main()
