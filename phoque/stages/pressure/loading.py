"""The moderators of all policies, each loaded once; nothing is asked, and nothing leaves, before all is checked."""

from collections.abc import Mapping
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier
from phoque.moderators.decided import Decided
from phoque.moderators.disk import DiskCache, remembering
from phoque.moderators.endpoint import service
from phoque.moderators.endpoint.description import read_description
from phoque.moderators.endpoint.service import Service
from phoque.moderators.registry import EMBEDDED, SERVICES, embedded, load_classifier
from phoque.run.pressure import Calls
from phoque.stages.pressure.deciding import Decider, Moderator
from phoque.stages.pressure.policy import Policy, Source

CONTEXT = "reads no earlier messages"
Loaded = dict[tuple[str, tuple[str, ...]], Moderator]
"""Moderators by their names and by which of their labels are harm."""


def deciders(
    policies: Mapping[str, tuple[Policy, Path]],
    *,
    allow_network: bool = False,
    loaded: Loaded | None = None,
) -> list[Decider]:
    """One decider a policy; policies share the moderators they have in common.

    `policies` are by name, each with its file; moderators that are loaded are added to `loaded`.

    Raises:
        PhoqueError: a moderator cannot be loaded, lacks a variable, would send texts out although
            the network is not allowed, or a policy gives context to moderators that read none.
    """
    loaded = {} if loaded is None else loaded
    found = []
    for policy, path in policies.values():
        own = [
            moderator(one, path.parent, loaded, allow_network=allow_network)
            for one in policy.moderators
        ]
        names = [one.name for one in own]
        if len(set(names)) < len(names):
            raise PhoqueError(f"{path}: a moderator stands twice in moderators. Leave one out.")
        if policy.context and not any(one.classifier.info.takes_context for one in own):
            raise PhoqueError(
                f"{path}: context is {policy.context}, but {', '.join(names)} {CONTEXT}. Set it to 0."
            )
        found.append(Decider(policy, own))
    return found


def moderator(
    source: Source, beside: Path, loaded: Loaded, *, allow_network: bool = False
) -> Moderator:
    """A moderator of a policy that lies `beside` its files, now `loaded`; errors as `deciders`."""
    called = source.called if source.use else str(beside / source.called)
    key = (called, source.harm_labels)
    if key not in loaded:
        classifier = _classifier(source, beside, allow_network=allow_network)
        loaded[key] = Moderator(classifier.info.id, classifier, may_send_text=allow_network)
    return loaded[key]


def _classifier(source: Source, beside: Path, *, allow_network: bool) -> Classifier:
    if source.decisions:
        return Decided(beside / source.decisions)
    if source.use in EMBEDDED:
        return embedded(source.use)
    if source.use and source.use not in SERVICES:
        return remembering(load_classifier(source.use, harm_labels=source.harm_labels))
    description = read_description(source.endpoint or SERVICES[source.called], beside)
    found = service.load(description, DiskCache())
    if found.info.sends_text_out and not allow_network:
        raise PhoqueError(
            f"{found.info.id} is on another machine, and every text would be sent there. "
            "Allow that with --allow-network, or choose another moderator."
        )
    return found


def calls_of(decider: Decider) -> dict[str, Calls]:
    """What the services of a policy were asked so far, by moderator."""
    found = {}
    for one in decider.moderators:
        if isinstance(one.classifier, Service):
            counts = one.classifier.counts
            seen = {name: counts.seen[name] for name in Calls.model_fields if name != "cost"}
            found[one.name] = Calls(cost=counts.cost, **seen)
    return found


def cost_per_message(decider: Decider) -> float:
    """What it costs to have one message decided, if nothing is known from before."""
    services = [one.classifier for one in decider.moderators]
    return sum(one.cost_per_text for one in services if isinstance(one, Service))
