"""The routes: `/v1/chat/completions`, `/v1/models`, and `/health`, which needs no token."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from phoque.config import ServingSettings
from phoque.conversation import Condition
from phoque.lab import Lab
from phoque.serving.asked import MODELS, Asked, asked, unknown_model
from phoque.serving.errors import RequestError, broken
from phoque.serving.gate import Gate
from phoque.serving.reply import completion, events
from phoque.serving.schema import parsed
from phoque.serving.worker import Worker

ROUTES = "POST /v1/chat/completions, GET /v1/models, GET /v1/models/NAME, GET /health"
LARGEST_BODY = 64 * 1024
LEFT = 499
"""The status that proxies log for a client that left; nobody reads it."""
LOOK_SECONDS = 0.2


class ChatAPI:
    """The chat API of one lab, which may still be loading."""

    def __init__(
        self,
        lab: Callable[[], Lab],
        settings: ServingSettings,
        worker: Callable[[], Worker] | None = None,
    ) -> None:
        """Check the settings; `lab` raises a `RequestError` while it is loading.

        `worker` may decode for others, too; None starts one, which `close` ends. PhoqueError where there is
        no token, or one that can be guessed.
        """
        self._lab = lab
        self._settings = settings
        self._shared_worker = worker
        self._gate = Gate(settings.tokens, settings.requests_per_minute)

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes, for an application of their own or beside those of another one."""
        api = _application()
        api.post("/chat/completions", response_model=None)(self._complete)
        api.get("/models", response_model=None)(self._models)
        api.get("/models/{name}", response_model=None)(self._model)
        return [Mount("/v1", api), Route("/health", self._health)]

    @property
    def application(self) -> FastAPI:
        """An application with these routes only."""
        alone = _application()
        alone.router.routes += self.routes
        return alone

    def close(self) -> None:
        """End the worker, if one was started."""
        if "_own_worker" in vars(self):
            self._own_worker.close()

    @property
    def _worker(self) -> Worker:
        return self._shared_worker() if self._shared_worker else self._own_worker

    @cached_property
    def _own_worker(self) -> Worker:
        return Worker(most_rows=self._settings.most_rows, most_waiting=self._settings.most_waiting)

    async def _complete(self, request: Request) -> Response:
        self._admit(request)
        body = parsed(await _body(request))
        made = asked(self._lab(), body)
        self._worker.submit(made.job)
        leave = partial(self._worker.leave, made.job)
        if body.stream:
            return _Stream(events(made, include_usage=body.stream_options.include_usage), leave)
        try:
            return await _unless_left(request, made)
        finally:
            leave()

    async def _models(self, request: Request) -> Response:
        self._admit(request)
        data = [_described(self._lab(), name) for name in MODELS]
        return JSONResponse({"object": "list", "data": data})

    async def _model(self, request: Request, name: str) -> Response:
        self._admit(request)
        if name not in MODELS:
            raise unknown_model()
        return JSONResponse(_described(self._lab(), name))

    async def _health(self, _: Request) -> Response:
        try:
            self._lab()
        except RequestError as refusal:
            return refusal.response()
        rows, waiting = self._worker.num_rows, self._worker.num_waiting
        return JSONResponse({"status": "ok", "rows": rows, "waiting": waiting})

    def _admit(self, request: Request) -> None:
        self._gate.admit(request.headers.get("authorization"))


class _Stream(StreamingResponse):
    """Server-sent events; calls `leave` at the end or when the client leaves."""

    def __init__(self, content: AsyncIterator[str], leave: Callable[[], None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(content, media_type="text/event-stream", headers=headers)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def _unless_left(request: Request, made: Asked) -> Response:
    """The whole reply; the work ends early if the client leaves."""
    reply = asyncio.create_task(completion(made))
    try:
        while not (await asyncio.wait({reply}, timeout=LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                return Response(status_code=LEFT)
        return JSONResponse(reply.result(), headers={"cache-control": "no-store"})
    finally:
        reply.cancel()


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise RequestError(
                f"The body is larger than {LARGEST_BODY} bytes. Shorten the conversation.",
                status=413,
                code="request_too_large",
            )
    return bytes(body)


def _described(lab: Lab, name: str) -> dict[str, Any]:
    condition, info = MODELS[name], lab.info
    facts: dict[str, Any] = {
        "run": info.run,
        "weights": info.model,
        "condition": condition.value,
        "system_prompt": info.system_prompts[condition],
    }
    if condition is Condition.STEERED:
        facts |= {
            "layer": info.layer,
            "scale": info.scale,
            "coherent_scale": info.coherent_scale,
            "num_layers": info.num_layers,
        }
    return {
        "id": name,
        "object": "model",
        "created": int(lab.run.selection.stat().st_mtime),
        "owned_by": "what-the-phoque",
        "phoque": facts,
    }


def _application() -> FastAPI:
    """An application that answers every error with OpenAI's error object."""
    made = FastAPI(openapi_url=None, redirect_slashes=False)
    made.add_exception_handler(RequestError, _refused)
    made.add_exception_handler(HTTPException, _not_routed)
    made.add_exception_handler(Exception, _refused)
    return made


async def _refused(_: Request, refusal: Any) -> Response:
    return (refusal if isinstance(refusal, RequestError) else broken()).response()


async def _not_routed(request: Request, error: Any) -> Response:
    headers = error.headers or {}
    said = f"This route takes no {request.method}, only {headers.get('Allow')}."
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        said = f"There is no such route. There are: {ROUTES}."
    response = RequestError(said, status=error.status_code).response()
    response.headers.update(headers)
    return response
