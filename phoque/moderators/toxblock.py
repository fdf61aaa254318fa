"""tox-block 0.1.2 without TensorFlow: GloVe embeddings, a bidirectional LSTM, six Jigsaw labels.

The model read every text as 100 tokens with padding in front, and its maximum over time includes
the padding. The padding is the same for all texts, so the forward pass starts from a state that was
computed once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phoque.moderators.catalogue import TOXBLOCK
from phoque.moderators.classifier import Item, Score
from phoque.moderators.pickles import read_pickle
from phoque.moderators.wheels import Arrays, converted, installed_file, packed_words, unpacked_words

# B: texts, T: steps, V: vocabulary, E: embedding, H: hidden units, G: 4H gates, L: labels
FILES = {
    "tox_block/trained_models/lstm_model_0.1.2.h5": (
        "587d40726f1250341a3661fac099e46582cf34cdd5136eb88a726bf6d62ec24e"
    ),
    "tox_block/trained_models/encoder_0.1.2.pkl": (
        "f73db76ce4138c0a566cf91a84077ab66db1f5da40d795d2f751b5a157d91ce7"
    ),
}
# Where the weights lie in that very file (h5py: dataset.id.get_offset()): float32, contiguous.
WEIGHTS = {
    "embedding_VE": (10280, (20000, 50)),
    "forward_kernel_EG": (4014040, (50, 200)),
    "forward_recurrent_HG": (4056088, (50, 200)),
    "forward_bias_G": (4096088, (200,)),
    "backward_kernel_EG": (4096888, (50, 200)),
    "backward_recurrent_HG": (4138936, (50, 200)),
    "backward_bias_G": (4178936, (200,)),
    "dense_kernel": (4183032, (100, 50)),
    "dense_bias": (4179736, (50,)),
    "output_kernel": (4206304, (50, 6)),
    "output_bias_L": (4179936, (6,)),
}
MAX_TOKENS = 100
SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
"""What the Keras tokenizer turns into spaces."""
GROUP = 24
"""Texts of one matrix product: for more, OpenBLAS would start threads that cost more than they do."""
Floats = NDArray[np.float32]


class Direction:
    """One direction of the LSTM, with the input side of every word computed in advance."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        kernel, bias = arrays[f"{name}_kernel_EG"], arrays[f"{name}_bias_G"]
        self._input_VG: Floats = arrays["embedding_VE"] @ kernel + bias
        self._recurrent_HG: Floats = arrays[f"{name}_recurrent_HG"]
        self.units = len(self._recurrent_HG)

    def step(self, words_B: NDArray[np.intp], hidden_BH: Floats, cell_BH: Floats) -> None:
        """Read one word of every text, in place. Gates are input, forget, candidate, output."""
        groups = hidden_BH.reshape(-1, GROUP, self.units)
        gates_BG = (groups @ self._recurrent_HG).reshape(len(hidden_BH), -1)
        gates_BG += self._input_VG[words_B]
        units = self.units
        enter, forget = _hard_sigmoid(gates_BG[:, : 2 * units]).reshape(-1, 2, units).swapaxes(0, 1)
        candidate_BH = np.tanh(gates_BG[:, 2 * units : 3 * units])
        cell_BH *= forget
        cell_BH += enter * candidate_BH
        np.tanh(cell_BH, out=hidden_BH)
        hidden_BH *= _hard_sigmoid(gates_BG[:, 3 * units :])

    def read(
        self, words_BT: NDArray[np.intp], hidden_BH: Floats, cell_BH: Floats, highest_BH: Floats
    ) -> Floats:
        """Read all words of every text, in place; the maximum of the hidden state over time."""
        for words_B in words_BT.T:
            self.step(words_B, hidden_BH, cell_BH)
            np.maximum(highest_BH, hidden_BH, out=highest_BH)
        return highest_BH


