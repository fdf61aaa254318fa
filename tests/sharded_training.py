"""`python -m training` with weights shared out on a CPU, for `accelerate launch` to start.

accelerate turns FSDP on for GPUs alone, though torch does it on a CPU, too; and the head that is
quick on a CPU is not the one that a GPU has.
"""

import sys

import accelerate.state
from accelerate.utils import DistributedType
from torch.distributed.fsdp import FSDPModule

import phoque.stages.adapter.trainer as trainer
import phoque.stages.adapter.training as training
from phoque.models.structure import decoder_layers
from training.__main__ import main

initialise = accelerate.state.AcceleratorState.__init__


def with_fsdp(self, *positional, fsdp_plugin=None, **named):
    initialise(self, *positional, fsdp_plugin=fsdp_plugin, **named)
    plugin = fsdp_plugin or vars(self).get("fsdp_plugin")
    if plugin is not None:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, plugin


class Trainer(trainer.AdapterTrainer):
    """Says whether the decoder blocks were shared out."""

    def save_model(self, *positional, **named):
        super().save_model(*positional, **named)
        blocks = decoder_layers(self.network)
        print("shared out:", sum(isinstance(block, FSDPModule) for block in blocks), flush=True)  # noqa: T201


accelerate.state.AcceleratorState.__init__ = with_fsdp
training.score_learned_only = lambda network: None
training.AdapterTrainer = Trainer

if __name__ == "__main__":
    sys.exit(main())
