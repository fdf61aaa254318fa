"""Nothing goes to a public repository: the real client against a Hub on this machine."""

import pytest

from phoque.errors import PhoqueError
from phoque.hub.storage import Repository
from tests.hub_double import Hub, running


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic" / "attacks.jsonl").write_text('{"text": "You clown."}\n')
    (tmp_path / "synthetic" / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A set\n")
    return tmp_path / "synthetic"


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")


def push_private(folder, name, kind, endpoint):
    return Repository(name=name, kind=kind, endpoint=endpoint).send(folder, "")


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_new_repository_is_made_private_and_filled(folder, kind):
    with running(Hub()) as hub:
        address = push_private(folder, "me/attacks", kind, endpoint=hub.address)
    assert hub.private == {"me/attacks": True}
    assert sorted(hub.sent["me/attacks"]) == ["README.md", "attacks.jsonl"]
    assert "/commit/" in address


def test_a_private_repository_is_filled_again(folder):
    with running(Hub(private={"me/attacks": True})) as hub:
        push_private(folder, "me/attacks", "dataset", endpoint=hub.address)
    assert hub.sent["me/attacks"]


def test_a_public_repository_is_refused(folder):
    with (
        running(Hub(private={"me/attacks": False})) as hub,
        pytest.raises(PhoqueError, match=r"is public.*Nothing was sent"),
    ):
        push_private(folder, "me/attacks", "dataset", endpoint=hub.address)
    assert hub.sent == {}


def test_a_hub_that_makes_it_public_all_the_same_gets_nothing(folder):
    with running(Hub(makes_public=True)) as hub, pytest.raises(PhoqueError, match="is public"):
        push_private(folder, "me/attacks", "dataset", endpoint=hub.address)
    assert hub.sent == {}


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses_is_an_error_a_person_can_read(folder, status):
    with (
        running(Hub(private={"me/attacks": True}, fails_with=status)) as hub,
        pytest.raises(PhoqueError),
    ):
        push_private(folder, "me/attacks", "dataset", endpoint=hub.address)
    assert hub.sent == {}


def test_no_network_and_bad_names_say_so(folder):
    with pytest.raises(PhoqueError, match="repository me/attacks cannot be used"):
        push_private(folder, "me/attacks", "dataset", endpoint="http://127.0.0.1:9")
    with pytest.raises(PhoqueError, match=r"repository a b cannot be used.*OWNER/NAME"):
        push_private(folder, "a b", "dataset", endpoint="http://127.0.0.1:9")