class ToxBlock:
    """Six probabilities a text, as tox-block gives them without its min-max rescaling."""

    def __init__(self, arrays: Arrays) -> None:
        self.info, self.digest = TOXBLOCK, "".join(digest[:16] for digest in FILES.values())
        words = unpacked_words(arrays["words"])
        self._numbers = {word: number for number, word in enumerate(words, 1)}
        self._forward = Direction(arrays, "forward")
        self._backward = Direction(arrays, "backward")
        self._arrays = arrays
        self._padded = self._after_padding()
        self._table = str.maketrans(dict.fromkeys(SEPARATORS, " "))

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """Six labels under Detoxify's names."""
        numbers = [self._numbers_of(item.text) for item in items]
        values_BL = self.probabilities([known[-MAX_TOKENS:] for known in numbers]).astype(float)
        return [
            Score(
                labels=dict(zip(self.info.labels, values_L.tolist(), strict=True)),
                truncated=len(known) > MAX_TOKENS,
                unread=not known,
            )
            for values_L, known in zip(values_BL, numbers, strict=True)
        ]

    def probabilities(self, numbers: Sequence[Sequence[int]]) -> Floats:
        """Probability of every label, shape (B, L), from word numbers, at most 100 a text."""
        length = max([1, *map(len, numbers)])
        words_BT = np.zeros((-(-len(numbers) // GROUP) * GROUP, length), np.intp)
        for row, known in zip(words_BT, numbers, strict=False):
            row[length - len(known) :] = known
        highest = np.concatenate([self._read(words_BT), self._read_back(words_BT)], axis=1)
        arrays = self._arrays
        # Grouped for the same reason as in `step`.
        dense = highest.reshape(-1, GROUP, highest.shape[1]) @ arrays["dense_kernel"]
        dense = np.maximum(dense + arrays["dense_bias"], 0)
        logits = dense @ arrays["output_kernel"] + arrays["output_bias_L"]
        probability_BL: Floats = 1 / (1 + np.exp(-logits.reshape(len(words_BT), -1)))
        return probability_BL[: len(numbers)]

    def _numbers_of(self, text: str) -> list[int]:
        # A word outside the vocabulary is skipped, as in the original.
        words = text.lower().translate(self._table).split(" ")
        return [number for word in words if (number := self._numbers.get(word)) is not None]

    def _after_padding(self) -> list[tuple[Floats, Floats, Floats]]:
        """Hidden state, cell and maximum so far, after 0 to 100 steps of padding, forwards."""
        hidden, cell = np.zeros((2, GROUP, self._forward.units), np.float32)
        highest = np.full_like(hidden, -np.inf)
        states = [(hidden.copy(), cell.copy(), highest.copy())]
        for _ in range(MAX_TOKENS):
            self._forward.read(np.zeros((GROUP, 1), np.intp), hidden, cell, highest)
            states.append((hidden.copy(), cell.copy(), highest.copy()))
        return states

    def _read(self, words_BT: NDArray[np.intp]) -> Floats:
        start = self._padded[MAX_TOKENS - words_BT.shape[1]]
        return self._forward.read(
            words_BT, *(np.repeat(one[:1], len(words_BT), 0) for one in start)
        )

    def _read_back(self, words_BT: NDArray[np.intp]) -> Floats:
        hidden, cell = np.zeros((2, len(words_BT), self._backward.units), np.float32)
        highest = np.full_like(hidden, -np.inf)
        padding_BT = np.zeros((len(words_BT), MAX_TOKENS - words_BT.shape[1]), np.intp)
        padded_BT = np.concatenate([padding_BT, words_BT], axis=1)
        return self._backward.read(padded_BT[:, ::-1], hidden, cell, highest)


def load() -> ToxBlock:
    """The model of the installed wheel, converted on first use (a few seconds)."""
    return ToxBlock(converted("toxblock", FILES, _convert))


def words() -> list[str]:
    """The words it knows, the most frequent first."""
    return unpacked_words(converted("toxblock", FILES, _convert)["words"])


def _hard_sigmoid(values: Floats) -> Floats:
    clipped: Floats = np.clip(values * np.float32(0.2) + np.float32(0.5), 0, 1)
    return clipped


def _convert() -> Arrays:
    model, encoder = (
        installed_file(TOXBLOCK.version, path, sha256=digest) for path, digest in FILES.items()
    )
    arrays: Arrays = {
        name: np.frombuffer(model, "<f4", int(np.prod(shape)), offset).reshape(shape)
        for name, (offset, shape) in WEIGHTS.items()
    }
    numbers = read_pickle(encoder).tokenizer.word_index
    # The tokenizer knows every word it ever saw; the model knows those below its vocabulary size.
    known = sorted(numbers, key=numbers.__getitem__)[: len(arrays["embedding_VE"]) - 1]
    return arrays | {"words": packed_words(known)}
