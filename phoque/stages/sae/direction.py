"""A latent's direction as a steering vector."""

from safetensors import safe_open

from phoque.errors import PhoqueError
from phoque.files import read_json
from phoque.run.directory import RunDirectory
from phoque.stages.sae.autoencoder import CONFIG, WEIGHTS
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
            f"Train one with: phoque run sae --run {run.path.name}"
        )
    config = read_json(folder / CONFIG)
    if not 0 <= latent < config["d_sae"]:
        raise PhoqueError(f"Latent {latent} does not exist: there are 0 to {config['d_sae'] - 1}.")
    facts = config["metadata"]
    layer = int(facts["hf_hook_name"].rsplit(".", 1)[1])
    # One row only: the whole of a large dictionary is a gigabyte.
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        direction_D = file.get_slice("W_dec")[latent]
    return SteeringVector(layer, direction_D.float() * facts["median_norm"])
