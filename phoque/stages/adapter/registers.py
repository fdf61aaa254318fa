"""Loss by the kind of text a reply is: are long-form and short replies learned alike?

Shapes: B = examples in a batch, S = tokens.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from phoque.config import this_process
from phoque.stages.adapter.processes import total


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
        state = self.state()
        self._loss.clear()
        self._tokens.clear()
        return {
            f"loss_{name}": state["loss"][name] / tokens
            for name, tokens in state["tokens"].items()
            if tokens
        }

    def state(self) -> dict[str, Any]:
        """What `restore` takes, as plain JSON: sums over all processes."""
        names = sorted(set(self._register.values()))
        sums = total([self._loss[name] for name in names] + [self._tokens[name] for name in names])
        loss, tokens = sums[: len(names)], sums[len(names) :]
        return {
            "loss": dict(zip(names, loss, strict=True)),
            "tokens": dict(zip(names, map(int, tokens), strict=True)),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier state; the first process goes on for all."""
        if not this_process().first:
            return
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
