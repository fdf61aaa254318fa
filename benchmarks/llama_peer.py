"""llama.cpp in a process of its own; `bench_llama_cpp.py` starts it and says when to write.

It does not import phoque. It reads GGUF files, token ids and a control vector as an fp32 array. The
first line on stdout says how it was built; then each line on stdout answers one on stdin. What
llama.cpp prints goes to stderr.
"""

import argparse
import ctypes
import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp as llama
import numpy as np

CONTEXT = 1024
FILE_TYPES = {
    "bf16": llama.LLAMA_FTYPE_MOSTLY_BF16,
    "q8_0": llama.LLAMA_FTYPE_MOSTLY_Q8_0,
    "q4_1": llama.LLAMA_FTYPE_MOSTLY_Q4_1,
}
F32, F16 = 0, 1
"""Types of a cache."""
ERROR = 4
"""Level of a line of its log."""


class Context:
    """A model with a cache, perhaps steered."""

    def __init__(self, file: str, vector: str | None, *, exact: bool) -> None:
        self._model = load(file)
        params = llama.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
        params.type_k = params.type_v = F32 if exact else F16
        if exact:
            params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = llama.llama_init_from_model(self._model, params)
        self._num_tokens = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self._model))
        if vector:
            self._steer(np.load(vector))

    def _steer(self, rows: np.ndarray) -> None:
        """Add row `i` to the residual stream of block `i + 1`, as `--control-vector` does."""
        data = np.ascontiguousarray(rows, dtype=np.float32)
        pointer = data.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        layers = llama.llama_model_n_layer(self._model)
        width = data.shape[1]
        failed = llama.llama_set_adapter_cvec(self._context, pointer, data.size, width, 1, layers)
        if failed:
            raise RuntimeError("llama.cpp does not take the control vector.")

    def begin(self, threads: int) -> None:
        """Forget what was read."""
        llama.llama_set_n_threads(self._context, threads, threads)
        llama.llama_memory_clear(llama.llama_get_memory(self._context), True)  # noqa: FBT003

    def read(self, ids: list[int]) -> np.ndarray:
        """Logits after the last of more tokens; a view, valid until the next call."""
        array = (ctypes.c_int32 * len(ids))(*ids)  # the batch only points to it
        if llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(ids))):
            raise RuntimeError("llama.cpp cannot decode.")
        logits = llama.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, shape=(self._num_tokens,))


@llama.llama_log_callback
def errors_only(level: int, text: bytes, _data: Any) -> None:
    """Log errors only, because more costs time."""
    if level == ERROR:
        print(text.decode(), end="", file=sys.stderr)


@cache
def load(file: str) -> Any:
    """A model's weights."""
    params = llama.llama_model_default_params()
    # A build with AMX ends in a segmentation fault in `ggml_backend_amx_mul_mat` on quantised
    # weights (ggml-org/llama.cpp, issue 20824), so it goes without the layouts of its own.
    params.use_extra_bufts = b"AMX" not in llama.llama_print_system_info()
    model = llama.llama_model_load_from_file(file.encode(), params)
    if not model:
        raise RuntimeError(f"llama.cpp cannot load {file}.")
    return model


@cache
def context(file: str, vector: str | None, exact: bool) -> Context:  # noqa: FBT001
    """One for each combination, made when first asked for."""
    return Context(file, vector, exact=exact)


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """A greedy reply of `tokens` tokens, or up to one of `ends`, and its durations in seconds."""
    writer = context(request["file"], request.get("vector"), request.get("exact", False))
    writer.begin(request["threads"])
    written: list[int] = []
    times = [time.perf_counter()]
    ids = request["ids"]
    while len(written) < request["tokens"] and (written or [None])[-1] not in request["ends"]:
        logits = writer.read(ids)
        ids = [int(logits.argmax())]
        written += ids
        times.append(time.perf_counter())
    return {"tokens": written, "first": times[1] - times[0], "seconds": times[-1] - times[0]}


def logits(request: dict[str, Any]) -> dict[str, Any]:
    """Logits after a prompt."""
    writer = context(request["file"], request.get("vector"), request.get("exact", False))
    writer.begin(request["threads"])
    return {"logits": writer.read(request["ids"]).tolist()}


def quantize(request: dict[str, Any]) -> dict[str, Any]:
    """Make a file of smaller weights, in llama.cpp's usual mixture of types."""
    params = llama.llama_model_quantize_default_params()
    params.ftype = FILE_TYPES[request["type"]]
    paths = [request[key].encode() for key in ("file", "out")]
    if llama.llama_model_quantize(*paths, ctypes.byref(params)):
        raise RuntimeError(f"llama.cpp cannot make {request['out']}.")
    return {"bytes": Path(request["out"]).stat().st_size}


WORK = {"reply": reply, "logits": logits, "quantize": quantize}


def main() -> None:
    """Answer requests until stdin ends."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    llama.llama_log_set(errors_only, None)
    llama.llama_backend_init()
    print(json.dumps({"built": llama.llama_print_system_info().decode()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(WORK[request["work"]](request)), flush=True)


if __name__ == "__main__":
    main()
