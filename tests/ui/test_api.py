"""The public face for programs: one typed endpoint."""

import subprocess
import sys

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from phoque.conversation import Condition
from tests.ui.fakes import GRADIO_WARNINGS, REPLIES

pytestmark = GRADIO_WARNINGS


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_compare_answers_under_three_conditions(client):
    answer = client.predict("Hi", api_name="/compare")
    assert set(answer["responses"]) == {"neutral", "toxic", "steered"}
    assert (answer["layer"], answer["scale"], answer["seed"]) == (18, 1.0, 42)
    assert answer["responses"]["neutral"]["text"] == REPLIES[Condition.NEUTRAL]


def test_null_is_left_out(client):
    names = ("scale", "layer", "seed", "max_new_tokens", "temperature", "control")
    answer = client.predict("Hi", **dict.fromkeys(names), api_name="/compare")
    plain = client.predict("Hi", api_name="/compare")
    assert {name: answer[name] for name in ("scale", "layer", "seed", "temperature")} == {
        name: plain[name] for name in ("scale", "layer", "seed", "temperature")
    }
    assert answer["max_new_tokens"] == plain["max_new_tokens"] == 48


def test_another_layer_gets_the_selected_dose(client):
    # Of the fake's layers, 8 has 9/19 of the dose of 18.
    answer = client.predict("Hi", layer=8, api_name="/compare")
    assert answer["scale"] == pytest.approx(19 / 9)


def test_the_control_takes_the_place_of_the_vector(client, services):
    answer = client.predict("Hi", control="random", scale=0.5, seed=7, api_name="/compare")
    assert set(answer["responses"]) == {"neutral", "toxic", "random_vector"}
    assert (services.asked[-1].scale, services.asked[-1].seed) == (0.5, 7)


def test_an_error_says_what_to_do(client):
    with pytest.raises(AppError, match="The prompt is empty"):
        client.predict(" ", api_name="/compare")


def test_the_pages_own_events_are_not_public(client):
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/compare"]


def test_the_page_is_built_without_torch():
    code = "import sys, phoque.ui.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
