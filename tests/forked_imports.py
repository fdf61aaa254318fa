"""What stages of a training import when they are asked for, for processes that are forked."""

import trl  # noqa: F401

import phoque.cli.run
import phoque.stages.adapter.stage
import phoque.stages.adapter.trainer  # noqa: F401
