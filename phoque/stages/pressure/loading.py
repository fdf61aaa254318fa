"""The moderators of all policies, each loaded once; nothing is asked, and nothing leaves, before all is checked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier
from phoque.moderators.decided import Decided
from phoque.moderators.disk import DiskCache
from phoque.moderators.endpoint import service
from phoque.moderators.endpoint.description import read_description
from phoque.moderators.endpoint.line import Desk
from phoque.moderators.endpoint.service import Service
from phoque.moderators.registry import (
    EMBEDDED,
    SERVICES,
    check_harm_labels,
    embedded,
    load_classifier,
)
from phoque.run.pressure import Calls
from phoque.stages.pressure.deciding import Decider, Moderator, Remote
from phoque.stages.pressure.policy import Policy, Source

CONTEXT = "reads no earlier messages"
Loaded = dict[tuple[str, tuple[str, ...]], Moderator]
"""Moderators by their names and by which of their labels are harm."""
UNCOUNTED = {"cost", "kept_from", "kept_to", "reason"}
"""Fields of `Calls` that are no counts."""


@dataclass(frozen=True, kw_only=True)
class Leave:
    """What services may be asked."""

    network: bool = False
    """Whether texts may leave this machine."""
    ask_again: bool = False
    """Whether they are asked about everything, also where an answer is kept."""
    dry: bool = False
    """Whether nothing will be asked, so that nothing leaves in any case."""


NONE = Leave()


def deciders(
    policies: Mapping[str, tuple[Policy, Path]],
    *,
    leave: Leave = NONE,
    loaded: Loaded | None = None,
) -> list[Decider]:
    """One decider a policy; policies share the moderators they have in common.

    `policies` are by name, each with its file; moderators that are loaded are added to `loaded`.

    Raises:
        PhoqueError: a moderator cannot be loaded, lacks a variable, would send texts out although
            the network is not allowed, or a policy gives context to moderators that read none.
    """
    loaded = {} if loaded is None else loaded
    found, desk = [], Desk()
    for policy, path in policies.values():
        own = [
            moderator(one, path.parent, loaded, leave=leave, desk=desk) for one in policy.moderators
        ]
        names = [one.name for one in own]
        _check_different(own, path)
        if policy.context and not any(one.classifier.info.takes_context for one in own):
            raise PhoqueError(
                f"{path}: context is {policy.context}, but {', '.join(names)} {CONTEXT}. Set it to 0."
            )
        found.append(Decider(_with_thresholds(policy, own), own))
    return found


def _with_thresholds(policy: Policy, own: Sequence[Moderator]) -> Policy:
    """The policy with thresholds of services' descriptions, where it has none of its own for them."""

    def told(source: Source, one: Moderator) -> Source:
        described = one.classifier.description.threshold if isinstance(one, Remote) else None
        if described is None or "threshold" in source.model_fields_set:
            return source
        return source.model_copy(update={"threshold": described})

    sources = tuple(map(told, policy.moderators, own))
    return policy.model_copy(update={"moderators": sources})


def _check_different(own: Sequence[Moderator], path: Path) -> None:
    """PhoqueError where one would count twice, by its name or because it answers the same under another."""
    for place, one in enumerate(own):
        for other in own[:place]:
            if one.name == other.name:
                told = f"the moderator {one.name} stands twice in moderators"
            elif one.classifier.digest == other.classifier.digest:
                told = (
                    f"{other.name} and {one.name} are the same moderator, which would count twice"
                )
            else:
                continue
            raise PhoqueError(f"{path}: {told}. Leave one out.")


def moderator(
    source: Source, beside: Path, loaded: Loaded, *, leave: Leave = NONE, desk: Desk | None = None
) -> Moderator:
    """A moderator of a policy that lies `beside` its files, now `loaded`; errors as `deciders`.

    Services are asked from a `desk`, which those of one command have in common.
    """
    called = (
        source.called if source.use and not _folder(source, beside) else str(beside / source.called)
    )
    key = (called, source.harm_labels)
    if key not in loaded:
        classifier = _classifier(source, beside, leave)
        name = classifier.info.id
        loaded[key] = (
            Remote(name, classifier, desk or Desk())
            if isinstance(classifier, Service)
            else Moderator(name, classifier, may_send_text=leave.network)
        )
    return loaded[key]


def _folder(source: Source, beside: Path) -> Path | None:
    """The folder of a classifier that lies beside the policy; PhoqueError where a path leads nowhere."""
    if not source.use or source.use in {*EMBEDDED, *SERVICES}:
        return None
    if (folder := beside / Path(source.use).expanduser()).is_dir():
        return folder
    if source.use.startswith((".", "/", "~")):
        raise PhoqueError(f"There is no folder {folder}, which a policy uses as a moderator.")
    return None


def _classifier(source: Source, beside: Path, leave: Leave) -> Classifier:
    if source.use and not _folder(source, beside):
        check_harm_labels([source.use], source.harm_labels)
    if source.decisions:
        return Decided(beside / source.decisions)
    if source.use in EMBEDDED:
        return embedded(source.use)
    if source.use and source.use not in SERVICES:
        name = str(_folder(source, beside) or source.use)
        labels = source.harm_labels
        return load_classifier(name, harm_labels=labels, called=source.use, keep=True)
    description = read_description(source.endpoint or SERVICES[source.called], beside)
    found = service.load(description, DiskCache(), ask_again=leave.ask_again)
    if found.info.sends_text_out and not (leave.network or leave.dry):
        raise PhoqueError(
            f"{found.info.id} is on another machine, and every text would be sent there. "
            "Allow that with --allow-network, or choose another moderator."
        )
    return found


@contextmanager
def asking(found: Sequence[Decider]) -> Iterator[None]:
    """While services may be asked; in the end they are asked no more, and what was sent is waited for."""
    try:
        yield
    finally:
        for one in {service for decider in found for service in decider.remote}:
            one.line.close()


def calls_of(decider: Decider, *, quote: bool = True) -> dict[str, Calls]:
    """What the services of a policy were asked so far, by moderator.

    Without `quote` the reason of a failure is its status alone: a service may repeat a part of a text.
    """
    found = {}
    for one in decider.moderators:
        if isinstance(one.classifier, Service):
            counts = one.classifier.counts
            seen = {name: counts.seen[name] for name in {*Calls.model_fields} - UNCOUNTED}
            first, last = map(_time, counts.kept or (0.0, 0.0))
            reason = counts.reason if quote else counts.reason.partition(":")[0]
            found[one.name] = Calls(
                cost=counts.cost, kept_from=first, kept_to=last, reason=reason, **seen
            )
    return found


def _time(seconds: float) -> str:
    """For people, to the minute; empty where nobody noted it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if seconds else ""


def cost_per_message(decider: Decider) -> float:
    """What it costs to have one message decided, if nothing is known from before."""
    services = [one.classifier for one in decider.moderators]
    return sum(one.cost_per_text for one in services if isinstance(one, Service))
