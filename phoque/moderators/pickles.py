"""Read the data out of a pickle without running its code.

A pickle names functions to call. Here every name that is not on a short list becomes an inert
`Stub` that only keeps what it was given, so that attributes can be read and nothing can happen.
"""

import io
import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

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
    """joblib's mark for an array whose bytes follow in the file."""


class _Reader(pickle._Unpickler):
    """The Python unpickler, with joblib's arrays read from between its opcodes."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.file = file

    def find_class(self, module: str, name: str) -> Any:
        """The listed object of that name, else a stub."""
        if (module, name) == ARRAY:
            return ArrayStub
        return ALLOWED.get((module, name), Stub)

    def load_build(self) -> None:
        """Give an object its state; an array's mark is replaced by the array."""
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]
        if isinstance(self.stack[-1], ArrayStub):
            self.stack.append(self._array(self.stack.pop()))

    dispatch[pickle.BUILD[0]] = load_build

    def _array(self, mark: Any) -> NDArray[Any]:
        # joblib 1.6, NumpyArrayWrapper.read_array: a padding length, the padding, the values.
        if mark.dtype.hasobject:
            raise PhoqueError("A pickled array of objects is not data; it is not read.")
        if getattr(mark, "numpy_array_alignment_bytes", None) is not None:
            self.file.read(self.file.read(1)[0])
        content = self.file.read(prod(mark.shape) * mark.dtype.itemsize)
        return np.frombuffer(content, mark.dtype).reshape(mark.shape, order=mark.order)


class _FastReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return ALLOWED.get((module, name), Stub)


def read_pickle(content: bytes) -> Any:
    """The data of a plain pickle; unknown objects are stubs with attributes."""
    return _FastReader(io.BytesIO(content)).load()


def read_joblib(content: bytes) -> Any:
    """The data of an uncompressed joblib file; unknown objects are stubs with attributes."""
    return _Reader(io.BytesIO(content)).load()
