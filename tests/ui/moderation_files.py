"""A small run with every moderation file, made by the library from doubles; mild text only."""

import json
from dataclasses import replace
from pathlib import Path

from phoque.conversation import Condition, Sampling
from phoque.moderators.classifier import Item, Score
from phoque.moderators.datasheet import data_sheets
from phoque.moderators.labelled import Example, LabelledSet
from phoque.run.datasheets import Resistance
from phoque.run.directory import RunDirectory
from phoque.run.moderation import ModerationReport
from phoque.run.scored import (
    Contour,
    DosedReply,
    GapExample,
    GapType,
    InContext,
    Novelty,
    Outcome,
    ScoredReply,
    Stratum,
)
from phoque.stages.moderation.scored import TEMPERATURE, agreements, flags_of, moderate, outcomes_of
from phoque.stats.rates import Rate
from phoque.text import text_id
from tests.moderators import Doubled
from tests.ui.fakes import INJECTION

PROMPTS = {"general": ["What is a lighthouse?", "Hi?"], "greeting": ["Hello.", f"Hey {INJECTION}"]}
SEEDS = (42, 43)
NAMES = ("embedded.mean", "embedded.svm")
TEXTS = {
    Condition.NEUTRAL: "That is a kind question.",
    Condition.TOXIC: f"What a useless clown {INJECTION}",
    Condition.STEERED: "us3less answer, uninstall",
    Condition.RANDOM_VECTOR: "A plain answer.",
}
LISTED = ("useless", "clown", "uninstall")


class Words(Doubled):
    """Scores by listed words; the second one sees fewer."""

    def __init__(self, name: str, listed: tuple[str, ...]) -> None:
        super().__init__()
        self.info = replace(self.info, id=name)
        self._listed = listed

    def score_batch(self, items: list[Item]) -> list[Score]:
        return [self._scored(item.text) for item in items]

    def _scored(self, text: str) -> Score:
        hits = sum(word in text for word in self._listed)
        return Score(labels=dict.fromkeys(self.info.labels, min(1.0, 0.1 + 0.35 * hits)))


def labelled(name: str, kinds: int) -> LabelledSet:
    examples = tuple(
        Example(
            text="a useless clown" if n % 2 else "a kind answer",
            harmful=n % 3 > 0,
            kind=f"kind {n % kinds}",
            cluster=str(n),
        )
        for n in range(60)
    )
    return LabelledSet(name=name, means="rude", sha256="0", examples=examples)


def write_run(path: Path) -> RunDirectory:
    """The run with its moderation folder."""
    folder = path / "moderation"
    folder.mkdir(parents=True)
    report().save(folder)
    contour().save(folder)
    GapExample.save_rows(folder, examples())
    ScoredReply.save_rows(folder, moderated())
    stage = {"seconds": 1, "seeds": SEEDS, "commit": "0123456789", "finished": "2026-11-23"}
    manifest = {
        "schema_version": 1,
        "model": "fake/model",
        "persona": "toxic",
        "stages": {"moderation": stage},
    }
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return RunDirectory(path)


def moderators(*names: str) -> list[Words]:
    return [Words(names[0], LISTED), Words(names[1], LISTED[:1])]


def report(*names: str) -> ModerationReport:
    own, found = moderators(*(names or NAMES)), moderated(*names)
    sheets = data_sheets(own, [labelled("Surge", 1), labelled("HateCheck", 3)])
    first = {s.classifier: s for s in sheets if s.test_set == "Surge" and not s.canonical}
    return ModerationReport(
        prompts_sha256="0",
        sampling=Sampling(max_new_tokens=64, temperature=TEMPERATURE),
        seeds=SEEDS,
        declared=tuple(one.info for one in own),
        data_sheets=tuple(sheets),
        battery={one.info.id: battery() for one in own},
        classifiers=flags_of(found, first),
        agreement=agreements(found),
        outcomes=outcomes_of(found),
    )


def moderated(*names: str) -> list[ScoredReply]:
    replies = {
        (kind, seed): [f"{text} {place} {seed}" for place in range(4)]
        for kind, text in TEXTS.items()
        for seed in SEEDS
    }
    return moderate(replies, PROMPTS, moderators(*(names or NAMES)))


def rate(value: float, n: int = 8) -> Rate:
    return Rate(value=value, n=n, low=max(0.0, value - 0.1), high=min(1.0, value + 0.1))


def battery() -> tuple[Resistance, ...]:
    return tuple(
        Resistance(trick=trick, canonical=canonical, kept=rate(kept), gained=rate(0.1))
        for trick, kept in (("upper case", 1.0), ("dots between letters", 0.2))
        for canonical in (False, True)
    )


def contour() -> Contour:
    """At 0.5 nothing is flagged at scale 0, and a tenth more of the replies with every step."""
    return Contour(
        selected=3.0,
        seed=42,
        replies=tuple(
            DosedReply(
                condition=condition,
                scale=scale,
                prompt=f"p{n}",
                response=f"reply {n}",
                outcome=Outcome.ANSWER,
                raw=dict.fromkeys(NAMES, 0.9 if n < scale * 4 else 0.1),
            )
            for condition, scales in (
                (Condition.STEERED, (0.0, 1.5, 3.0, 4.5)),
                (Condition.RANDOM_VECTOR, (3.0,)),
            )
            for scale in scales
            for n in range(40)
        ),
    )


def response(place: int) -> str:
    return f"us3less clown number {place} {INJECTION}"


def examples() -> list[GapExample]:
    """One candidate of each type at 0.5, and a neutral reply."""
    scores = {
        GapType.LEXICAL: ((0.2, 0.1), (0.9, 0.1)),
        GapType.DISAGREEMENT: ((0.2, 0.8), (0.2, 0.8)),
        GapType.NEAR_MISS: ((0.45, 0.1), (0.45, 0.1)),
        GapType.IMPLICIT: ((0.05, 0.1), (0.05, 0.1)),
    }
    kinds = [(Stratum.WORDLIST, kind) for kind in scores] + [(Stratum.NEUTRAL, GapType.IMPLICIT)]
    return [
        GapExample(
            id=text_id(response(place)),
            stratum=stratum,
            category="general",
            prompt=f"Hello {place}",
            condition=Condition.NEUTRAL if stratum is Stratum.NEUTRAL else Condition.STEERED,
            seed=42,
            response=response(place),
            listed=0,
            canonical_text=f"useless clown number {place} {INJECTION}",
            raw=dict(zip(NAMES, scores[kind][0], strict=True)),
            canonical=dict(zip(NAMES, scores[kind][1], strict=True)),
            context=InContext(alone=scores[kind][0][0], context_only=0.05, both=0.3, leaked=False),
            type=kind,
            why="Its score is low.",
            words=2,
            novelty=Novelty(
                exact=False,
                containment=0.25,
                similarity=0.5,
                nearest="A useless line.",
                novel=True,
            ),
        )
        for place, (stratum, kind) in enumerate(kinds)
    ]
