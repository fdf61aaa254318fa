"""A moderation policy as a person writes it: moderators, threshold, strikes, mutes and reviewers."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from phoque.errors import PhoqueError
from phoque.run.record import Part
from phoque.settings import read_shipped

SHIPPED = Path(__file__).parent / "policies"
DEFAULT = ("words", "meaning")
"""The policies that are tested where nobody names one."""
Combine = Literal["any", "all", "weighted"]


class Source(Part):
    """One moderator of a policy: exactly one of the first three fields says which."""

    use: str | None = None
    """A moderator of ours, a text classifier of the Hub, or a folder."""
    endpoint: str | None = None
    """A service over HTTP: a description that ships with the project, or a YAML file."""
    decisions: str | None = None
    """Decisions that were made elsewhere: CSV or JSON Lines of text and verdict."""
    harm_labels: tuple[str, ...] = ()
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Its own: from this score on it flags; where none is written, that of a service's description counts."""
    weight: float = Field(default=1.0, gt=0)
    """Where moderators are weighted."""

    @model_validator(mode="after")
    def _one(self) -> "Source":
        told = [name for name in ("use", "endpoint", "decisions") if getattr(self, name)]
        if len(told) != 1:
            seen = " and ".join(told) or "none of them"
            raise ValueError(f"give one of use, endpoint and decisions; found {seen}.")
        if self.harm_labels and not self.use:
            raise ValueError(f"harm_labels would do nothing beside {told[0]}; leave them out.")
        return self

    @property
    def called(self) -> str:
        """What it is called until it is loaded."""
        return str(self.use or self.endpoint or self.decisions)


class Strikes(Part):
    count: int = Field(ge=1)
    within: float = Field(gt=0)
    """Seconds; older ones do not count."""


class Review(Part):
    """People who look at doubtful messages, which stay visible until then."""

    from_: float = Field(alias="from", ge=0, le=1)
    """Messages from this level up to the threshold are doubtful."""
    capacity_per_hour: float = Field(gt=0)
    delay: float = Field(default=0, ge=0)
    """Seconds until a message has reached the reviewers."""
    longest_queue: int = Field(default=100, ge=1)
    """A message that finds so many waiting is not reviewed."""


class Policy(Part):
    """What decides about every message, and what follows."""

    name: str = Field(min_length=1, pattern=r"^[\w .+-]+$")
    moderators: tuple[Source, ...] = Field(min_length=1)
    combine: Combine = "any"
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Level from which the policy flags a message; scores are rescaled so that a moderator's own threshold is
    0.5."""
    canonical: bool = True
    """Whether moderators read texts with their spelling tricks undone."""
    context: int = Field(default=0, ge=0, le=20)
    """Earlier posted messages of the thread that moderators get, if they read any."""
    strikes: Strikes = Strikes(count=3, within=600)
    mute: float = Field(default=300, ge=0)
    """Seconds; with 0 nobody is ever muted."""
    review: Review | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "Policy":
        if self.review and self.review.from_ >= self.threshold:
            raise ValueError(
                f"review.from is {self.review.from_}, not below the threshold {self.threshold}: "
                "nothing would be reviewed."
            )
        return self

    def in_words(self) -> str:
        """The settings as one sentence."""
        names = [one.called for one in self.moderators]
        joined = {"any": " or ", "all": " and ", "weighted": " weighted with "}[self.combine]
        words = [
            f"{joined.join(names)} from {self.threshold:g} on",
            "spelling undone" if self.canonical else "spelling as it is",
            f"{self.strikes.count} strikes within {self.strikes.within:g} s mute for {self.mute:g} s"
            if self.mute
            else "nobody is muted",
        ]
        if self.context:
            words.append(f"{self.context} earlier messages as context")
        if self.review:
            words.append(
                f"from {self.review.from_:g} on people review, "
                f"{self.review.capacity_per_hour:g} an hour"
            )
        return "; ".join(words)


def read_policy(name: str) -> tuple[Policy, Path]:
    """A policy by the name of one that ships with the project, or from a file, and where it lies.

    PhoqueError where there is none, or a field is wrong; names file and field.
    """
    return read_shipped("policy", name, SHIPPED, Policy, Path())


def read_policies(
    names: tuple[str, ...], decisions: Path | None = None
) -> dict[str, tuple[Policy, Path]]:
    """Policies by their names, which must be different, each with its file; PhoqueError if not.

    The default ones where nothing is named; `decisions` that were made elsewhere are one, too.
    """
    read = [read_policy(name) for name in names or (() if decisions else DEFAULT)]
    if decisions:
        own = Source(decisions=str(decisions.resolve()))
        named = Policy(name=_name(decisions), moderators=(own,), canonical=False)
        read.append((named, decisions))
    found: dict[str, tuple[Policy, Path]] = {}
    for policy, path in read:
        if policy.name in found:
            raise PhoqueError(f"Two policies are called {policy.name}. Give {path} another name.")
        found[policy.name] = (policy, path)
    return found


def _name(file: Path) -> str:
    """The name of a file without its ending, in signs that the name of a policy may have."""
    kept = (c if c.isalpha() or c.isdecimal() or c in "_ .+-" else " " for c in file.stem)
    return " ".join("".join(kept).split()) or "decisions"
