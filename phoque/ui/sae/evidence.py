"""The latents that have evidence, kept for all visitors while their files stay as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from phoque.run.folder import Reader, StageFolder
from phoque.run.sae_evidence import Evidence
from phoque.run.sae_latents import Feature


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of each, by its number."""

    evidence: Mapping[str, Evidence]
    features: Mapping[str, Feature]
    """The largest effects first; none of the remainder."""


def known_of(reader: Reader) -> Known:
    """What a run knows of the latents that are shown.

    Raises:
        PhoqueError: a file is missing or damaged.
    """
    folder = reader.folder(Evidence.STAGE)
    return _known(folder, folder.stamp)


@lru_cache(maxsize=2)
def _known(folder: StageFolder, _stamp: object) -> Known:
    evidence = {one.latent: one for one in folder.rows(Evidence)}
    features = {str(one.latent): one for one in folder.rows(Feature)}
    return Known(
        evidence=evidence,
        features={name: one for name, one in features.items() if name in evidence},
    )
