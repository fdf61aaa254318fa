"""Where the page has a login button: in a Space with logins alone; elsewhere it says why not."""

import html

import gradio as gr
import gradio.routes
import pytest

from phoque.config import SpaceLogin, space_login
from phoque.ui.demo import build_demo
from phoque.ui.tabs import planning as page_of
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices
from tests.ui.training_files import VARIABLES, in_a_space


@pytest.fixture
def variables(monkeypatch):
    in_a_space(monkeypatch)


def test_a_space_with_logins_is_known_by_its_variables(variables):
    assert space_login() == SpaceLogin(owner="me", hosts=("me-phoque.hf.space", "phoque.example"))


@pytest.mark.parametrize("name", VARIABLES)
def test_without_any_of_them_there_is_no_login(variables, monkeypatch, name):
    monkeypatch.delenv(name)
    assert space_login() is None


def kinds(demo):
    return {type(block).__name__ for block in demo.blocks.values()}


def texts(demo):
    return " ".join(str(getattr(block, "value", "")) for block in demo.blocks.values())


@GRADIO_WARNINGS
def test_elsewhere_there_is_no_login_button_and_a_sentence_why(monkeypatch):
    monkeypatch.delenv("SYSTEM", raising=False)
    demo = build_demo(FakeServices())
    assert "LoginButton" not in kinds(demo)
    assert "this page is not a Space with a login" in texts(demo)


@GRADIO_WARNINGS
@pytest.mark.parametrize("missing", ["authlib", "itsdangerous"])
def test_where_a_library_is_missing_the_page_still_opens(variables, monkeypatch, missing):
    monkeypatch.setattr(page_of, "find_spec", lambda name: None if name == missing else name)
    demo = build_demo(FakeServices())
    assert "LoginButton" not in kinds(demo)
    assert "pip install 'gradio[oauth]'" in html.unescape(texts(demo))


@GRADIO_WARNINGS
def test_before_the_login_button_it_is_said_whom_it_is_for(variables, monkeypatch):
    monkeypatch.setattr(page_of, "find_spec", lambda name: name)
    monkeypatch.setattr(gradio.routes, "attach_oauth", lambda app: None)
    blocks = list(build_demo(FakeServices()).blocks.values())
    button = next(i for i, one in enumerate(blocks) if isinstance(one, gr.LoginButton))
    before = " ".join(str(getattr(one, "value", "")) for one in blocks[:button])
    assert "for the owner of this Space only: it asks for the right to start Jobs" in before
    assert "Nobody else needs to log in" in before
