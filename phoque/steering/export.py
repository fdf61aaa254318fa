"""A steering vector as a GGUF control vector, for `llama.cpp --control-vector-scaled FILE SCALE`.

llama.cpp adds `direction.N` to the output of block N, which is our layer N, at every position. It
has no tensor for block 0 and takes missing layers as zero, so a file holds one layer.
"""

from pathlib import Path

import gguf
import numpy as np
import torch

from phoque.errors import PhoqueError
from phoque.steering.vectors import SteeringVector

ARCHITECTURE = "controlvector"
DIRECTION = "direction."


def write_gguf(vector: SteeringVector, path: Path, *, model_type: str) -> None:
    """Write the raw vector, to be used with the scales of the page.

    Args:
        vector: the vector.
        path: the file.
        model_type: the model's architecture, such as `llama`.

    Raises:
        PhoqueError: the vector is for layer 0, which llama.cpp cannot steer.
    """
    if vector.layer == 0:
        raise PhoqueError(
            "llama.cpp has no control vector for block 0, and this vector is for layer 0. "
            "Export the vector of a later layer."
        )
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    writer.add_string(f"{ARCHITECTURE}.model_hint", model_type)
    writer.add_uint32(f"{ARCHITECTURE}.layer_count", vector.layer)
    data = vector.direction_D.float().numpy()
    writer.add_tensor(f"{DIRECTION}{vector.layer}", np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_gguf(path: Path) -> list[SteeringVector]:
    """The vectors of a GGUF control vector, ours or another tool's.

    Raises:
        PhoqueError: the file is no control vector.
    """
    try:
        reader = gguf.GGUFReader(path)
    except (OSError, ValueError) as error:
        raise PhoqueError(f"{path} cannot be read as GGUF: {error}.") from error
    found = [tensor for tensor in reader.tensors if tensor.name.startswith(DIRECTION)]
    if not found:
        raise PhoqueError(f"{path} has no tensor named {DIRECTION}N: it is no control vector.")
    return [
        SteeringVector(int(t.name.removeprefix(DIRECTION)), torch.from_numpy(t.data.copy()))
        for t in found
    ]
