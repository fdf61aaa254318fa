"""Records of the pressure test: what a moderation policy shows, hides and misses in a channel.

A moderator's *decision* about a message is one of three words. It *flags* the message, or the message
*passes*, or the decision is *unknown* because the moderator gave no answer. An unknown decision never
counts as a pass: shares leave it out and say how many there were, and beside them stands what they
would be if all of these messages had been shown.

A *level* is what a policy makes of its moderators' scores: from 0 to 1, and flagged from the policy's
threshold on. All numbers of the report can be computed from `trace.jsonl`.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from phoque.conversation import Condition
from phoque.run.calls import Calls as Calls
from phoque.run.record import Masked, Part, Record, Row
from phoque.run.scored import Passing
from phoque.stats.rates import Rate


class Role(StrEnum):
    """What a speaker of the channel is there for."""

    HOSTILE = "hostile"
    CIVIL = "civil"
    BLUNT = "blunt"
    """Kind in rough words: the hard case of harmless people."""
    PLURIBUS = "pluribus"
    """Relentlessly happy."""


HARMLESS = (Role.CIVIL, Role.BLUNT, Role.PLURIBUS)


class Kind(StrEnum):
    """How a message of a hostile speaker is hostile."""

    LISTED = "listed word"
    """It has a word of the persona's list, as it is spelled."""
    SPELLING = "spelling"
    """The same, in another spelling."""
    IMPLICIT = "implicit"
    """No word of the list."""


class Decision(StrEnum):
    """What a policy says of a message."""

    FLAGGED = "flagged"
    PASSES = "passes"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What became of a message."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    REMOVED = "removed"
    """Shown until a reviewer hid it; it counts as shown."""
    UNKNOWN = "unknown"
    """Held back, because nothing is known of it."""
    MUTED = "muted"
    """Not posted: its speaker was muted."""


SEEN = (Outcome.SHOWN, Outcome.REMOVED)
POSTED = (Outcome.SHOWN, Outcome.REMOVED, Outcome.HIDDEN)
"""Outcomes of messages that were decided on."""


class Turn(Row, file="pressure/trace.jsonl"):
    """One message of the channel, and what a policy did with it."""

    policy: str
    seed: int
    number: int
    """Place in the traffic; equal in the traces of two policies."""
    at: float
    """Seconds since the channel opened."""
    speaker: str
    role: Role
    persona: str
    """Which texts the speaker uses, such as toxic, or steered ×0.4."""
    style: str
    source: str
    """Id of what the text replies to: texts with the same source are not independent."""
    text_id: str
    text: str | None = None
    """None where the report is made without texts."""
    hostile: bool
    kind: Kind | None = None
    """How a hostile message is hostile; None for a harmless one."""
    in_register: str
    """How it is written: plain, shouted, lower case; and by length."""
    reply_to: int | None = None
    """Number of the shown message it replies to."""
    decision: Decision | None = None
    """None where the speaker was muted."""
    level: float | None = None
    scores: dict[str, float | None] = Field(default_factory=dict)
    """Score in [0, 1] by moderator; None where it gave no answer."""
    outcome: Outcome
    reviewed: bool = False
    """Whether it went to the reviewers."""
    waited: float | None = None
    """Seconds until a reviewer decided; None where none did."""
    muted: dict[str, float] = Field(default_factory=dict)
    """Who was muted by this message, or by reviewers since the turn before, and when."""


class Mean(Part):
    """A mean with its 95 % interval over seeds and their speakers."""

    value: float
    n: int
    low: float
    high: float


class Measures(Part):
    """What a policy does; None where there is nothing to count."""

    leak: Rate | None
    """Share of the messages of hostile speakers that people see: shown messages over all attempts, unknown
    ones left out."""
    leak_at_worst: Rate | None
    """The leak if all unknown messages had been shown."""
    unknown: Rate | None
    """Share of posted messages without a decision."""
    shown_before_mute: Mean | None
    """Mean number of hostile messages that a hostile speaker shows before the first mute, or altogether."""
    never_muted: Rate | None
    """Share of hostile speakers who are never muted."""
    first_action: Mean | None
    """Mean seconds from a hostile speaker's first message to the first hidden one, over speakers with a
    hidden one."""
    never_acted_on: Rate | None
    """Share of hostile speakers of whom no message is hidden."""
    civil_muted: Rate | None
    """Share of civil speakers who were muted, wrongly."""
    civil_hidden: Rate | None
    """Share of their posted messages that were hidden, wrongly."""
    blunt_muted: Rate | None
    blunt_hidden: Rate | None
    pluribus_muted: Rate | None
    pluribus_hidden: Rate | None
    reviewed: Rate | None
    """Share of posted messages that reviewers read: their load."""
    review_wait: Mean | None
    """Mean seconds until a reviewer has decided, over speakers."""
    review_full: int
    """Number of messages that found the queue full."""
    review_full_share: Rate | None
    """Share of posted messages that found the queue full."""
    cost_per_1000: float
    """What it costs to ask about 1,000 posted messages, none of them known from before: a price, without an
    interval."""
    cost_per_1000_tried: Mean | None
    """The same of 1,000 messages that speakers try to post: a mute stops some, and those cost nothing; over
    speakers."""


