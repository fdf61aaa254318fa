"""The part of the training tab that plans a run, and starts it as a Job for a Space's owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import gradio as gr

from phoque.config import space_login
from phoque.errors import PhoqueError
from phoque.pipeline.plan import Wish, flavors
from phoque.ui import components
from phoque.ui.events import PRIVATE, QUICK
from phoque.ui.results import drawer
from phoque.ui.training import launching, planning
from phoque.ui.training.launching import Launcher, Visitor

ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "launch", "concurrency_limit": 1, **PRIVATE}
"""A second click waits, and then finds no plan any more."""
NARROW: dict[str, Any] = {"scale": 0, "min_width": 260}
TARGETS = [("Here, on this machine", "local"), ("Hugging Face Job", planning.JOBS)]
NO_LOGIN = (
    "You cannot start it here, because this page is not a Space with a login. Copy the command and run it where "
    "you are logged in to the Hub."
)
NO_LIBRARY = (
    "You cannot start it here, because the libraries for logging in are missing. Install them with: "
    "pip install 'gradio[oauth]'"
)
FOR_OWNER = (
    "Logging in is for the owner of this Space only: it asks for the right to start Jobs and to make "
    "private storage on the account. Nobody else needs to log in."
)
WELCOME = (
    "You are logged in as {owner}, whose Space this is. A Job starts with your own token, on your "
    "own account, which also pays for it."
)
LOGIN_LIBRARIES = ("authlib", "itsdangerous")
"""What Gradio's login imports; without one of them the whole page would not open."""


def draw_planning() -> None:
    """Choices, command and cost; then the way to start it, or why there is none."""
    with drawer("How do I make a run of my own?", "ph-training-plan"):
        hint = "Choose, read the highest possible cost, and copy the command."
        gr.HTML(components.live_html(hint))
        with gr.Row():
            name = gr.Textbox("mine", label="Name of the run", max_lines=1, min_width=180)
            model = gr.Dropdown(planning.MODELS, value="lab", label="Model", min_width=180)
            target = gr.Radio(TARGETS, value="local", label="Where")
        with gr.Row(visible=False) as job:
            flavor = gr.Dropdown(flavors(), value=planning.DEFAULT_FLAVOR, label="Machine")
            hours = gr.Slider(0.5, 24, 4, step=0.5, label="Time limit, hours")
            attempts = gr.Slider(1, 10, 3, step=1, label="Attempts")
        inputs: list[Any] = [name, model, target, flavor, hours, attempts]
        found = gr.HTML(planning.planned_html(*(one.value for one in inputs)))
        _draw_launch(inputs)
    target.change(lambda where: gr.Row(visible=where == planning.JOBS), target, job, **QUICK)
    for one in inputs:
        one.change(planning.planned_html, inputs, found, trigger_mode="always_last", **QUICK)


def _draw_launch(inputs: list[Any]) -> None:
    space = space_login()
    if space is None or not all(map(find_spec, LOGIN_LIBRARIES)):
        why = NO_LIBRARY if space else NO_LOGIN
        gr.HTML(f'<p class="ph-hint ph-no-launch">{why}</p>')
        return
    steps = Steps(Launcher(space=space), inputs)
    gr.HTML(f'<p class="ph-hint">{FOR_OWNER}</p>')
    with gr.Row():
        gr.LoginButton(
            "Log in with Hugging Face", "Log out {}", size="md", elem_id="ph-login", **NARROW
        )
    who = gr.HTML()
    with gr.Column(visible=False) as owners:
        _draw_steps(steps)
    gr.on(None, steps.greet, None, [who, owners], **QUICK)


def _draw_steps(steps: "Steps") -> None:
    """Plan, then confirm. What is started is the plan that was shown, kept on the server."""
    kept = gr.State(None)
    with gr.Row():
        plan = gr.Button("Show the plan", **NARROW)
    shown = gr.HTML()
    with gr.Row():
        confirm = gr.Button(
            "Start this Job and pay for it", variant="primary", visible=False, **NARROW
        )
    started = gr.HTML()
    # A set: they come as one argument.
    plan.click(steps.plan, set(steps.inputs), [shown, confirm, kept], **ONE_AT_A_TIME)
    confirm.click(steps.start, kept, [started, shown, confirm, kept], **ONE_AT_A_TIME)
    for one in steps.inputs:
        one.change(steps.forget, None, [shown, confirm, kept], **QUICK)


@dataclass(frozen=True)
class Steps:
    """What the buttons do; Gradio adds who is logged in by the types of the arguments."""

    launcher: Launcher
    inputs: Sequence[Any]
    """Components with what is wished, in the order of `planning.wish_of`."""

    def greet(self, profile: gr.OAuthProfile | None) -> tuple[str, gr.Column]:
        """Who may start a Job, and the way to it for the owner."""
        owner = self.launcher.space.owner
        name = profile.username if profile else None
        greeting = launching.NOBODY if name is None else launching.STRANGER
        text = (WELCOME if name == owner else greeting).format(name=name, owner=owner)
        return components.status_html(text), gr.Column(visible=name == owner)

    def plan(
        self,
        asked: Mapping[Any, Any],
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        request: gr.Request,
    ) -> tuple[str, gr.Button, Wish | None]:
        """The plan with its highest cost; only then there is a button that starts it."""
        visitor = _visitor(profile, token, request)
        try:
            wish = planning.wish_of(*(asked[one] for one in self.inputs))
            text = launching.plan_html(self.launcher.plan(wish, visitor))
        except PhoqueError as error:
            return launching.refused_html(error, visitor), gr.Button(visible=False), None
        return text, gr.Button(visible=True), wish

    def start(
        self,
        wish: Wish | None,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        request: gr.Request,
    ) -> tuple[str, str, gr.Button, None]:
        """Start what was planned, once: the next one needs a plan of its own."""
        visitor = _visitor(profile, token, request)
        try:
            if wish is None:
                raise PhoqueError("There is no plan to start. Show the plan first.")
            text = launching.job_html(self.launcher.start(wish, visitor))
        except PhoqueError as error:
            text = launching.refused_html(error, visitor)
        return text, *self.forget()

    def forget(self) -> tuple[str, gr.Button, None]:
        """A plan of other choices is none."""
        return "", gr.Button(visible=False), None


def _visitor(
    profile: gr.OAuthProfile | None, token: gr.OAuthToken | None, request: gr.Request
) -> Visitor | None:
    if profile is None or token is None:
        return None
    origin = request.headers.get("origin")
    return Visitor(name=profile.username, token=token.token, origin=origin)
