"""Read the data out of a pickle without running its code.

A pickle names functions to call. Here every name that is not on a short list becomes an inert
`Stub` that only keeps what it was given, so that attributes can be read and nothing can happen.
"""

import pickle
from collections import OrderedDict, defaultdict
from io import BytesIO
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phoque.errors import PhoqueError


def _scalar(dtype: np.dtype[Any], content: bytes) -> Any:
    return np.frombuffer(content, dtype)[0]


ALLOWED: dict[tuple[str, str], Any] = {
    ("builtins", "int"): int,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "float64"): np.float64,
    ("numpy._core.multiarray", "scalar"): _scalar,
}
ARRAY = ("joblib.numpy_pickle", "NumpyArrayWrapper")


class Stub:
    """Stands for any object that is not on the list; keeps its attributes and does nothing."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {"state": state})


class ArrayStub(Stub):
    """joblib's mark for an array whose bytes follow in the file; they are read when it is told how."""

    file: BytesIO
    array: NDArray[Any]

    def __setstate__(self, state: Any) -> None:
        # joblib 1.6, NumpyArrayWrapper.read_array: a padding length, the padding, the values.
        dtype, shape = state["dtype"], state["shape"]
        if dtype.hasobject:
            raise PhoqueError("A pickled array of objects is not data; it is not read.")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.file.read(self.file.read(1)[0])
        content = self.file.read(prod(shape) * dtype.itemsize)
        self.array = np.frombuffer(content, dtype).reshape(shape, order=state["order"])


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes) -> None:
        self._file = BytesIO(content)
        super().__init__(self._file)

    def find_class(self, module: str, name: str) -> Any:
        """The listed object of that name, else a stub."""
        if (module, name) == ARRAY:
            return type("ArrayStub", (ArrayStub,), {"file": self._file})
        return ALLOWED.get((module, name), Stub)


def read_pickle(content: bytes) -> Any:
    """The data of a plain pickle or an uncompressed joblib file.

    Unknown objects are stubs with attributes; an array of joblib's is the `array` of its stub.
    """
    return _Reader(content).load()
