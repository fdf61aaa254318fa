"""Vectors to save."""

from phoque.run.directory import VECTORS
from phoque.ui.psm.data import GGUF, PsmFolder
from phoque.ui.served import served

NAMES = {VECTORS: "phoque-{}-vectors.safetensors", GGUF: "phoque-{}-vector.gguf"}
"""Files of a folder, and what they are called when they are saved."""


def copies(folder: PsmFolder) -> list[str | None]:
    """Each of `NAMES` as a file that may be served; None for one that is not there."""
    return [served(folder.path / file, name.format(folder.persona)) for file, name in NAMES.items()]
