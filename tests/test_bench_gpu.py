"""The benchmark for a GPU runs its own code here, at a tiny size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCH = Path(__file__).parent.parent / "benchmarks" / "bench_gpu.py"


def bench(*arguments):
    command = [sys.executable, str(BENCH), *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": str(BENCH.parent.parent)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_code_runs_at_a_tiny_size(tmp_path):
    out = tmp_path / "results.jsonl"
    done = bench("--size", "tiny", "--steps", 11, "--repeats", 3, "--out", out)
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, out.read_text().splitlines())
    assert (row["bench"], row["size"]) == ("gpu", "tiny")
    assert row["hardware"]
    for name in ("LoRA", "QLoRA"):
        assert row[f"{name}: s/step"] > 0
        assert row[f"{name}: tokens/s"] > 0
    assert row["three columns, step, ms"] > 0
    assert row["step / floor"] > 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_full_size_says_what_it_needs(tmp_path):
    refused = bench("--out", tmp_path / "results.jsonl")
    assert refused.returncode == 2
    assert "needs an NVIDIA GPU with 24 GB" in refused.stderr
    assert "--size tiny" in refused.stderr
    assert not (tmp_path / "results.jsonl").exists()


def test_the_full_size_is_that_of_ministral_3_3b():
    """3.4 billion weights, as its card says, counted without making any."""
    sys.path.insert(0, str(BENCH.parent))
    try:
        from bench_gpu import MINISTRAL, network_of
    finally:
        sys.path.remove(str(BENCH.parent))
    with torch.device("meta"):
        network = network_of("full")
    language = network.model.language_model
    assert len(language.layers) == MINISTRAL["num_hidden_layers"] == 26
    assert network.lm_head.weight is language.embed_tokens.weight
    assert sum(p.numel() for p in language.parameters()) / 1e9 == pytest.approx(3.4, abs=0.05)
