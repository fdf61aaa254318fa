"""Starting a Job from the page: the owner alone, with a token of one's own, from private storage.

The real client asks a Hub on this machine; logging in is a cookie here, as no Space is at hand.
"""

import html
import logging
import socket
from types import SimpleNamespace

import gradio as gr
import gradio.routes
import pytest

from phoque.config import SpaceLogin
from phoque.errors import PhoqueError
from phoque.pipeline.choice import ALONE
from phoque.ui.demo import build_demo, launch_options
from phoque.ui.tabs import planning as page_of
from phoque.ui.tabs.planning import Steps
from phoque.ui.training import planning
from phoque.ui.training.launching import Launcher, Visitor
from tests.jobs_double import Hub, running
from tests.ui import training_files
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

OWN = "hf_oauth_of-the.owner"
HERE = "https://me-phoque.hf.space"
SPACE = SpaceLogin(owner="me", hosts=("me-phoque.hf.space",))
ASKED = ("mine", "lab", "jobs", "a10g-large", 4, 3)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub that knows the owner's token only; the Space has another one."""
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_space")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with running(Hub(store=tmp_path / "store", token=OWN)) as hub:
        yield hub


@pytest.fixture
def launcher(hub):
    return Launcher(space=SPACE, endpoint=hub.address)


def visitor(**changes):
    return Visitor(**{"name": "me", "token": OWN, "origin": HERE} | changes)


WISH = planning.wish_of(*ASKED)


