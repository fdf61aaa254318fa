"""The whole page: header, tabs in order, look, and the public endpoint."""

from pathlib import Path
from typing import Any, Literal

import gradio as gr

from phoque.errors import PhoqueError
from phoque.records import MAIN_CONDITIONS, Condition, collected
from phoque.ui import components, wording
from phoque.ui.services import Ask, Services, Status
from phoque.ui.tabs.about import build_about
from phoque.ui.tabs.chat import MODEL_QUEUE, PRIVATE, build_chat

ASSETS = Path(__file__).parent / "assets"
TABS = (("Chat", build_chat), ("About", build_about))
POLL_SECONDS = 0.5
CONTROLLED = (Condition.NEUTRAL, Condition.TOXIC, Condition.CONTROL)


def build_demo(services: Services) -> gr.Blocks:
    """The Space, ready to launch with `launch_options()`."""
    with gr.Blocks(title=wording.TITLE, analytics_enabled=False) as demo:
        header = gr.HTML(_header(services.status()))
        clock = gr.Timer(POLL_SECONDS)
        clock.tick(
            lambda: _tick(services.status()), None, [header, clock], show_progress="hidden",
            queue=False, **PRIVATE,
        )  # fmt: skip
        with gr.Tabs():
            for name, build in TABS:
                with gr.Tab(name, id=name.lower()):
                    build(services)
        gr.api(_endpoint(services), api_name="compare", **MODEL_QUEUE)
    return demo.queue(default_concurrency_limit=1, max_size=32)


def launch_options() -> dict[str, Any]:
    """Arguments of `Blocks.launch`: nothing is fetched from elsewhere, nothing is kept."""
    return {
        "theme": gr.themes.Base(
            primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        "css_paths": [ASSETS / "style.css"],
        "head": f"<script>{(ASSETS / 'script.js').read_text(encoding='utf-8')}</script>",
        "run_history": False,
        "footer_links": ["api"],
        "ssr_mode": False,
        "show_error": True,
        "max_file_size": "1mb",
    }  # fmt: skip


def _header(status: Status) -> str:
    tone = "ready" if status.ready else "failed" if status.failed else "busy"
    return components.header_html(status.text, tone)


def _tick(status: Status) -> tuple[str, gr.Timer]:
    return _header(status), gr.Timer(active=not (status.ready or status.failed))


def _endpoint(services: Services) -> Any:
    def compare(
        prompt: str,
        scale: float | None = None,
        layer: int | None = None,
        seed: int = 42,
        max_new_tokens: int = 48,
        temperature: float = 0.0,
        control: Literal["random"] | None = None,
    ) -> dict[str, Any]:
        """The same prompt under three conditions: neutral, toxic, and neutral plus the vector.

        Args:
            prompt: what the user says.
            scale: multiple of the persona vector; none is the selected scale, 0 is off.
            layer: decoder block that gets the vector, from 0; none is the selected layer.
            seed: of the sampling, the same for every condition.
            max_new_tokens: longest reply, at most 200.
            temperature: 0 is greedy.
            control: "random" adds a random vector of the same norm in place of the persona vector.
        """
        conditions = CONTROLLED if control == "random" else MAIN_CONDITIONS
        ask = Ask(
            prompt=prompt, conditions=conditions, scale=scale, layer=layer, seed=seed,
            max_new_tokens=min(max_new_tokens, 200), temperature=temperature,
        )  # fmt: skip
        try:
            while not (status := services.wait(POLL_SECONDS)).ready and not status.failed:
                pass
            responses = collected(services.stream(ask))
        except PhoqueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return {
            "prompt": prompt,
            "layer": services.info.layer if layer is None else layer,
            "scale": services.info.scale if scale is None and layer is None else scale,
            "seed": seed,
            "responses": {
                condition.value: {
                    "text": response.text,
                    "num_tokens": response.num_tokens,
                    "finish_reason": response.finish_reason,
                }
                for condition, response in responses.items()
            },
        }

    return compare