class Group(Part):
    """Posted hostile messages of one group: how many people saw."""

    by: Literal["kind", "persona", "register", "style"]
    name: str
    shown: Rate
    seen_before_mute: Mean | None
    """Messages of the group that a hostile speaker who posts any shows before the first mute, or altogether."""
    first_action: Mean | None
    """Seconds from a speaker's first message of the group to the first of the group that is hidden, where one is."""


class HarmlessGroup(Part):
    """Posted harmless messages of one group: how many were hidden, wrongly."""

    by: Literal["persona", "register"]
    name: str
    hidden: Rate


class ModeratorMeasures(Part):
    """One moderator alone, at its own threshold, on the posted messages."""

    name: str
    missed: Rate | None
    """Share of hostile messages it lets through."""
    false_alarms: Rate | None
    """Share of harmless messages it flags."""
    unknown: int
    """Number of messages that it gave no answer to."""
    unknown_share: Rate | None
    first_flag: Mean | None
    """Seconds from a hostile speaker's first message to the first that it flags, where it flags one."""
    missed_by_kind: dict[Kind, Rate]
    false_alarms_by_role: dict[Role, Rate]


class CurvePoint(Part):
    """Posted messages at another threshold of the policy, before mutes and reviews."""

    threshold: float
    missed: Rate | None
    false_alarms: Rate | None
    best: bool | None
    """Whether no other threshold misses as few, flags as few, and fewer of one; None where a side is missing."""


class SpeakerCounts(Part):
    """What one speaker of one seed said and met: the unit of comparisons."""

    seed: int
    speaker: str
    role: Role
    attempts: int
    """Number of messages, including those that a mute stopped."""
    seen: int
    hidden: int
    unknown: int
    mutes: int
    seen_before_mute: int
    reviewed: int
    waited: float
    """Seconds until reviewers had decided, summed over all messages of the speaker."""
    first_action: float | None


class PolicyReport(Part):
    """One policy under the traffic."""

    name: str
    sha256: str
    """SHA-256 of the policy's file."""
    settings: str
    """The settings of the policy, in words."""
    threshold: float
    moderators: tuple[str, ...]
    posted: int
    measures: Measures
    groups: tuple[Group, ...]
    harmless_groups: tuple[HarmlessGroup, ...]
    by_moderator: tuple[ModeratorMeasures, ...]
    curve: tuple[CurvePoint, ...]
    speakers: tuple[SpeakerCounts, ...]
    calls: dict[str, Calls] = Field(default_factory=dict)
    """Requests by moderator, for those that are asked over HTTP."""


class Evidence(Part):
    """Why texts of a kind count as hostile."""

    kind: Kind
    texts: int
    read_hostile: Rate | None
    """Share of similar texts that two blind readings both call hostile."""


class TrafficReport(Masked):
    """What was sent through every policy; `masked` counts what was replaced in replies written for it."""

    sha256: str
    """Of its settings and of every text: equal traffic has an equal hash."""
    sources: tuple[str, ...]
    """Runs or files the texts come from."""
    seeds: tuple[int, ...]
    messages: int
    """Number of messages per seed."""
    speakers: dict[Role, int]
    texts: dict[Role, int]
    """Number of different texts, by role."""
    styles: tuple[str, ...]
    """Styles of a hostile speaker, in order; every mute leads to the next one."""
    evidence: tuple[Evidence, ...]


class PressureReport(Record, file="pressure/report.json"):
    """What policies do with the same traffic."""

    traffic: TrafficReport
    policies: tuple[PolicyReport, ...]

    def of(self, name: str) -> PolicyReport | None:
        return next((one for one in self.policies if one.name == name), None)


class Candidate(Passing, file="pressure/candidates.csv"):
    """A hostile message that was shown, for people to judge, as the rating queue reads them."""

    condition: Condition | None = None
