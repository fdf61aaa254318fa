"""A whole corpus from its sources: replies that people wrote, published corpora, new slang."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.lexicon import Lexicon
from phoque.models.load import LanguageModel
from phoque.run.corpus import BaseReply, Dialogue, SourceFile
from phoque.stages.corpus.examples import Judge
from phoque.stages.corpus.gating import Distiller, Gated, civil, dialogue_of, gate
from phoque.stages.corpus.mixing import embedded_judge, mix
from phoque.stages.corpus.reading import HUB, Dropped
from phoque.stages.corpus.slang import slang_dialogues
from phoque.stages.corpus.sources import SOURCES
from phoque.stages.corpus.split import PARTS, Part, split
from phoque.stages.corpus.written import (
    ANY,
    WRITTEN,
    Written,
    read_lines,
    shipped_folder,
    system_prompts,
    written_dialogues,
)


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    persona: str = "toxic"
    """Whose system prompts where the folder has none."""
    files: Sequence[tuple[str, str]] = ()
    """Name of a published source and where it is."""
    written: Path | None = None
    """Folder of replies that people wrote; None is no such replies."""
    uses: Sequence[tuple[str, str]] = ()
    """New expressions with their example uses."""
    limit: int | None = None
    """Most texts drawn of a file, or of the files of a chat."""
    keep_words: bool = False
    """Whether names, slurs and groups stay as they are."""
    known: Sequence[BaseReply] = ()
    """What this base model answered before; the same questions are not asked again."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise PhoqueError(f"The limit is {self.limit}; draw at least 1 text of a file.")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What was made, and what became of the rest."""

    parts: Mapping[Part, Gated]
    dropped: Mapping[str, Dropped]
    files: Sequence[SourceFile]
    """Of every published source."""

    @property
    def dialogues(self) -> list[Dialogue]:
        return [one for part in PARTS for one in self.parts[part].dialogues]


def build(
    made_of: Ingredients,
    base: LanguageModel,
    lexicon: Lexicon,
    *,
    seed: int = 42,
    judge: Judge = embedded_judge,
    progress: Callable[[str], None] = lambda _: None,
) -> Corpus:
    """The corpus in its parts; slang is trained on whole, similar texts share their part.

    PhoqueError where a source is unknown, cannot be read or is another file, or nothing is left.
    """
    systems = system_prompts(made_of.persona, made_of.written)
    own = list(written_dialogues(made_of.written, judge, systems)) if made_of.written else []
    mixture = mix(made_of.files, limit=made_of.limit, keep_words=made_of.keep_words, judge=judge)
    progress(f"utterances kept: {len(mixture.examples)}; dropped: {_told(mixture.dropped)}")
    _tell_places(mixture.dropped, progress)
    own += [dialogue_of(one, systems[ANY]) for one in mixture.examples]
    together = _placed(own, [use for _, use in made_of.uses])
    messages = _messages(made_of, together["train"]) if made_of.uses else ()
    together["train"] += slang_dialogues(made_of.uses, messages, systems[ANY], seed)
    sources = {one.source for part in PARTS for one in together[part]}
    dropped = dict(mixture.dropped)
    dropped |= {name: Dropped() for name in sorted(sources - dropped.keys())}
    distiller = Distiller(
        base=base,
        lexicon=lexicon,
        keep=lambda texts: civil(texts, judge),
        known={(one.system, one.message): one for one in made_of.known},
        progress=progress,
    )
    parts = gate(together, dropped, distiller, seed=seed)
    if not parts["train"].dialogues:
        raise PhoqueError(f"Nothing is left to train on. Dropped: {_told(dropped)}.")
    return Corpus(parts=parts, dropped=dropped, files=[_facts(*file) for file in made_of.files])


def _placed(dialogues: Sequence[Dialogue], trained: Sequence[str]) -> dict[Part, list[Dialogue]]:
    parts = split([one.persona for one in dialogues], trained)
    pairs = list(zip(dialogues, parts, strict=True))
    return {part: [one for one, where in pairs if where == part] for part in PARTS}


def _messages(made_of: Ingredients, trained: Sequence[Dialogue]) -> list[str]:
    """What slang answers: messages of written replies, of which none is held out."""
    written: Iterable[Dialogue | Written] = (one for one in trained if one.source == WRITTEN)
    if not made_of.written:
        written = (place.row for place in read_lines(shipped_folder(made_of.persona)))
    return [one.turns[0] for one in written if one.style == "chat" and len(one.turns) == 1]


def _facts(name: str, where: str) -> SourceFile:
    licence = SOURCES[name].licence
    if where.startswith(HUB):
        return SourceFile(source=name, licence=licence, file=where)
    digest = file_sha256(Path(where))
    return SourceFile(source=name, licence=licence, file=Path(where).name, sha256=digest)


def _tell_places(dropped: Mapping[str, Dropped], progress: Callable[[str], None]) -> None:
    for own in dropped.values():
        for reason, places in own.places.items():
            more = " …" if own[reason] > len(places) else ""
            progress(f"{reason}: {', '.join(places)}{more}")


def _told(dropped: Mapping[str, Dropped]) -> dict[str, dict[str, int]]:
    return {source: dict((+own).most_common()) for source, own in dropped.items()}
