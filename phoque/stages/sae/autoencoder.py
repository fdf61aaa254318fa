"""The dictionary as it is used, JumpReLU with one threshold a latent, in raw residual units; and sparse products.

Shapes: B = tokens, D = width (`d_in`), F = latents (`d_sae`).
"""

import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from phoque.errors import PhoqueError
from phoque.files import read_json, write_json
from phoque.run.directory import RunDirectory
from phoque.steering.vectors import SteeringVector

WEIGHTS, CONFIG = "sae_weights.safetensors", "cfg.json"
Facts = dict[str, str | int | float | bool]
"""What SAELens keeps beside the weights, by its names."""
SAELENS_VERSION = "6.54.12"
"""Whose format is written; readers of version 6 or later take it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseAutoencoder:
    """Encoder and decoder; rows of `decoder_FD` have length one, so an activation is a length."""

    encoder_DF: Tensor
    encoder_bias_F: Tensor
    decoder_FD: Tensor
    decoder_bias_D: Tensor
    threshold_F: Tensor

    @property
    def d_sae(self) -> int:
        return len(self.decoder_FD)

    def pre_activations(self, residual_BD: Tensor) -> Tensor:
        """What each latent measures, before its threshold; pre_BF."""
        return (residual_BD - self.decoder_bias_D) @ self.encoder_DF + self.encoder_bias_F

    def encode(self, residual_BD: Tensor) -> Tensor:
        """Activations_BF: the pre-activation where it is above the threshold, else 0."""
        pre_BF = self.pre_activations(residual_BD)
        return pre_BF * (pre_BF > self.threshold_F)

    def decode(self, activations_BF: Tensor) -> Tensor:
        """Reconstruction_BD."""
        return activations_BF @ self.decoder_FD + self.decoder_bias_D

    def __call__(self, residual_BD: Tensor) -> Tensor:
        """Reconstruction_BD of the residual stream."""
        return self.decode(self.encode(residual_BD))

    def with_threshold(self, threshold: float) -> Self:
        """The same dictionary with one threshold for all latents."""
        return type(self)(
            **{**vars(self), "threshold_F": torch.full_like(self.threshold_F, threshold)}
        )

    def save(self, folder: Path, metadata: Facts) -> None:
        """Write `cfg.json` and `sae_weights.safetensors` as SAELens reads them."""
        tensors = {
            "W_enc": self.encoder_DF,
            "b_enc": self.encoder_bias_F,
            "W_dec": self.decoder_FD,
            "b_dec": self.decoder_bias_D,
            "threshold": self.threshold_F,
        }
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{WEIGHTS}.partial"
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
            partial.replace(folder / WEIGHTS)
        except (OSError, SafetensorError) as error:
            partial.unlink(missing_ok=True)
            raise PhoqueError(f"Cannot write the SAE to {folder}: {error}.") from error
        config = {
            "architecture": "jumprelu",
            "d_in": len(self.encoder_DF),
            "d_sae": self.d_sae,
            "dtype": str(self.decoder_FD.dtype).removeprefix("torch."),
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {"sae_lens_version": SAELENS_VERSION, **metadata},
        }
        write_json(folder / CONFIG, config)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, in fp32; PhoqueError where there is none, or one of another kind."""
        try:
            config = read_json(folder / CONFIG)
            tensors = {name: t.float() for name, t in load_file(folder / WEIGHTS).items()}
            if config["architecture"] != "jumprelu" or config["normalize_activations"] != "none":
                raise PhoqueError(f"The SAE in {folder} is not a JumpReLU one in raw units.")
            return cls(
                encoder_DF=tensors["W_enc"],
                encoder_bias_F=tensors["b_enc"],
                decoder_FD=tensors["W_dec"],
                decoder_bias_D=tensors["b_dec"],
                threshold_F=tensors["threshold"],
            )
        except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
            raise PhoqueError(f"Cannot read an SAE from {folder}: {error}.") from error


