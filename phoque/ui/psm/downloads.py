"""Files to save. Gradio serves only what lies in its own folders, so they are copied there."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from phoque.evidence.runs import VECTORS
from phoque.ui.psm.data import CONTROL_VECTOR, PsmFolder


def copies(folder: PsmFolder) -> tuple[str | None, str | None]:
    """All vectors, and the selected one for llama.cpp, as files that may be served."""
    return _served(folder, VECTORS), _served(folder, CONTROL_VECTOR)


def _served(folder: PsmFolder, name: str) -> str | None:
    source = folder.path / name
    if not source.is_file():
        return None
    return _copy(source, source.stat().st_mtime_ns, f"phoque-{folder.persona}{source.suffix}")


@lru_cache(maxsize=64)
def _copy(source: Path, _changed: int, name: str) -> str:
    target = Path(tempfile.mkdtemp(prefix="phoque-")) / name
    shutil.copyfile(source, target)
    return str(target)
