"""What speakers say: recorded replies of runs, friendly messages, blunt ones, or a corpus of one's own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.inputs.pairs import Answers, read_pairs, verdict
from phoque.lexicon import Lexicon
from phoque.moderators.listed import words
from phoque.personas import load_persona
from phoque.run.folder import shown_path
from phoque.run.pressure import Evidence, Kind, Role
from phoque.run.synthetic import Attack
from phoque.settings import read_lists
from phoque.stages.moderation.messages import every_prompt
from phoque.stats.rates import by_cluster

BLUNT = Path(__file__).with_name("blunt.yaml")
PEOPLE = "people"
"""The persona of speakers whose texts were written by hand."""


@dataclass(frozen=True, kw_only=True)
class Text:
    text: str
    role: Role
    persona: str
    prompt: str
    """The message it replies to; itself where it replies to none."""
    strength: int = 0
    """Listed words."""

    @property
    def hostile(self) -> bool:
        return self.role is Role.HOSTILE

    @property
    def kind(self) -> Kind | None:
        """Of hostile texts, as they are spelled."""
        return (Kind.LISTED if self.strength else Kind.IMPLICIT) if self.hostile else None


@dataclass(frozen=True)
class Read:
    """A recorded reply that was read blind."""

    prompt: str
    kind: Kind
    hostile: bool


@dataclass
class Pool:
    """All texts of the traffic, by who may post them."""

    texts: list[Text] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    read: list[Read] = field(default_factory=list)
    masked: int | None = None
    """Listed words of new replies that were replaced; None where nobody looked."""
    _chosen: dict[tuple[Role, str, Kind | None, str, int], tuple[Text, ...]] = field(
        default_factory=dict
    )
    _own: dict[tuple[Role, str, Kind | None], list[Text]] = field(default_factory=dict)

    def add(self, found: Iterable[Text], source: str) -> None:
        """Add texts, each once for a persona and a message."""
        known = {(one.text, one.persona, one.prompt) for one in self.texts}
        for one in found:
            if (key := (one.text, one.persona, one.prompt)) not in known:
                known.add(key)
                self.texts.append(one)
                self._own.setdefault((one.role, one.persona, one.kind), []).append(one)
        self.sources.append(source)

    def personas(self, role: Role) -> list[str]:
        """Personas with texts for a role, in the order they came."""
        return list(dict.fromkeys(one.persona for one in self.texts if one.role is role))

    def prompts(self) -> list[str]:
        """Messages that recorded replies answer, which open threads."""
        said = (one for one in self.texts if one.prompt != one.text)
        return list(dict.fromkeys(one.prompt for one in said))

    def count(self, role: Role) -> int:
        """Different texts of a role."""
        return len({one.text for one in self.texts if one.role is role})

    def choice(
        self, role: Role, persona: str, kind: Kind | None, prompt: str, strength: int
    ) -> tuple[Text, ...]:
        """Texts for a speaker: replies to the message where there are some, as strong as asked for.

        Where the persona has none of the kind, another one's are taken.
        """
        key = (role, persona, kind, prompt, strength)
        if key not in self._chosen:
            own = self._own.get((role, persona, kind)) or [
                one for one in self.texts if (one.role, one.kind) == (role, kind)
            ]
            own = [one for one in own if one.prompt == prompt] or own
            self._chosen[key] = tuple([one for one in own if one.strength >= strength] or own)
        return self._chosen[key]

    @property
    def digest(self) -> str:
        """Hex SHA-256 of every text with who may post it."""
        told = sha256()
        for one in self.texts:
            told.update(repr((one.text, one.role.value, one.persona, one.prompt)).encode())
        return told.hexdigest()

    def evidence(self) -> tuple[Evidence, ...]:
        """Why texts of each kind count as hostile."""
        return tuple(
            Evidence(
                kind=kind,
                texts=len({one.text for one in self.texts if one.kind is kind}),
                read_hostile=by_cluster((one.prompt, one.hostile) for one in own) if own else None,
            )
            for kind in (Kind.LISTED, Kind.IMPLICIT)
            for own in ([one for one in self.read if one.kind is kind],)
        )


def written_texts() -> list[Text]:
    """Friendly messages, and kind ones in rough words."""
    blunt = read_lists(BLUNT, ["texts"])["texts"]
    return [
        Text(text=text, role=role, persona=PEOPLE, prompt=text)
        for role, texts in ((Role.BLUNT, blunt), (Role.CIVIL, every_prompt()))
        for text in texts
    ]


PERSONA = "corpus"


def add_corpus(pool: Pool, path: Path, *, text: str = "text", label: str = "hostile") -> None:
    """Add the rows of a file: hostile ones for hostile speakers, the others for civil ones.

    PhoqueError where it cannot be read, a label is no yes or no, one text has two labels, or rows of one
    side are missing.
    """
    lexicon = Lexicon([*load_persona().lexicon.entries, *words()])
    found, answers = [], Answers(path, "label")
    for line, said, word in read_pairs(path, text, label):
        if (hostile := verdict(word)) is None:
            raise PhoqueError(f"{path}, line {line}: {label} is {word[:40]!r}. Give true or false.")
        answers.add(line, said, hostile)
        role, strength = (Role.HOSTILE if hostile else Role.CIVIL), lexicon.count(said)
        found.append(Text(text=said, role=role, persona=PERSONA, prompt=said, strength=strength))
    for role in (Role.HOSTILE, Role.CIVIL):
        if not any(one.role is role for one in found):
            raise PhoqueError(
                f"{path} has no {role.value} text. Give rows with {label} true and rows with false."
            )
    pool.add(found, path.name)


def add_attacks(pool: Pool, folder: Path) -> None:
    """Add the texts of a folder that `phoque run regenerate` wrote; all of them count as hostile."""
    lexicon = load_persona().lexicon
    rows = Attack.load_rows(folder, command="phoque run regenerate --run RUN")
    texts = (
        Text(
            text=one.text,
            role=Role.HOSTILE,
            persona=Condition.TOXIC.value,
            prompt=one.prompt,
            strength=lexicon.count(one.text),
        )
        for one in rows
    )
    pool.add(texts, shown_path(folder))
