"""Files to save. Gradio serves only what lies in its own folders, so they are copied there."""

import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.ui.psm.data import PsmFolder, choice
from phoque.ui.services import Services

Write = Callable[[Path, int, Path], None]


def vectors_copy(folder: PsmFolder) -> str | None:
    """The vectors as a file that may be served; None where there are none."""
    source = folder.vectors()
    if source is None:
        return None
    return _copy(source, source.stat().st_mtime_ns, f"phoque-{folder.persona}.safetensors")


@lru_cache(maxsize=32)
def _copy(source: Path, _changed: int, name: str) -> str:
    target = _new_folder() / name
    shutil.copyfile(source, target)
    return str(target)


def gguf_copy(folder: PsmFolder, services: Services) -> str | None:
    """The selected layer for llama.cpp; None without vectors, selection or a loaded model."""
    source = folder.vectors()
    if source is None or not services.status().ready:
        return None
    try:
        layer = int(choice(folder)[0]["layer"])
        changed = source.stat().st_mtime_ns
        return _gguf(services.write_gguf, source, changed, layer, folder.persona)
    except PhoqueError:
        return None


@lru_cache(maxsize=32)
def _gguf(write: Write, source: Path, _changed: int, layer: int, persona: str) -> str:
    target = _new_folder() / f"phoque-{persona}-layer-{layer}.gguf"
    write(source, layer, target)
    return str(target)


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="phoque-"))
