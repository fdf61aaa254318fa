"""Files to save. Gradio serves only what lies in its own folders, so they are copied there."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path


def served(source: Path, name: str) -> str | None:
    """A copy of the file, under its new name, that may be served; None where there is none."""
    return _copy(source, source.stat().st_mtime_ns, name) if source.is_file() else None


@lru_cache(maxsize=32)
def _copy(source: Path, _changed: int, name: str) -> str:
    target = Path(tempfile.mkdtemp(prefix="phoque-")) / name
    shutil.copyfile(source, target)
    return str(target)
