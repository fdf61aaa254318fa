"""Is what fell hedging, politeness or uncertainty? Latents that fell beside unmoved ones that fire as often.

The words are in `hedging.yaml`. Two measures of a latent: which share of its firings is on such words, and
which share of the tokens that it promotes are such words. A test changes the two of a pair at random.

Shapes: T = tokens, F = latents, S = sets of words, V = vocabulary, P = pairs, C = the two of a pair, M = measures.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from phoque.run.sae_latents import Feature
from phoque.run.sae_reading import FallenWords, WordTest
from phoque.settings import read_lists
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.contexts import LensReader
from phoque.stages.sae.metrics import CHUNK
from phoque.stages.sae.naming import HeldWords, word_text
from phoque.stats.multiple import holm
from phoque.stats.resampling import Array, middle_95, resampled_means, sign_flip_p

WORDS = Path(__file__).parent / "hedging.yaml"
SETS = ("hedges", "politeness", "uncertainty")
ALL = "any of them"
FEWEST_FIRINGS = 5
"""In the held-out texts; a share of fewer says nothing."""
MOST_APART = 1.5
"""Largest ratio of the firing rates of a pair."""
FEWEST_PAIRS = 6
"""With fewer no permutation test can reach 5 %."""
PROMOTED = 20


@cache
def word_sets() -> Mapping[str, tuple[str, ...]]:
    """The named sets, and all words together."""
    data = read_lists(WORDS, SETS)
    sets = {name: tuple(data[name]) for name in SETS}
    return {**sets, ALL: tuple(dict.fromkeys(word for own in sets.values() for word in own))}


def firings(sae: SparseAutoencoder, rows_TD: Tensor, members_TS: Array) -> tuple[Array, Array]:
    """Total_F over the held-out tokens and on_FS of them on words of each set; in chunks."""
    total_F = torch.zeros(sae.d_sae)
    on_FS = torch.zeros(sae.d_sae, members_TS.shape[1])
    members = torch.from_numpy(members_TS).float()
    for rows, own in zip(rows_TD.split(CHUNK), members.split(CHUNK), strict=True):
        fires_TF = (sae.encode(rows) > 0).float()
        total_F += fires_TF.sum(0)
        on_FS += fires_TF.T @ own
    return total_F.numpy(), on_FS.numpy()


def fallen_words(
    features: Iterable[Feature],
    sae: SparseAutoencoder,
    rows_TD: Tensor,
    held: HeldWords,
    lens: LensReader,
) -> FallenWords:
    """Both measures of every pair, all sets."""
    sets, known = word_sets(), [*features]
    members_TS = np.stack([held.member_T(words) for words in sets.values()], 1)
    total_F, on_FS = firings(sae, rows_TD, members_TS)
    fallen = [one.latent for one in known if one.moved and one.effect < 0]
    unmoved = [one.latent for one in known if not one.moved]
    pairs_PC = pairs_of(total_F, fallen, unmoved)
    rates = total_F[pairs_PC] / len(rows_TD)
    on_FS /= np.maximum(total_F, 1)[:, None]
    return FallenWords(
        sets={name: len(words) for name, words in sets.items()},
        occurrences=dict(zip(sets, members_TS.sum(0).tolist(), strict=True)),
        tokens=len(rows_TD),
        fallen=len(fallen),
        pairs=len(pairs_PC),
        rate_fallen=float(rates[:, 0].mean()) if len(pairs_PC) else 0.0,
        rate_unmoved=float(rates[:, 1].mean()) if len(pairs_PC) else 0.0,
        tests=_tests(on_FS, pairs_PC, sae, lens) if len(pairs_PC) >= FEWEST_PAIRS else (),
    )


def pairs_of(total_F: Array, fallen: Sequence[int], unmoved: Sequence[int]) -> Array:
    """Pairs_PC of latents: to each that fell the unmoved one nearest in firings, none twice."""
    left = np.array([one for one in unmoved if total_F[one] >= FEWEST_FIRINGS], int)
    pairs = []
    for one in sorted(fallen, key=lambda latent: -total_F[latent]):
        if total_F[one] < FEWEST_FIRINGS or not len(left):
            continue
        apart = np.abs(np.log(total_F[left] / total_F[one]))
        nearest = int(apart.argmin())
        if apart[nearest] <= np.log(MOST_APART):
            pairs.append((one, int(left[nearest])))
            left = np.delete(left, nearest)
    return np.array(pairs, int).reshape(-1, 2)


def _tests(
    on_FS: Array, pairs_PC: Array, sae: SparseAutoencoder, lens: LensReader
) -> tuple[WordTest, ...]:
    sets = word_sets()
    shares_PCS = {"fires on": on_FS[pairs_PC], "promotes": _promoted(pairs_PC, sae, lens)}
    both_PCM = np.concatenate([*shares_PCS.values()], axis=2)
    difference_PM = both_PCM[:, 0] - both_PCM[:, 1]
    low_M, high_M = middle_95(resampled_means(difference_PM))
    p_M = sign_flip_p(difference_PM)
    names = [(words, by) for by in shares_PCS for words in sets]
    means_CM = both_PCM.mean(0)
    return tuple(
        WordTest(
            words=words,
            by=by,
            fallen=float(means_CM[0, place]),
            unmoved=float(means_CM[1, place]),
            difference=float(difference_PM[:, place].mean()),
            low=float(low_M[place]),
            high=float(high_M[place]),
            p=float(p_M[place]),
            p_holm=adjusted,
        )
        for place, ((words, by), adjusted) in enumerate(zip(names, holm(p_M.tolist()), strict=True))
    )


def _promoted(pairs_PC: Array, sae: SparseAutoencoder, lens: LensReader) -> Array:
    """Shares_PCS of the tokens that each latent promotes."""
    vocabulary = [word_text(token) for token in lens.vocabulary()]
    sets = [{*words} for words in word_sets().values()]
    members_VS = np.array([[word in own for own in sets] for word in vocabulary])
    directions_FD = sae.decoder_FD[torch.from_numpy(pairs_PC.ravel())]
    promoted_FK = lens.promoted(directions_FD, PROMOTED).numpy()
    shares: Array = members_VS[promoted_FK].mean(1).reshape(*pairs_PC.shape, len(sets))
    return shares
