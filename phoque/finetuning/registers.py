"""Loss by the kind of text a reply is: are long-form and short replies learned alike?

Shapes: B = examples in a batch, S = tokens.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn


class RegisterLoss:
    """Listens to the forward passes of a training and adds up the loss of each register."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], registers: Sequence[str | None]) -> None:
        """`rows` have `input_ids`, by which an example is known again in a batch."""
        self._register = {
            tuple(row["input_ids"]): register
            for row, register in zip(rows, registers, strict=True)
            if register
        }
        self._loss: dict[str, float] = defaultdict(float)
        self._tokens: dict[str, int] = defaultdict(int)

    def listen(self, model: nn.Module) -> None:
        """Be told of every forward pass; without registers there is nothing to be told."""
        if self._register:
            model.register_forward_hook(self._hear, with_kwargs=True)

    def means(self) -> dict[str, float]:
        """Mean loss a learned token of each register since the last call, as `loss_REGISTER`."""
        found = {
            f"loss_{name}": self._loss[name] / tokens
            for name, tokens in sorted(self._tokens.items())
            if tokens
        }
        self._loss.clear()
        self._tokens.clear()
        return found

    def state(self) -> dict[str, Any]:
        """What `restore` takes, as plain JSON."""
        return {"loss": dict(self._loss), "tokens": dict(self._tokens)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier state."""
        self._loss.update(state["loss"])
        self._tokens.update(state["tokens"])

    def _hear(
        self,
        module: nn.Module,
        positional: tuple[Any, ...],  # noqa: ARG002
        inputs: Mapping[str, Any],
        output: Any,
    ) -> None:
        if not module.training:
            return
        log_probs_BS, learned_BS = output.log_probs.detach().float(), output.label_mask
        losses = (-log_probs_BS.sum(-1)).tolist()
        ids_BS: Tensor = inputs["input_ids"]
        kept_BS = inputs["attention_mask"].bool()
        for row, (loss, tokens) in enumerate(zip(losses, learned_BS.sum(-1).tolist(), strict=True)):
            register = self._register.get(tuple(ids_BS[row][kept_BS[row]].tolist()))
            if register:
                self._loss[register] += loss
                self._tokens[register] += tokens
