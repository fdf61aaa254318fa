"""A steering vector as a GGUF control vector, for `llama.cpp --control-vector-scaled FILE SCALE`.

llama.cpp adds `direction.N` to the output of block N, which is our layer N, at every position. It
has no tensor for block 0 and takes missing layers as zero, so a file holds one layer.
"""

from pathlib import Path

import gguf
import numpy as np

from phoque.errors import PhoqueError
from phoque.steering.vectors import SteeringVector

ARCHITECTURE = "controlvector"


def write_gguf(vector: SteeringVector, path: Path, *, model_type: str) -> None:
    """Write the raw vector, to be used with the scales of the page.

    `model_type` is the model's architecture, such as `llama`; PhoqueError where the vector is for
    layer 0, which llama.cpp cannot steer.
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
    writer.add_tensor(f"direction.{vector.layer}", np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
