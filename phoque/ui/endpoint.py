"""The page's public face for programs."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

import gradio as gr

from phoque.conversation import DEFAULT_SAMPLING, MAIN_CONDITIONS, Condition, LabInfo, collected
from phoque.errors import PhoqueError
from phoque.ui.services import Ask, Services
from phoque.ui.state import DEFAULT_SEED, LONGEST_REPLY

POLL_SECONDS = 0.5
WITH_RANDOM = (Condition.NEUTRAL, Condition.TOXIC, Condition.RANDOM_VECTOR)


def compare_endpoint(services: Services) -> Callable[..., dict[str, Any]]:
    """The function behind `/compare`; its docstring is shown to its users."""

    def compare(  # noqa: PLR0913  # the public face: every argument is one thing a person sets
        prompt: str,
        scale: float | None = None,
        layer: int | None = None,
        seed: int | None = DEFAULT_SEED,
        max_new_tokens: int | None = None,
        temperature: float | None = DEFAULT_SAMPLING.temperature,
        control: Literal["random"] | None = None,
    ) -> dict[str, Any]:
        """The same prompt under three conditions: neutral, toxic, and neutral plus the vector.

        Args:
            prompt: what the user says.
            scale: multiple of the persona vector; none is the selected dose, 0 is off.
            layer: decoder block that gets the vector, from 0; none is the selected layer.
            seed: of the sampling, the same for every condition.
            max_new_tokens: longest reply, at most 200; none is as long as the run's replies are.
            temperature: 0 is greedy.
            control: "random" adds a random vector of the same norm in place of the persona vector.
        """
        ask = Ask(
            prompt=prompt,
            conditions=WITH_RANDOM if control == "random" else MAIN_CONDITIONS,
            layer=services.info.layer if layer is None else layer,
            scale=_selected_scale(services.info, layer) if scale is None else scale,
            # Null is left out, as in the chat API.
            seed=DEFAULT_SEED if seed is None else seed,
            temperature=DEFAULT_SAMPLING.temperature if temperature is None else temperature,
            max_new_tokens=min(
                services.info.reply_tokens if max_new_tokens is None else max_new_tokens,
                LONGEST_REPLY,
            ),
        )
        try:
            return _answered(services, ask)
        except PhoqueError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return compare


def _answered(services: Services, ask: Ask) -> dict[str, Any]:
    while not services.wait(POLL_SECONDS).settled:
        pass
    responses = collected(services.stream(ask))
    sent = {key: value for key, value in asdict(ask).items() if key not in ("histories", "visitor")}
    return {
        "model": services.info.model,
        "run": services.info.run,
        **sent,
        "responses": {condition.value: asdict(reply) for condition, reply in responses.items()},
    }


def _selected_scale(info: LabInfo, layer: int | None) -> float | None:
    """The selected relative dose as a scale of `layer`; none where the library must complain."""
    if layer is None or layer == info.layer:
        return info.scale
    if not 0 <= layer < info.num_layers:
        return None
    return info.scale * info.dose_per_scale[info.layer] / info.dose_per_scale[layer]
