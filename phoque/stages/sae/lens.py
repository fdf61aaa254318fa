"""What directions do to the next token, read by final norm and output head (logit lens).

Shapes: D = width, F = directions, V = vocabulary, K = tokens that are kept.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from phoque.models.load import LanguageModel
from phoque.models.structure import final_norm
from phoque.run.sae_evidence import Lens, LensToken

NUM_LENS = 10
AT_ONCE = 128


class LensReader:
    """Reads directions of one dictionary; what all of them do on average is taken off."""

    def __init__(self, model: LanguageModel, decoder_FD: Tensor) -> None:
        self._model, self._size = model, len(model.tokenizer)
        self._head = model.model.get_output_embeddings()
        self._norm = final_norm(model.model)
        # The head is linear, so that the mean of its outputs is its output for the mean.
        self._usual_D = self._normed(decoder_FD).mean(0)

    @torch.inference_mode()
    def logits(self, directions_FD: Tensor) -> Tensor:
        """Logits_FV beyond the average direction, around the mean over the vocabulary."""
        logits_FV = self._head(self._normed(directions_FD) - self._usual_D).float().cpu()
        around_FV: Tensor = logits_FV[:, : self._size] - logits_FV.mean(1, keepdim=True)
        return around_FV

    def lens(self, direction_D: Tensor) -> Lens:
        """Tokens whose logits the direction raises and lowers most."""
        (logits_V,) = self.logits(direction_D[None])
        raised, lowered = (
            tuple(
                LensToken(token=self.token(int(token)), logit=float(logits_V[token]))
                for token in logits_V.topk(NUM_LENS, largest=largest).indices
            )
            for largest in (True, False)
        )
        return Lens(raised=raised, lowered=lowered)

    def promoted(self, directions_FD: Tensor, count: int) -> Tensor:
        """Ids_FK of the tokens that each direction raises most."""
        parts = directions_FD.split(AT_ONCE)
        return torch.cat([self.logits(part).topk(count, dim=1).indices for part in parts])

    def token(self, token: int) -> str:
        text: str = self._model.tokenizer.decode([token])
        return text

    def vocabulary(self) -> Sequence[str]:
        found: list[str] = self._model.tokenizer.batch_decode([[n] for n in range(self._size)])
        return found

    @torch.inference_mode()
    def _normed(self, directions_FD: Tensor) -> Tensor:
        normed_FD: Tensor = self._norm(directions_FD.to(self._head.weight))
        return normed_FD
