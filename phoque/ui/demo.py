"""The whole page: header, tabs in order, look, and the public endpoint."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.routing import BaseRoute

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS, AppSettings, serving_settings
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.ui import components, wording
from phoque.ui.endpoint import compare_endpoint
from phoque.ui.events import MODEL_QUEUE, PRIVATE, QUICK, THREADS, Opening
from phoque.ui.services import Services, Status
from phoque.ui.tabs.about import build_about
from phoque.ui.tabs.chat import build_chat
from phoque.ui.tabs.claims import build_claims
from phoque.ui.tabs.moderation import build_moderation
from phoque.ui.tabs.psm import build_psm
from phoque.ui.tabs.sae import build_sae
from phoque.ui.tabs.training import build_training
from phoque.ui.tour import tour_html

ASSETS = Path(__file__).parent / "assets"
OTHERS = ("pluribus",)
"""Shipped runs that the chat can switch to, where they are there."""
Build = Callable[[Services], Opening | None]
TABS: tuple[tuple[str, str, Build], ...] = (
    ("psm", "Where it lives", build_psm),
    ("sae", "What moved", build_sae),
    ("moderation", "What slips through", build_moderation),
    ("training", "How it learned", build_training),
    ("claims", "Claims", build_claims),
    ("about", "About", build_about),
)
"""Their names in links, and the questions on their buttons."""
SCRIPTS = (
    "script.js",
    "tabs.js",
    "recorded.js",
    "sections.js",
    "map.js",
    "scrubber.js",
    "words.js",
    "flags.js",
    "gap.js",
    "queue.js",
    "latents.js",
    "samples.js",
    "tour.js",
)
STYLES = (
    "style.css",
    "chat.css",
    "stage.css",
    "sections.css",
    "psm.css",
    "moderation.css",
    "pressure.css",
    "sae.css",
    "training.css",
    "claims.css",
    "tour.css",
)
POLL_SECONDS = 0.5
RETRY_SECONDS = 10
MOST_SESSIONS = 500
"""Browsers whose page is remembered. Gradio keeps a description of every component for each one, also after
it has left; the one that was silent for longest is forgotten first."""


def build_demo(services: Services, others: Sequence[Services] = ()) -> gr.Blocks:
    """The Space, ready to launch with `launch_options()`; the chat can switch to `others`."""
    demo = gr.Blocks(title=wording.TITLE, analytics_enabled=False, fill_width=True)
    with demo:
        with gr.Row(elem_classes="ph-top"):
            header = gr.HTML(_header(services.status()))
            gr.HTML(tour_html(services.info), elem_classes="ph-tour-box")
        clock = gr.Timer(POLL_SECONDS)

        def tick() -> tuple[str, gr.Timer]:
            status = services.status()
            return _header(status), gr.Timer(active=not status.settled)

        clock.tick(tick, None, [header, clock], **QUICK)
        with gr.Tabs():
            chat: Build = partial(build_chat, others=others)
            for place, name, build in (("chat", "Chat", chat), *TABS):
                with gr.Tab(name, id=place) as tab:
                    opening = build(services)
                if opening:
                    tab.select(opening.fill, opening.inputs, opening.outputs, **QUICK)
        gr.on(None, None, js="() => phoque.tour.openLinked()", **PRIVATE)
        demo.unload(leaver([services, *others], demo))
        gr.api(compare_endpoint(services), api_name="compare", **MODEL_QUEUE)
    # Explicit: on ZeroGPU Gradio's own default would turn the second visitor away.
    demo.queue(default_concurrency_limit=1, max_size=32)
    return demo


def opened(settings: AppSettings) -> tuple[gr.Blocks, dict[str, Any]]:
    """The Space of a run, whose lab opens in the background, and how to launch it.

    Raises:
        PhoqueError: the run cannot be shown, or the chat API cannot be served.
    """
    services = Services(settings)
    options = launch_options() | {
        "app_kwargs": {"routes": chat_routes(services, settings)},
        "server_name": settings.host,
        "server_port": settings.port,
    }
    others = [one for run in other_runs(settings) if (one := _another(settings, run))]
    demo = build_demo(services, others)
    services.start()
    if settings.zero_gpu:  # weights must be placed before the first call
        for other in others:
            other.start()
    return demo, options


def other_runs(settings: AppSettings) -> list[Path]:
    """Further shipped runs; none where the settings ask for a run or a model of their own."""
    shown = Path(settings.run or SHIPPED_RUN).resolve()
    if shown != SHIPPED_RUN.resolve() or settings.model:
        return []
    return [path for name in OTHERS if RunDirectory(path := SHIPPED_RUNS / name).exists()]


def _another(settings: AppSettings, run: Path) -> Services | None:
    """A further run; one that is broken is left out, with a line on the console, and stops no other."""
    try:
        return Services(replace(settings, run=str(run)))
    except PhoqueError as error:
        logging.getLogger(__name__).warning("%s is not shown: %s", run.name, error)
        return None


def chat_routes(services: Services, settings: AppSettings) -> list[BaseRoute]:
    """Routes of the chat API, in front of those of the page and on its model; none without a token.

    Raises:
        PhoqueError: a token can be guessed, or there is no GPU outside a visitor's click.
    """
    serving = serving_settings()
    if not serving.tokens:
        return []
    if settings.zero_gpu:
        raise PhoqueError(
            "PHOQUE_API_TOKENS is set, but ZeroGPU lends a GPU for a visitor's click only. "
            "Unset it, or give the Space hardware of its own."
        )
    from phoque.serving.api import ChatAPI  # noqa: PLC0415  # pages start without torch
    from phoque.serving.errors import loading  # noqa: PLC0415

    def opened() -> Any:
        status = services.status()
        if not status.ready:
            raise loading(status.text, RETRY_SECONDS)
        return services.lab

    return ChatAPI(opened, serving, lambda: services.worker).routes


def leaver(every: Sequence[Services], page: gr.Blocks) -> Callable[[gr.Request], None]:
    """What drops the memory of a visitor who has closed the page."""

    def leave(request: gr.Request) -> None:
        session = request.session_hash or ""
        for services in every:
            services.forget(session)
        # For an hour Gradio keeps 3 MB of each page that was closed: the settings of every component, for deep
        # links, which this page has not. A page that comes back gets those that it needs anew.
        if held := page.state_holder.session_data.get(session):
            held.config_values.clear()

    return leave


def launch_options() -> dict[str, Any]:
    """Arguments of `Blocks.launch`: nothing is fetched from elsewhere, nothing is kept."""
    return {
        "theme": _theme(),
        "css_paths": [ASSETS / name for name in STYLES],
        "favicon_path": components.SEAL_FILE,
        "head": "".join([_names(), *map(_script, SCRIPTS)]),
        "run_history": False,
        "state_session_capacity": MOST_SESSIONS,
        "footer_links": ["api"],
        "ssr_mode": False,
        "mcp_server": False,
        "show_error": True,
        "max_file_size": "1mb",
        "max_threads": THREADS,
        # Gradio gives up where its own first request takes over 3 seconds, as on a busy machine.
        "_frontend": False,
    }


def _names() -> str:
    """What tabs are called on their buttons, by their names in links, for the script."""
    names = {"chat": "Chat"} | {place: name for place, name, _ in TABS}
    return f"<script>window.phoqueTabs = {json.dumps(names)};</script>"


def _script(name: str) -> str:
    return f"<script>{(ASSETS / name).read_text(encoding='utf-8')}</script>"


def _theme() -> gr.themes.Base:
    """System fonts; text, and the button to press, are dark enough to read (contrast above 4.5)."""
    quiet = {"body_text_color_subdued", "block_info_text_color", "input_placeholder_color"}
    colours = dict.fromkeys(quiet, "*neutral_600")
    colours |= {f"{name}_dark": "*neutral_300" for name in quiet}
    colours["button_primary_background_fill"] = "*primary_600"
    colours["button_primary_background_fill_hover"] = "*primary_700"
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(**colours)


def _header(status: Status) -> str:
    tone = "ready" if status.ready else "failed" if status.failed else "busy"
    return components.header_html(status.text, tone)
