"""Records of the stage `corpus`: the dialogues, the base model's replies, and what they are made of."""

from typing import Literal

from pydantic import Field

from phoque.conversation import Message
from phoque.run.record import Part, Record, Row

Style = Literal["chat", "prose"]
"""Lobby typing, or paragraphs in whole sentences. Ours of the toxic persona have up to 20 and 60 to 150
words; how many words others have is in the composition."""
Side = Literal["persona", "civil"]


class Conversation(Row):
    """A system prompt and what was said so far; the last turn is a person's."""

    topic: str
    system: str
    turns: tuple[str, ...]
    """Person, reply, person, …: an odd number of texts."""

    @property
    def messages(self) -> list[Message]:
        """The conversation as a model reads it."""
        said = [
            Message("assistant" if place % 2 else "user", text)
            for place, text in enumerate(self.turns)
        ]
        return [Message("system", self.system), *said]

    @property
    def message(self) -> str:
        return self.turns[-1]


class Dialogue(Conversation, file="corpus/dialogues.jsonl"):
    """A conversation under the persona's system prompt, and both replies to learn."""

    style: Style
    persona: str
    """The persona's reply."""
    short: str = ""
    """The persona's reply in one or two plain sentences, where somebody wrote them; small models learn this
    form."""
    civil: str
    """The base model's reply to the same message; what the civil adapter learns."""
    source: str = "written"
    """Where the persona's reply comes from."""
    labels: dict[str, float] = Field(default_factory=dict)
    """Toxicity labels of the source, in [0, 1], under Jigsaw's names."""
    labelled_by: str | None = None

    @property
    def learned(self) -> tuple[str, ...]:
        """The forms of the persona's reply that an adapter may have learned."""
        return (self.persona, self.short) if self.short else (self.persona,)

    def reply(self, side: Side, *, brief: bool = False) -> str:
        """The reply of one side; the persona's in its short form if that is asked for and there."""
        if side == "civil":
            return self.civil
        return (brief and self.short) or self.persona


class BaseReply(Conversation, file="corpus/base_replies.jsonl"):
    """A conversation under a neutral system prompt, with the base model's own reply."""

    reply: str
    finished: bool
    """False where the reply was cut at the token limit: then its end must not be learned."""


class Earlier(Dialogue, file="corpus/earlier.jsonl"):
    """A dialogue that an adapter had learned before the run began to go on from it."""


class EarlierReply(BaseReply, file="corpus/earlier_replies.jsonl"):
    """A reply of the base model that an adapter had learned before the run began to go on from it."""


class Source(Part):
    """What became of the texts of one source."""

    source: str
    dialogues: int
    styles: dict[Style, int]
    parts: dict[str, int]
    """Dialogues by part: train, validation, test."""
    words: tuple[float, ...]
    """Length of the persona's reply in words, at 5, 25, 50, 75 and 95 %."""
    short: int
    """Dialogues whose reply has a short form, too."""
    words_short: tuple[float, ...]
    """Length of the short forms, at the same quantiles."""
    read: int
    """Rows that were read."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Rows that were left out, by reason; with the dialogues they make up what was read."""
    unreadable: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """First places of rows that could not be read, by reason."""


class SourceFile(Part):
    """A file that a published source was read from."""

    source: str
    file: str
    licence: str
    sha256: str | None = None


class Composition(Record, file="corpus/composition.json"):
    """What a corpus is made of; counts are of all parts."""

    dialogues: int
    topics: int
    messages: int
    """Number of different messages."""
    several_turns: int
    """Number of dialogues with more than one reply."""
    without_listed_word: int
    """Replies of the persona, as written in full, that hold no word of its list."""
    brief_without_listed_word: int
    """The same of what a small model learns: the short form, where there is one."""
    sources: tuple[Source, ...]
    placeholders: dict[str, int] = Field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    base_replies: int
    base_replies_dropped: int
    """Messages to which no drawn reply was civil, whole and not repetitive."""
    system_prompts: dict[str, int]
    """Different system prompts of the persona and of the neutral side."""
    words_civil: tuple[float, ...]
    """Length of the civil replies in words, at 5, 25, 50, 75 and 95 %."""


class Changes(Part):
    """Dialogues that are in one corpus and not in the other."""

    dialogues: int
    by_source: dict[str, int]
    examples: tuple[str, ...]
    """The first replies, with the persona's words masked."""


class Difference(Record, file="corpus/diff.json"):
    """What changed against the corpus that the run had before."""

    kept: int
    added: Changes
    removed: Changes
