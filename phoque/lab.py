"""The lab: a persona model and its vectors answer one prompt under several conditions."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from operator import index
from typing import Literal

from phoque.conversation import (
    MAIN_CONDITIONS,
    Comparison,
    Condition,
    Delta,
    LabInfo,
    Message,
    Messages,
    Sampling,
    TokenStrength,
    checked,
    collected,
    conditions_of,
    sampling_of,
    turns_of,
)
from phoque.errors import PhoqueError, check_kind, listed, number, whole
from phoque.models.columns import Decoding, Request, alternating, steps
from phoque.models.engine import Row, decode
from phoque.models.load import LanguageModel, load_model
from phoque.personas import Persona
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.info import lab_info
from phoque.run.psm import Selection
from phoque.steering.vectors import PersonaVectors, Running, SteeringVector, at_once, strengths

LARGEST_SEED = 2**63
Control = Literal["random"]
Histories = Mapping[Condition, Messages]
RANDOM_SEED = 1000
"""Added to the request's seed for the random vector, so that it differs from the sampling's."""


class Lab:
    """An open run. Make one with `open_lab`; safe to use from several threads."""

    def __init__(
        self,
        *,
        run: RunDirectory,
        model: LanguageModel,
        base_name: str,
        vectors: PersonaVectors,
        persona: Persona,
    ) -> None:
        self.run = run
        self.model = model
        self.vectors = vectors
        self.persona = persona
        self.selection = Reader(run).read(Selection).choice
        self._base_name = base_name
        self._base_lock = threading.Lock()

    @property
    def base(self) -> LanguageModel:
        """The model without the adapter, loaded on first use."""
        with self._base_lock:
            return self._base

    @cached_property
    def _base(self) -> LanguageModel:
        dtype = next(self.model.model.parameters()).dtype
        base = load_model(self._base_name, device=str(self.model.device), dtype=dtype)
        return replace(base, layout=self.model.layout)

    @cached_property
    def info(self) -> LabInfo:
        """Facts for a page, as plain data."""
        layers = range(self.model.num_layers)
        return replace(
            lab_info(self.run),
            model=self.model.name,
            dose_per_scale=tuple(self.vectors.relative_dose(layer, 1.0) for layer in layers),
            context_length=self.model.context_length,
            decodes_with=self.model.decodes_with,
        )

    def warm_up(self) -> None:
        """Do the work of a first request before a person waits for it."""
        self.compare("Hello.", max_new_tokens=2)

    def compare(  # noqa: PLR0913  # the public face: every keyword is one thing a person sets
        self,
        prompt: str,
        *,
        layer: int | None = None,
        scale: float | None = None,
        control: Control | None = None,
        seed: int = 42,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        repetition_penalty: float | None = None,
        deadline_seconds: float | None = None,
        conditions: Sequence[Condition] = MAIN_CONDITIONS,
        histories: Histories | None = None,
    ) -> Comparison:
        """Answer a prompt under several conditions, paired by seed.

        `control="random"` replaces the persona vector by a random vector of the same norm. The other
        keywords are those of `stream`. The same arguments on the same machine give the same text.

        Raises:
            PhoqueError: see `stream`.
        """
        if control not in (None, "random"):
            raise PhoqueError(f'The control {control!r} does not exist; there is "random".')
        if control:
            swap = {Condition.STEERED: Condition.RANDOM_VECTOR}
            conditions = [swap.get(c, c) for c in conditions_of(conditions)]
            histories = {swap.get(c, c): turns for c, turns in turns_of(histories).items()}
        most = self.info.reply_tokens if max_new_tokens is None else max_new_tokens
        sampling = sampling_of(temperature, top_p, repetition_penalty, most, deadline_seconds)
        request = self.request(prompt, conditions, layer, scale, seed, sampling, histories)
        return Comparison(
            prompt=prompt,
            layer=request.layer,
            scale=request.scale,
            relative_dose=self.vectors.relative_dose(request.layer, request.scale),
            seed=index(seed),
            sampling=request.sampling,
            responses=collected(self._deltas(request, partial(decode, owner=""))),
        )

    def stream(  # noqa: PLR0913  # the same face as `compare`
        self,
        prompt: str,
        *,
        layer: int | None = None,
        scale: float | None = None,
        seed: int = 42,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        repetition_penalty: float | None = None,
        deadline_seconds: float | None = None,
        conditions: Sequence[Condition] = MAIN_CONDITIONS,
        histories: Histories | None = None,
        vector: SteeringVector | None = None,
        owner: str | None = "",
        decoding: Decoding = decode,
    ) -> Iterator[Delta]:
        """Like `compare`, but yields pieces of text while they are written.

        Args:
            prompt: what the user says.
            layer: where the vector is added; None for the selected layer.
            scale: multiple of the raw vector; None for the selected scale, 0 for no vector.
            seed: of the sampling, the same for every condition.
            max_new_tokens: longest reply; None is as long as the run's replies are.
            temperature: None is that of `DEFAULT_SAMPLING`; 0 is greedy.
            top_p: share of probability that tokens are drawn from; None is the default.
            repetition_penalty: makes tokens that were read or written less likely; 1 is off, None
                is the default, off where decoding is greedy.
            deadline_seconds: ends all replies after this time.
            conditions: the columns to compute.
            histories: earlier turns of each condition, user and assistant.
            vector: steer with this vector at its own layer; `layer` is then ignored.
            owner: keeps what was read for this owner's next request, or until `forget`. It saves
                time and changes no text. None keeps nothing.
            decoding: continues the rows; a server passes the one that serves all visitors.

        Raises:
            PhoqueError: the prompt is empty or too long, the layer does not exist, the scale is
                not a finite number, or a sampling setting makes no sense.
        """
        check_kind("The owner is", owner, str | None, "a text, or None")
        most = self.info.reply_tokens if max_new_tokens is None else max_new_tokens
        sampling = sampling_of(temperature, top_p, repetition_penalty, most, deadline_seconds)
        return self._deltas(
            self.request(prompt, conditions, layer, scale, seed, sampling, histories, vector),
            partial(decoding, owner=owner),
        )

    def strengths(
        self,
        prompt: str,
        replies: Sequence[str],
        *,
        layer: int | None = None,
        running: Running = at_once,
    ) -> list[list[TokenStrength]]:
        """How far each token of some replies lies along the persona vector, to one and the same reader.

        The reader is the base model under the neutral system prompt, with nothing added to it. It reads
        the prompt and then a reply, each reply by itself, so replies of all conditions compare.

        Args:
            prompt: the message that was answered.
            replies: texts, whoever wrote them.
            layer: at which block's output; None for the selected layer.
            running: calls what reads one reply; a server passes its worker's line.

        Returns:
            For each reply its tokens, as the reader splits it, in order: the text, and the state's
            projection on the vector once the token was read, in lengths of the vector. So 1 is what
            scale 1 adds. Zero has no meaning of its own: compare replies.

        Raises:
            PhoqueError: the layer does not exist, prompt and reply do not fit the context, or the
                replies are no list of texts.
        """
        check_kind("The prompt is", prompt, str, "a text")
        replies = listed("replies is", replies, str, "a list of texts: [reply]")
        vector = self.vectors[self.selection.layer if layer is None else layer]
        messages, reader = self._messages(Condition.BASE, prompt, {}), self.base
        read = [partial(strengths, reader, messages, reply, vector) for reply in replies]
        return [running(one) for one in read]

    def forget(self, owner: str = "") -> None:
        """Drop what was kept for an owner."""
        self.model.memory.forget(owner)
        if "_base" in vars(self):
            self._base.memory.forget(owner)

    def request(  # noqa: PLR0913  # the faces' keywords, checked in one place
        self,
        prompt: str,
        conditions: Sequence[Condition],
        layer: int | None,
        scale: float | None,
        seed: int,
        sampling: Sampling,
        histories: Histories | None,
        vector: SteeringVector | None = None,
    ) -> Request:
        """The rows of a request, for other decoders; arguments and errors are those of `stream`."""
        check_kind("The prompt is", prompt, str, "a text")
        if not prompt.strip():
            raise PhoqueError("The prompt is empty. Type a message first.")
        seed = whole("The seed is", seed, "a whole number from 0 to 2**63 - 1", range(LARGEST_SEED))
        check_kind("The vector is", vector, SteeringVector | None, "one such as lab.vectors[3]")
        layer = layer if vector is None else vector.layer
        layer = self.selection.layer if layer is None else layer
        scale = self._default_scale(layer) if scale is None else scale
        scale = number("The scale is", scale, "a finite number, 0 to switch it off")
        sampling = checked(sampling)
        vector = self.vectors[layer] if vector is None else vector
        earlier = turns_of(histories)
        vectors = {
            Condition.STEERED: vector,
            Condition.RANDOM_VECTOR: vector.random_like(seed + RANDOM_SEED),
        }
        rows = {
            condition: Row(
                messages=self._messages(condition, prompt, earlier),
                seed=seed,
                # At scale 0 the row equals the neutral row and adds no zeros.
                interventions=(vectors[condition].injection(scale),)
                if condition in vectors and scale
                else (),
            )
            for condition in conditions_of(conditions)
        }
        return Request(layer=index(layer), scale=scale, sampling=sampling, rows=rows)

    def _default_scale(self, layer: int) -> float:
        """The scale of this layer with the selected relative dose."""
        dose = self.vectors.relative_dose(self.selection.layer, self.selection.scale)
        if layer == self.selection.layer:
            return self.selection.scale
        return self.vectors.scale_for(layer, dose)

    def _messages(self, condition: Condition, prompt: str, histories: Histories) -> list[Message]:
        system = Message("system", self.info.system_prompts[condition])
        return [system, *histories.get(condition, ()), Message("user", prompt)]

    def _deltas(self, request: Request, decoding: Decoding) -> Iterator[Delta]:
        start = time.monotonic()
        tuned = [c for c in request.rows if c != Condition.BASE]
        streams = [steps(self.model, tuned, request, decoding)] if tuned else []
        if Condition.BASE in request.rows:
            streams.append(steps(self.base, [Condition.BASE], request, decoding))
        for pieces in alternating(streams):
            for condition, piece in pieces:
                if piece.text or piece.finish_reason:
                    yield Delta(
                        condition=condition,
                        text=piece.text,
                        num_tokens=piece.num_tokens,
                        seconds=time.monotonic() - start,
                        finish_reason=piece.finish_reason,
                    )
