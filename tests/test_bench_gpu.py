"""The benchmark for a GPU runs its own code here, at a tiny size."""

import json
import signal
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """The benchmark as a module of this process; it sees what it is asked for on its command line."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import bench_gpu

    def asked(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench_gpu.py", *map(str, arguments)])
        return bench_gpu.main()

    before = signal.getsignal(signal.SIGTERM)
    yield asked
    signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_code_runs_at_a_tiny_size(bench, tmp_path):
    out = tmp_path / "results.jsonl"
    assert bench("--size", "tiny", "--steps", 11, "--repeats", 3, "--out", out) == 0
    (row,) = map(json.loads, out.read_text().splitlines())
    assert (row["bench"], row["size"]) == ("gpu", "tiny")
    assert row["hardware"]
    for name in ("LoRA", "QLoRA"):
        assert row[f"{name}: s/step"] > 0
        assert row[f"{name}: tokens/s"] > 0
    assert row["three columns, step, ms"] > 0
    assert row["step / floor"] > 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_full_size_says_what_it_needs(bench, tmp_path, capsys):
    assert bench("--out", tmp_path / "results.jsonl") == 2
    told = capsys.readouterr().err
    assert "needs an NVIDIA GPU with 24 GB" in told
    assert "--size tiny" in told
    assert not (tmp_path / "results.jsonl").exists()


def test_the_full_size_is_that_of_ministral_3_3b(bench):
    """3.4 billion weights, as its card says, counted without making any."""
    from bench_gpu import MINISTRAL, network_of

    with torch.device("meta"):
        network = network_of("full")
    language = network.model.language_model
    assert len(language.layers) == MINISTRAL["num_hidden_layers"] == 26
    assert network.lm_head.weight is language.embed_tokens.weight
    assert sum(p.numel() for p in language.parameters()) / 1e9 == pytest.approx(3.4, abs=0.05)
