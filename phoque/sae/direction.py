"""A latent's direction as a steering vector."""

from phoque.errors import PhoqueError
from phoque.evidence.runs import RunDirectory
from phoque.files import read_json
from phoque.sae.autoencoder import CONFIG, SparseAutoencoder
from phoque.steering.vectors import SteeringVector


def latent_vector(run: RunDirectory, latent: int) -> SteeringVector:
    """Decoder direction of a run's latent; at scale 1 as long as the median residual stream.

    Raises:
        PhoqueError: the run has no dictionary, or the dictionary has no such latent.
    """
    folder = run.path / "sae"
    if not (folder / CONFIG).is_file():
        raise PhoqueError(
            f"The run {run.path.name} has no dictionary yet. "
            f"Train one with: python -m training sae --run {run.path.name}"
        )
    sae = SparseAutoencoder.load(folder)
    if not 0 <= latent < sae.d_sae:
        raise PhoqueError(f"Latent {latent} does not exist: there are 0 to {sae.d_sae - 1}.")
    facts = read_json(folder / CONFIG)["metadata"]
    layer = int(facts["hf_hook_name"].rsplit(".", 1)[1])
    return SteeringVector(layer, sae.decoder_FD[latent] * facts["median_norm"])
