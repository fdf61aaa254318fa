"""The trainer finds what was planted, its gradients are right, and folding changes nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from phoque.errors import PhoqueError
from phoque.stages.sae.autoencoder import SparseAutoencoder, batch_top_k, calibrated
from phoque.stages.sae.dictionaries import shuffled_batches
from phoque.stages.sae.metrics import explained_variance
from phoque.stages.sae.train import Scaling, TrainConfig, Trainer, train

CPU = torch.device("cpu")


def planted(tokens=16_000, width=24, atoms=32, active=3, seed=0):
    """Rows that are sparse sums of known atoms, off centre; and the atoms."""
    generator = torch.Generator().manual_seed(seed)
    atoms_FD = normalize(torch.randn(atoms, width, generator=generator))
    chosen = torch.rand(tokens, atoms, generator=generator).topk(active).indices
    z = torch.zeros(tokens, atoms).scatter_(
        1, chosen, 1 + torch.rand(tokens, active, generator=generator)
    )
    return z @ atoms_FD + 5.0, atoms_FD


def config_of(**options):
    known = {"d_sae": 32, "k": 3, "epochs": 1, "steps_per_epoch": 1}
    return TrainConfig(**{**known, **options})


@pytest.fixture(scope="module")
def trained():
    rows, atoms = planted()
    config = config_of(epochs=40, steps_per_epoch=len(rows) // 256)

    def batches(epoch):
        return shuffled_batches(rows.numpy(), 256, buffer_tokens=10_000, seed=epoch)

    sae, losses = train(config, Scaling.of(rows), batches, CPU)
    return rows, atoms, sae, losses


@pytest.mark.slow
def test_planted_atoms_are_recovered(trained):
    rows, atoms, sae, losses = trained
    best = (atoms @ sae.decoder_FD.T).max(1).values
    assert float((best > 0.9).float().mean()) > 0.9
    assert losses[-1] < 0.1 < losses[0]
    held_out, _ = planted(seed=0, tokens=2000)
    assert explained_variance(held_out, calibrated(sae, rows, 3)(held_out)) > 0.9


@pytest.mark.slow
def test_the_threshold_gives_the_mean_l0_that_was_asked_for(trained):
    rows, _, sae, _ = trained
    for l0 in (1, 3, 6):
        active = calibrated(sae, rows, l0).encode(rows) > 0
        assert float(active.sum(1).float().mean()) == pytest.approx(l0, rel=1e-3)


def trainer_of(rows, **options):
    trainer = Trainer(config_of(**options), Scaling.of(rows), CPU)
    trainer.dtype = torch.float32
    return trainer


def test_folding_changes_nothing():
    rows, _ = planted(tokens=500)
    trainer = trainer_of(rows)
    for parameter in (trainer.encoder_bias_F, trainer.decoder_bias_D):
        torch.nn.init.normal_(parameter)
    sae, scale = trainer.folded(), trainer.scaling.scale
    x_BD = trainer.scaling(rows)
    inner = (x_BD - trainer.decoder_bias_D) @ trainer.encoder_FD.T + trainer.encoder_bias_F
    assert float((sae.pre_activations(rows) - inner / scale).abs().max()) < 1e-5
    z = inner.relu()
    outer = (z @ trainer.decoder_FD + trainer.decoder_bias_D) / scale + trainer.scaling.mean_D
    assert float((sae.decode(z / scale) - outer).abs().max()) < 1e-5
    assert float(x_BD.norm(dim=-1).mean()) == pytest.approx(math.sqrt(24), rel=1e-4)


@pytest.mark.parametrize("dead", [False, True])
def test_gradients_are_those_of_autograd(dead):
    rows, _ = planted(tokens=64)
    trainer = trainer_of(rows)
    torch.nn.init.normal_(trainer.encoder_bias_F, std=0.1)
    torch.nn.init.normal_(trainer.decoder_bias_D, std=0.1)
    if dead:
        trainer.encoder_bias_F[:5] = -5.0
        trainer.silent_F[:5] = 1000
    x = trainer.scaling(rows)
    found, loss = trainer.gradients(x, 3)
    leaves = [
        tensor.clone().requires_grad_()
        for tensor in (trainer.encoder_FD, trainer.encoder_bias_F, trainer.decoder_bias_D,
                       trainer.decoder_FD)
    ]  # fmt: skip
    encoder, bias, shift, decoder = leaves
    pre = (x - shift) @ encoder.T + bias
    z = pre.relu() * batch_top_k(pre.detach(), 3)
    error = z @ decoder + shift - x
    plain = error.square().sum(-1).mean() / (x - x.mean(0)).square().sum(-1).mean()
    assert loss == pytest.approx(float(plain.detach()), rel=1e-5)
    # AuxK does not reach the decoder bias, and its target is detached.
    expected = list(torch.autograd.grad(plain, leaves, retain_graph=True))
    if dead:
        aux = (
            (pre[:, :5] @ decoder[:5] + error.detach()).square().sum()
        ) / error.detach().square().sum()
        for place in (0, 1, 3):
            expected[place] = expected[place] + torch.autograd.grad(
                aux / 32, leaves[place], retain_graph=True
            )[0]  # fmt: skip
    along = (expected[3] * decoder).sum(-1, keepdim=True)
    expected[3] = expected[3] - along * decoder
    for own, reference in zip(found, expected, strict=True):
        assert torch.allclose(own, reference, atol=1e-5)


def test_batch_top_k_takes_the_largest_of_the_whole_batch():
    pre = torch.randn(50, 40)
    mask = batch_top_k(pre, 4)
    assert int(mask.sum()) == 200
    assert float(pre[mask].min()) > float(pre[~mask].max())
    assert not batch_top_k(-pre.abs(), 4).any()


@pytest.mark.slow
def test_auxk_revives_planted_dead_latents():
    rows, _ = planted(tokens=6000)

    def revived(auxiliary):
        config = config_of(epochs=16, steps_per_epoch=23, auxiliary=auxiliary)
        trainer = Trainer(config, Scaling.of(rows), CPU)
        trainer.encoder_bias_F[:16] = -6.0
        step = 0
        for epoch in range(16):
            for batch in shuffled_batches(rows.numpy(), 256, buffer_tokens=9000, seed=epoch):
                trainer.step(batch, step)
                step += 1
        return int((trainer.silent_F[:16] < 20).sum())

    assert revived(1.0) >= 12
    assert revived(0.0) == 0


def test_a_frozen_decoder_stays_as_it_was():
    rows, _ = planted(tokens=512)
    trainer = trainer_of(rows, freeze_decoder=True)
    before, encoder = trainer.decoder_FD.clone(), trainer.encoder_FD.clone()
    trainer.step(rows, 0)
    assert torch.allclose(trainer.decoder_FD, before, atol=1e-6)
    assert not torch.equal(trainer.encoder_FD, encoder)


def test_every_row_comes_once_and_in_another_order():
    rows = np.arange(20_000, dtype=np.float16).reshape(-1, 1) * 0 + np.arange(20_000)[:, None]
    seen = [
        torch.cat([*shuffled_batches(rows, 100, buffer_tokens=6000, seed=seed)])[:, 0]
        for seed in (0, 1)
    ]
    for own in seen:
        assert torch.equal(own.sort().values, torch.arange(20_000.0))
    assert not torch.equal(*seen)


def test_activations_that_do_not_vary_or_are_no_numbers_are_refused():
    with pytest.raises(PhoqueError, match=r"mean distance of 0\.0"):
        Scaling.of(torch.ones(10, 4))
    with pytest.raises(PhoqueError, match="mean distance of nan"):
        Scaling.of(torch.full((10, 4), float("nan")))
    rows, _ = planted(tokens=64)
    trainer = trainer_of(rows)
    rows[3, 3] = float("nan")
    with pytest.raises(PhoqueError, match="The loss is nan"):
        trainer.step(rows, 0)


def test_a_dictionary_survives_saving_and_a_broken_one_is_named(tmp_path):
    rows, _ = planted(tokens=100)
    sae = replace(trainer_of(rows).folded(), threshold_F=torch.full((32,), 0.5))
    sae.save(tmp_path, {"model_name": "m"})
    assert torch.equal(SparseAutoencoder.load(tmp_path)(rows), sae(rows))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "cfg.json",
        "sae_weights.safetensors",
    ]
    (tmp_path / "sae_weights.safetensors").write_bytes(b"no")
    with pytest.raises(PhoqueError, match="Cannot read an SAE"):
        SparseAutoencoder.load(tmp_path)


def test_a_full_disk_leaves_no_half_dictionary(tmp_path, monkeypatch):
    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("phoque.stages.sae.autoencoder.save_file", full)
    rows, _ = planted(tokens=100)
    with pytest.raises(PhoqueError, match="No space left"):
        trainer_of(rows).folded().save(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
