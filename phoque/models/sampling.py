"""Draw the next token: the one place where chance enters.

Shapes: B = rows, K = candidates, V = vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from phoque.conversation import Sampling


class Sampler:
    """Draws a token for each row: penalty, temperature, top-k, top-p, one number from its seed.

    Rows with the same seed get the same numbers, so conditions are paired: equal distributions give
    equal draws.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        sampling: Sampling,
        prompts: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self._sampling = sampling
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._prompts = prompts or [()] * len(seeds)
        self._read_BV = torch.empty(0)

    def __call__(self, logits_BV: Tensor) -> Tensor:
        """Token ids_B for logits_BV."""
        scores_BV = self._penalized(logits_BV)
        greedy = self._sampling.temperature == 0
        ids_B = scores_BV.argmax(-1) if greedy else self._drawn(scores_BV.float())
        if self._read_BV.numel():
            self._read_BV.scatter_(1, ids_B[:, None], value=True)
        return ids_B

    def keep(self, rows: Sequence[int]) -> None:
        """Continue with these rows only."""
        self._generators = [self._generators[row] for row in rows]
        if self._read_BV.numel():
            self._read_BV = self._read_BV[rows]

    def _penalized(self, logits_BV: Tensor) -> Tensor:
        if self._sampling.repetition_penalty == 1:
            return logits_BV
        if not self._read_BV.numel():
            self._read_BV = read_tokens(self._prompts, logits_BV)
        return penalized(logits_BV.float(), self._read_BV, self._sampling.repetition_penalty)

    def _drawn(self, scores_BV: Tensor) -> Tensor:
        top = scores_BV.topk(min(self._sampling.top_k, scores_BV.shape[-1]))
        cumulative_BK = (top.values / self._sampling.temperature).softmax(-1).cumsum(-1)
        # The nucleus is the shortest prefix that reaches top_p; the number picks a token in it.
        reaches_BK = (cumulative_BK < self._sampling.top_p).sum(-1, keepdim=True)
        last_B1 = reaches_BK.clamp(max=cumulative_BK.shape[-1] - 1)
        uniform_B1 = torch.stack([torch.rand(1, generator=g) for g in self._generators])
        target_B1 = uniform_B1.to(scores_BV.device) * cumulative_BK.gather(-1, last_B1)
        choice_B1 = (cumulative_BK <= target_B1).sum(-1, keepdim=True).minimum(last_B1)
        return top.indices.gather(-1, choice_B1).squeeze(-1)


def read_tokens(texts: Sequence[Sequence[int]], like_BV: Tensor) -> Tensor:
    """Mask_BV of the tokens that occur in each text."""
    read_BV = torch.zeros_like(like_BV, dtype=torch.bool)
    for row, text in enumerate(texts):
        read_BV[row, list(text)] = True
    return read_BV


def penalized(logits_BV: Tensor, read_BV: Tensor, penalty: float) -> Tensor:
    """Logits with tokens of the text so far made less likely (Keskar et al. 2019)."""
    factors_BV = torch.where(logits_BV > 0, 1 / penalty, penalty)
    return torch.where(read_BV, logits_BV * factors_BV, logits_BV)
