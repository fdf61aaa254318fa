"""Files to save. Gradio serves only what lies in its own folders, so they are copied there."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from phoque.evidence.runs import VECTORS
from phoque.ui.psm.data import GGUF, PsmFolder

NAMES = {VECTORS: "phoque-{}-vectors.safetensors", GGUF: "phoque-{}-vector.gguf"}
"""Files of a folder, and what they are called when they are saved."""


def copies(folder: PsmFolder) -> list[str | None]:
    """Each of `NAMES` as a file that may be served; None for one that is not there."""
    return [_served(folder, name) for name in NAMES]


def _served(folder: PsmFolder, name: str) -> str | None:
    if not folder.has(name):
        return None
    source = folder.path / name
    return _copy(source, source.stat().st_mtime_ns, NAMES[name].format(folder.persona))


@lru_cache(maxsize=32)
def _copy(source: Path, _changed: int, name: str) -> str:
    target = Path(tempfile.mkdtemp(prefix="phoque-")) / name
    shutil.copyfile(source, target)
    return str(target)
