"""Sparse products of a training step: k of F latents are active on a token.

Shapes: B = batch, D = width, F = latents.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


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
