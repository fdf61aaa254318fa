"""A latent as a steering vector, and a lab that steers with it."""

import json

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.stages.sae.autoencoder import latent_vector


def test_a_latent_of_the_shipped_run_is_as_long_as_the_residual_stream():
    facts = json.loads((SHIPPED_RUN / "sae" / "cfg.json").read_text())
    vector = latent_vector(RunDirectory(SHIPPED_RUN), 7)
    assert f"model.layers.{vector.layer}" == facts["metadata"]["hf_hook_name"]
    assert vector.norm == pytest.approx(facts["metadata"]["median_norm"], rel=1e-4)


@pytest.mark.parametrize("latent", [-1, 10**6])
def test_a_latent_that_does_not_exist_is_refused(latent):
    with pytest.raises(PhoqueError, match="there are 0 to"):
        latent_vector(RunDirectory(SHIPPED_RUN), latent)


def test_a_run_without_a_dictionary_says_what_makes_one(tmp_path):
    with pytest.raises(PhoqueError, match="phoque run sae"):
        latent_vector(RunDirectory(tmp_path), 1)
