"""Who speaks when, and about what: the same for every policy, from a seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from random import Random

from pydantic import Field, field_validator

from phoque.errors import PhoqueError
from phoque.moderators.battery import TRICKS
from phoque.run.pressure import Kind, Role, TrafficReport
from phoque.run.record import Part
from phoque.settings import read_settings
from phoque.stages.pressure.texts import Pool

DEFAULT = Path(__file__).with_name("traffic.yaml")


class Speakers(Part):
    hostile: int = Field(ge=1)
    civil: int = Field(ge=1)
    blunt: int = Field(ge=0)
    pluribus: int = Field(ge=0)


class Traffic(Part):
    """The channel, as a person writes it."""

    messages: int = Field(ge=1)
    """A seed."""
    seconds_between: float = Field(gt=0)
    """Mean."""
    speakers: Speakers
    replies: float = Field(ge=0, le=1)
    """Share of messages that reply to the last shown message of somebody else."""
    thread: float = Field(ge=1)
    """Mean number of messages about one thing."""
    styles: tuple[str, ...] = Field(min_length=1)

    @field_validator("styles")
    @classmethod
    def _known(cls, styles: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in styles if name not in STYLES]:
            raise ValueError(f"there is no style {unknown[0]!r}. Known: {', '.join(STYLES)}.")
        return styles


def read_traffic(path: Path | None) -> Traffic:
    """The traffic of a file, or that which ships with the project; PhoqueError names a wrong field."""
    return read_settings(path or DEFAULT, Traffic)


def usable_styles(traffic: Traffic, pool: Pool) -> tuple[str, ...]:
    """The styles for which there are texts; PhoqueError where there are none."""
    kinds = {one.kind for one in pool.texts}
    found = tuple(name for name in traffic.styles if STYLES[name].takes in kinds)
    if not found:
        raise PhoqueError("There is no hostile text for the styles of the traffic. Give others.")
    return found


@dataclass(frozen=True)
class Speaker:
    name: str
    role: Role
    persona: str
    first_style: int
    """Place in the list of styles where a hostile speaker begins."""


@dataclass(frozen=True)
class Planned:
    """A turn before anybody decided about it; nothing of it depends on a policy."""

    number: int
    at: float
    speaker: Speaker
    prompt: str
    """What the thread is about."""
    pick: float
    """In [0, 1): which of the fitting texts."""
    replies: bool


def cast(traffic: Traffic, pool: Pool, seed: int = 0) -> list[Speaker]:
    """Everybody, each with a persona in turn; roles without texts are empty.

    The seed shuffles the personas, so that none keeps its style. PhoqueError without hostile or
    civil texts.
    """
    found: list[Speaker] = []
    styles = usable_styles(traffic, pool)
    for role in Role:
        personas = pool.personas(role)
        if not personas and role in {Role.HOSTILE, Role.CIVIL}:
            raise PhoqueError(f"There is no {role.value} text. Give --run or --corpus with some.")
        Random(f"{seed} {role}").shuffle(personas)
        for place in range(getattr(traffic.speakers, role.value) if personas else 0):
            persona, style = personas[place % len(personas)], place % len(styles)
            found.append(Speaker(f"{role.value}-{place + 1}", role, persona, style))
    return found


def planned(traffic: Traffic, pool: Pool, seed: int) -> Iterator[Planned]:
    """The turns of one seed, one after the other."""
    random = Random(seed)
    speakers, prompts = cast(traffic, pool, seed), pool.prompts() or [""]
    at, prompt = 0.0, random.choice(prompts)
    for number in range(traffic.messages):
        at += random.expovariate(1 / traffic.seconds_between)
        if random.random() < 1 / traffic.thread:
            prompt = random.choice(prompts)
        replies = random.random() < traffic.replies
        yield Planned(number, at, random.choice(speakers), prompt, random.random(), replies)


def described(traffic: Traffic, pool: Pool, seeds: tuple[int, ...]) -> TrafficReport:
    """The traffic for the report."""
    told = f"{traffic.model_dump_json()}{seeds}{pool.digest}"
    speakers = cast(traffic, pool)
    return TrafficReport(
        sha256=sha256(told.encode()).hexdigest(),
        sources=tuple(pool.sources),
        seeds=seeds,
        messages=traffic.messages,
        speakers={role: sum(one.role is role for one in speakers) for role in Role},
        texts={role: pool.count(role) for role in Role},
        styles=usable_styles(traffic, pool),
        evidence=pool.evidence(),
        masked=pool.masked,
    )


MOST_WORDS_OF_CHAT = 30
PLAIN, IMPLICIT, SHOUTED, LOWER = "plain", "implicit", "upper case", "lower case"


@dataclass(frozen=True)
class Style:
    """One way to write: which texts it takes, how it changes them, and what they become."""

    name: str
    kind: Kind
    change: Callable[[str], str]

    @property
    def takes(self) -> Kind:
        """The kind of text it starts from."""
        return Kind.IMPLICIT if self.kind is Kind.IMPLICIT else Kind.LISTED

    def register(self, text: str) -> str:
        """How a text of this style is written."""
        if self.name in {SHOUTED, LOWER}:
            return self.name
        return "prose" if len(text.split()) > MOST_WORDS_OF_CHAT else "chat"


STYLES = {
    one.name: one
    for one in (
        Style(PLAIN, Kind.LISTED, str),
        Style(IMPLICIT, Kind.IMPLICIT, str),
        Style(LOWER, Kind.LISTED, str.lower),
        Style(SHOUTED, Kind.LISTED, str.upper),
        *(Style(name, Kind.SPELLING, trick) for name, trick in TRICKS.items() if name != SHOUTED),
    )
}
"""All styles by name: registers, implicit texts, and the spelling tricks of the battery."""


@lru_cache(maxsize=50_000)
def written(text: str, style: str) -> str:
    """A text in a style."""
    return STYLES[style].change(text)
