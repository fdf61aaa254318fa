"""Train a BatchTopK dictionary (Bussmann et al. 2024) with the AuxK loss (Gao et al. 2024).

Activations are centred and scaled to a mean norm of sqrt(D), and this is folded into the weights at
the end. Only the encoder's product is dense; k of F latents are active, so that reconstruction and
gradients are sparse products, written out here. `tests/test_sae_train.py` holds them to autograd.

Shapes: B = batch, D = width, F = latents, A = latents that are dead.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from phoque.errors import PhoqueError
from phoque.models.load import fast_dtype
from phoque.stages.sae.autoencoder import Active, SparseAutoencoder, batch_top_k

Batches = Callable[[int], Iterator[Tensor]]
"""The batches_BD of an epoch, by its number."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a dictionary is trained; the defaults hold from 100 thousand to millions of tokens."""

    d_sae: int
    k: int
    epochs: int
    steps_per_epoch: int
    seed: int = 42
    learning_rate: float = 4e-3
    """At 4,096 latents; it goes with 1 / sqrt(d_sae)."""
    warmup: float = 0.05
    decay: float = 0.2
    """Share of all steps at the end during which the learning rate falls to 0."""
    annealing: float = 0.1
    """Share of all steps at the start during which k falls from four times its value."""
    auxiliary: float = 1 / 32
    freeze_decoder: bool = False
    """Random directions that stay as they are: what training the encoder alone can reach."""

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def dead_after(self) -> int:
        """Steps without an activation after which a latent counts as dead."""
        return max(20, self.steps_per_epoch // 4)

    def rate_at(self, step: int) -> float:
        up = min(1.0, (step + 1) / max(1.0, self.warmup * self.steps))
        down = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.learning_rate * math.sqrt(4096 / self.d_sae) * up * down

    def k_at(self, step: int) -> int:
        left = max(0.0, 1 - step / max(1.0, self.annealing * self.steps))
        return min(self.d_sae // 2, round(self.k * (1 + 3 * left)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """x' = scale * (x - mean), under which the mean norm is sqrt(D)."""

    mean_D: Tensor
    scale: float

    @classmethod
    def of(cls, sample_BD: Tensor) -> "Scaling":
        """Measured on a sample; PhoqueError where it does not vary, or is not finite."""
        mean_D = sample_BD.mean(0)
        norm = float((sample_BD - mean_D).norm(dim=-1).mean())
        if not math.isfinite(norm) or norm == 0:
            raise PhoqueError(
                f"The activations have a mean distance of {norm} from their mean; a dictionary needs "
                "finite ones that vary. Choose another layer with --layer."
            )
        return cls(mean_D=mean_D, scale=math.sqrt(sample_BD.shape[1]) / norm)

    def __call__(self, residual_BD: Tensor) -> Tensor:
        return (residual_BD - self.mean_D) * self.scale


class Trainer:
    """One dictionary while it is trained."""

    def __init__(self, config: TrainConfig, scaling: Scaling, device: torch.device) -> None:
        width = len(scaling.mean_D)
        generator = torch.Generator().manual_seed(config.seed)
        directions = torch.randn(config.d_sae, width, generator=generator)
        self.config, self.scaling = config, scaling
        self.decoder_FD = normalize(directions).to(device)
        self.encoder_FD = self.decoder_FD.clone()
        self.encoder_bias_F = torch.zeros(config.d_sae, device=device)
        self.decoder_bias_D = torch.zeros(width, device=device)
        self.silent_F = torch.zeros(config.d_sae, dtype=torch.long, device=device)
        """Steps since each latent was last active."""
        self.dtype = fast_dtype(str(device))
        self.optimiser = torch.optim.Adam(self.parameters, fused=True)

    @property
    def parameters(self) -> list[Tensor]:
        own = [self.encoder_FD, self.encoder_bias_F, self.decoder_bias_D]
        return own if self.config.freeze_decoder else [*own, self.decoder_FD]

    @torch.no_grad()
    def step(self, residual_BD: Tensor, step: int) -> float:
        """Learn from a batch; the share of its variance that is not explained.

        PhoqueError where the loss is not finite.
        """
        gradients, loss = self.gradients(self.scaling(residual_BD), self.config.k_at(step))
        if not math.isfinite(loss):
            raise PhoqueError(
                f"The loss is {loss} at step {step}: activations or learning rate are too large."
            )
        for parameter, gradient in zip(self.parameters, gradients, strict=False):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.param_groups[0]["lr"] = self.config.rate_at(step)
        self.optimiser.step()
        self.decoder_FD.copy_(normalize(self.decoder_FD))
        return loss

    def gradients(self, x_BD: Tensor, k: int) -> tuple[list[Tensor], float]:
        """Of encoder, its bias, decoder bias and decoder; and the loss without AuxK."""
        centred_BD = x_BD - self.decoder_bias_D
        pre_BF = (centred_BD.to(self.dtype) @ self.encoder_FD.to(self.dtype).T).float()
        pre_BF += self.encoder_bias_F
        active = Active.at(batch_top_k(pre_BF, k))
        exact = active.products(centred_BD, self.encoder_FD)
        values = (exact + self.encoder_bias_F[active.latents]).clamp(min=0)
        error_BD = active.matrix_BF(values) @ self.decoder_FD + self.decoder_bias_D - x_BD
        variance = (x_BD - x_BD.mean(0)).square().sum(-1).mean()
        pull_BD = error_BD * (2 / (len(x_BD) * variance))
        back = active.products(pull_BD, self.decoder_FD) * (values > 0)
        encoder_FD = active.matrix_FB(back) @ centred_BD
        bias_F = torch.zeros_like(self.encoder_bias_F).index_add_(0, active.latents, back)
        shift_D = pull_BD.sum(0) - bias_F @ self.encoder_FD
        decoder_FD = active.matrix_FB(values) @ pull_BD
        self.silent_F += 1
        self.silent_F[active.latents] = 0
        self._add_auxiliary(pre_BF, centred_BD, error_BD, (encoder_FD, bias_F, decoder_FD))
        along_F1 = (decoder_FD * self.decoder_FD).sum(-1, keepdim=True)
        decoder_FD -= along_F1 * self.decoder_FD  # its length is not learned
        loss = float(error_BD.square().sum(-1).mean() / variance)
        return [encoder_FD, bias_F, shift_D, decoder_FD], loss

    def folded(self) -> SparseAutoencoder:
        """The dictionary in raw residual units, without thresholds."""
        scale = self.scaling.scale
        return SparseAutoencoder(
            encoder_DF=self.encoder_FD.T.cpu().contiguous(),
            encoder_bias_F=self.encoder_bias_F.cpu() / scale,
            decoder_FD=self.decoder_FD.cpu(),
            decoder_bias_D=(self.scaling.mean_D + self.decoder_bias_D / scale).cpu(),
            threshold_F=torch.zeros_like(self.encoder_bias_F).cpu(),
        )

    def _add_auxiliary(
        self,
        pre_BF: Tensor,
        centred_BD: Tensor,
        error_BD: Tensor,
        gradients: tuple[Tensor, Tensor, Tensor],
    ) -> None:
        """Let dead latents reconstruct what the others left over, which is not changed by it."""
        dead_A = (self.silent_F > self.config.dead_after).nonzero()[:, 0]
        if not len(dead_A):
            return
        encoder_FD, bias_F, decoder_FD = gradients
        pre_BA = pre_BF[:, dead_A]
        count = min(pre_BF.shape[1], len(error_BD[0]) // 2, len(dead_A))
        chosen_BA = torch.zeros_like(pre_BA).scatter_(1, pre_BA.topk(count).indices, 1.0)
        values_BA = pre_BA * chosen_BA
        missed_BD = values_BA @ self.decoder_FD[dead_A] + error_BD
        weight = 2 * self.config.auxiliary / error_BD.square().sum().clamp(min=1e-12)
        pull_BD = missed_BD * weight
        back_BA = (pull_BD @ self.decoder_FD[dead_A].T) * chosen_BA
        encoder_FD.index_add_(0, dead_A, back_BA.T @ centred_BD)
        bias_F.index_add_(0, dead_A, back_BA.sum(0))
        decoder_FD.index_add_(0, dead_A, values_BA.T @ pull_BD)


def train(
    config: TrainConfig, scaling: Scaling, batches: Batches, device: torch.device
) -> tuple[SparseAutoencoder, list[float]]:
    """The dictionary, not calibrated yet, and the unexplained share at every step."""
    trainer = Trainer(config, scaling, device)
    losses: list[float] = []
    for epoch in range(config.epochs):
        for batch_BD in batches(epoch):
            losses.append(trainer.step(batch_BD.to(device), len(losses)))
    return trainer.folded(), losses