def test_the_owner_starts_a_job_with_a_token_of_ones_own(launcher, hub, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        state = launcher.start(WISH, visitor())
    asked = hub.jobs[state.id]
    assert (asked["owner"], asked["flavor"], asked["attempts"]) == ("me", "a10g-large", 3)
    assert f"--only {' '.join(ALONE)}" in asked["command"][2]
    assert "moderation" not in ALONE
    assert not asked.get("secrets")
    assert hub.buckets == {"me/phoque-space-runs": True}
    said = caplog.text + "".join(capfd.readouterr()) + repr(visitor()) + str(asked)
    assert OWN not in said


@pytest.mark.parametrize(
    ("who", "says"),
    [
        (None, "The owner of this Space, me, can"),
        (visitor(name="you"), "You are logged in as you. Only me"),
        (visitor(name="Me"), "You are logged in as Me. Only me"),
        (visitor(origin="https://evil.example"), "did not come from the page"),
        (visitor(origin="null"), "did not come from the page"),
        (visitor(origin=""), "did not come from the page"),
        (visitor(origin=None), "did not come from the page"),
    ],
)
def test_nobody_else_is_let_through_on_the_server(launcher, hub, who, says):
    for step in (launcher.plan, launcher.start):
        with pytest.raises(PhoqueError, match=says):
            step(WISH, who)
    assert (hub.asked, hub.jobs) == ([], {})


def test_a_token_of_another_account_sends_nothing(hub):
    ann = Launcher(space=SpaceLogin(owner="ann", hosts=SPACE.hosts), endpoint=hub.address)
    with pytest.raises(PhoqueError, match="not ann's"):
        ann.start(WISH, visitor(name="ann"))
    assert hub.asked == ["GET /api/whoami-v2"]


def test_a_bucket_of_the_command_line_is_left_alone(launcher, hub):
    hub.buckets["me/phoque-runs"] = True
    launcher.start(WISH, visitor())
    assert set(hub.content) == {"me/phoque-space-runs"}
    assert not any("me/phoque-runs" in asked for asked in hub.asked)


def test_public_storage_is_refused(launcher, hub):
    hub.buckets["me/phoque-space-runs"] = False
    with pytest.raises(PhoqueError, match=r"is public.*Nothing was sent"):
        launcher.start(WISH, visitor())
    assert (hub.content, hub.jobs) == ({}, {})


# What the buttons do. Gradio gives them the profile and the token of the session.


@pytest.fixture
def steps(launcher):
    return Steps(launcher, tuple(range(6)))


def logged_in(name="me"):
    profile = gr.OAuthProfile(
        {"name": name, "preferred_username": name, "profile": "", "picture": ""}
    )
    request = SimpleNamespace(headers={"origin": HERE})
    return profile, gr.OAuthToken(token=OWN, scope="", expires_at=0), request


def test_a_plan_comes_first_with_its_highest_cost(steps, hub):
    text, confirm, wish = steps.plan(dict(enumerate(ASKED)), *logged_in())
    assert "at most $18.00" in html.unescape(text)
    assert "private bucket me/phoque-space-runs" in text
    assert (confirm.visible, wish) == (True, WISH)
    assert hub.asked == []


def test_without_a_plan_nothing_is_started(steps, hub):
    text, *_ = steps.start(None, *logged_in())
    assert "Show the plan first" in text
    assert hub.asked == []


def test_a_started_job_has_its_id_link_and_state(steps, hub):
    text, shown, confirm, kept = steps.start(WISH, *logged_in())
    # A plan that was used says no longer that nothing was started.
    assert (shown, kept, confirm.visible) == ("", None, False)
    assert "Job job0: SCHEDULING" in text
    assert 'href="http' in text
    assert "phoque jobs fetch job0" in text


def test_another_visitor_is_told_so_by_every_button(steps, hub):
    you = logged_in("you")
    assert steps.greet(you[0])[1].visible is False
    assert steps.greet(None)[1].visible is False
    assert steps.greet(logged_in()[0])[1].visible is True
    asked = dict(enumerate(ASKED))
    said = [steps.plan(asked, *you)[0], steps.start(WISH, *you)[0]]
    assert all("You are logged in as you" in text for text in said)
    assert steps.plan(asked, *you)[2] is None
    # A token that came with the request instead of a login is no login.
    assert "can start" in steps.start(WISH, None, *you[1:])[0]
    assert hub.asked == []


@pytest.mark.parametrize("changes", [("", *ASKED[1:]), (*ASKED[:2], "local", *ASKED[3:])])
def test_a_wish_that_cannot_be_says_so(steps, changes):
    text, confirm, wish = steps.plan(dict(enumerate(changes)), *logged_in())
    assert 'role="alert"' in text
    assert (confirm.visible, wish) == (False, None)


@pytest.mark.parametrize("on", ["whoami", "/batch", "POST /api/jobs/me", "xet-write-token"])
def test_an_answer_that_repeats_the_token_is_not_shown(steps, hub, on):
    hub.fails = lambda method, path: 400 if on in f"{method} {path}" else None
    hub.error = f"bad token {OWN}"
    text = html.unescape(steps.start(WISH, *logged_in())[0])
    assert "400" in text
    assert OWN not in text
    assert hub.jobs == {}


# A real page, in a browser: logged in by cookie.


class Session:
    """What the login of a Space puts into a request, from a cookie that names the account."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        cookies = dict(scope.get("headers") or []).get(b"cookie", b"").decode()
        name = next((c[4:] for c in cookies.split("; ") if c.startswith("who=")), None)
        user = {"name": name, "preferred_username": name, "profile": "", "picture": ""}
        info = {"userinfo": user, "access_token": OWN, "scope": "jobs", "expires_at": 2**40}
        await self.app(scope | {"session": {"oauth_info": info} if name else {}}, receive, send)


@pytest.fixture
def url(hub, monkeypatch, tmp_path):
    """The page of a Space on this machine."""
    training_files.in_a_space(monkeypatch)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    monkeypatch.setenv("SPACE_HOST", f"127.0.0.1:{port}")
    monkeypatch.setattr(page_of, "find_spec", lambda name: name)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr(gradio.routes, "attach_oauth", lambda app: app.add_middleware(Session))
    demo = build_demo(FakeServices(run=training_files.write_run(tmp_path / "small")))
    # In a Space the page asks the Hub's servers for the frame around it; here there is none.
    demo.space_id = None
    monkeypatch.delenv("SYSTEM")
    _, address, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        server_name="127.0.0.1",
        server_port=port,
        **launch_options(),
    )
    yield address
    demo.close()


def opened(page, open_tab):
    open_tab(page, "How it learned", drawer="a run of my own")
    page.get_by_label("Hugging Face Job").check()
    return page.locator("#ph-training-plan")


@pytest.mark.browser
@GRADIO_WARNINGS
@pytest.mark.parametrize("page", [{"width": 390, "login": "me"}], indirect=True)
def test_the_owner_plans_and_confirms_by_keyboard(page, open_tab, hub):
    from tests.ui.chatting import expect

    plan = opened(page, open_tab)
    expect(page.locator("#ph-login")).to_have_text("Log out me")
    confirm = plan.get_by_role("button", name="Start this Job")
    expect(confirm).to_be_hidden()
    plan.get_by_role("button", name="Show the plan").press("Enter")
    expect(plan.locator(".ph-plan")).to_contain_text("at most $18.00")
    assert hub.jobs == {}
    plan.get_by_label("Name of the run").fill("other")
    expect(confirm).to_be_hidden()
    plan.get_by_role("button", name="Show the plan").press("Enter")
    expect(plan.locator(".ph-plan")).to_contain_text("folder other/run")
    confirm.press("Enter")
    expect(plan).to_contain_text("Job job0: SCHEDULING")
    expect(plan.locator(".ph-plan")).to_have_count(0)
    assert hub.jobs["job0"]["labels"]["name"] == "phoque-other"
    expect(confirm).to_be_hidden()
    assert OWN not in page.content()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.browser
@GRADIO_WARNINGS
@pytest.mark.parametrize(
    ("page", "name"), [({"login": "you"}, "you"), ({}, None)], indirect=["page"]
)
def test_nobody_else_sees_a_button(page, open_tab, hub, name):
    from tests.ui.chatting import expect

    plan = opened(page, open_tab)
    expect(plan).to_contain_text("You are logged in as you" if name else "after logging in")
    expect(plan.get_by_role("button", name="Show the plan")).to_be_hidden()
    expect(plan.locator(".ph-command")).to_contain_text("--target jobs")
    assert hub.asked == []
