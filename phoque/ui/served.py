"""Files to save. Gradio serves only what lies in its own folders, so they are copied there."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path


def served(source: Path, name: str) -> str | None:
    """A copy of the file, under its new name, that may be served; None without one, or room for it."""
    try:
        return _copy(source, source.stat().st_mtime_ns, name)
    except OSError:
        return None


@lru_cache(maxsize=32)
def _copy(source: Path, _changed: int, name: str) -> str:
    folder = Path(tempfile.mkdtemp(prefix="phoque-"))
    try:
        return str(shutil.copyfile(source, folder / name))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