def latent_vector(run: RunDirectory, latent: int) -> SteeringVector:
    """Decoder direction of a run's latent; at scale 1 as long as the median residual stream.

    PhoqueError where the run has no dictionary, or the dictionary no such latent.
    """
    folder = run.path / "sae"
    if not (folder / CONFIG).is_file():
        raise PhoqueError(
            f"The run {run.path.name} has no dictionary yet. "
            f"Train one with: phoque run sae --run {run.path.name}"
        )
    config = read_json(folder / CONFIG)
    if not 0 <= latent < config["d_sae"]:
        raise PhoqueError(f"Latent {latent} does not exist: there are 0 to {config['d_sae'] - 1}.")
    facts = config["metadata"]
    layer = int(facts["hf_hook_name"].rsplit(".", 1)[1])
    # One row only: the whole of a large dictionary is a gigabyte.
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        direction_D = file.get_slice("W_dec")[latent]
    return SteeringVector(layer, direction_D.float() * facts["median_norm"])


def calibrated(sae: SparseAutoencoder, residual_BD: Tensor, l0: float) -> SparseAutoencoder:
    """The dictionary with the threshold at which `l0` latents a token are active on these rows."""
    active = min(round(l0 * len(residual_BD)), len(residual_BD) * sae.d_sae - 1)
    pre = sae.pre_activations(residual_BD).flatten()
    # Only what is well above zero competes: a sort of all values would take most of the time.
    few = active < len(pre) // 64
    largest = pre.topk(active + 1).values if few else pre.sort(descending=True).values
    return sae.with_threshold(max(float(largest[active]), 0.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Active:
    """Which latents are active on which tokens: the pattern of all sparse matrices of a step."""

    rows: Tensor
    latents: Tensor
    shape: tuple[int, int]

    @classmethod
    def at(cls, mask_BF: Tensor) -> "Active":
        """The places where the mask is set, row by row."""
        rows, latents = mask_BF.nonzero(as_tuple=True)
        return cls(rows=rows, latents=latents, shape=(mask_BF.shape[0], mask_BF.shape[1]))

    def matrix_BF(self, values: Tensor) -> Tensor:
        """The sparse matrix with these values, in the order of the places."""
        return _sparse(self._row_starts, self.latents, values, self.shape)

    def matrix_FB(self, values: Tensor) -> Tensor:
        """Its transpose."""
        ordered = self.rows[self._by_latent], values[self._by_latent]
        return _sparse(self._latent_starts, *ordered, self.shape[::-1])

    def products(self, left_BD: Tensor, right_FD: Tensor) -> Tensor:
        """Inner product of a row of either matrix at every place."""
        empty_BF = self.matrix_BF(left_BD.new_zeros(self.rows.shape))
        found: Tensor = torch.sparse.sampled_addmm(empty_BF, left_BD, right_FD.T).values()
        return found

    @cached_property
    def _by_latent(self) -> Tensor:
        return self.latents.argsort(stable=True)

    @cached_property
    def _row_starts(self) -> Tensor:
        return _starts(self.rows, self.shape[0])

    @cached_property
    def _latent_starts(self) -> Tensor:
        return _starts(self.latents, self.shape[1])


def batch_top_k(pre_BF: Tensor, k: int) -> Tensor:
    """Mask_BF of the k * B largest positive values of the whole batch; ties count as well."""
    wanted = k * len(pre_BF)
    flat = pre_BF.flatten()
    # A sample bounds the threshold from below, so that few values have to be sorted.
    sample = flat[:: max(1, len(flat) // 100_000)]
    bound = sample.topk(min(len(sample), round(1.3 * wanted * len(sample) / len(flat)) + 8)).values[
        -1
    ]
    above = flat[flat >= bound]
    candidates = above if len(above) >= wanted else flat
    threshold = candidates.topk(wanted, sorted=False).values.min()
    return pre_BF >= threshold.clamp(min=torch.finfo(pre_BF.dtype).tiny)


def _starts(places: Tensor, size: int) -> Tensor:
    return torch.cat([places.new_zeros(1), places.bincount(minlength=size).cumsum(0)])


def _sparse(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")  # that the interface may change
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
