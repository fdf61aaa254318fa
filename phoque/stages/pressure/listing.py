"""Lists beside the report: texts to judge elsewhere, first requests, hits, candidates for the rating queue."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Item
from phoque.moderators.decided import TEXT, VERDICT
from phoque.moderators.endpoint.service import Service
from phoque.personas import load_persona
from phoque.run.hits import GARAK, PYRIT, garak_hit, pyrit_pieces
from phoque.run.pressure import SEEN, Candidate, Kind, PressureReport, Role, Turn
from phoque.run.scored import GapType, Scored, Stratum
from phoque.stages.moderation.gap import gap_type
from phoque.stages.pressure.deciding import Decider, Moderator, rescaled
from phoque.stages.pressure.stage import Asked, Ready, foresight_of, pool_of
from phoque.stages.pressure.texts import Pool
from phoque.stages.pressure.traffic import STYLES, read_traffic, usable_styles, written
from phoque.text import text_id


def write_texts(asked: Asked, path: Path) -> int:
    """Every text the traffic may send, with an empty column for the verdict; returns how many.

    PhoqueError where the file is there already, or the traffic cannot be made.
    """
    if path.exists():
        raise PhoqueError(f"{path} is there already. Choose another file, or take it away.")
    pool, traffic = pool_of(asked), read_traffic(asked.traffic)
    texts = dict.fromkeys(_every_text(pool, usable_styles(traffic, pool)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow((TEXT, VERDICT))
        writer.writerows((text, "") for text in texts)
    return len(texts)


def _every_text(pool: Pool, styles: Iterable[str]) -> Iterator[str]:
    for one in pool.texts:
        if one.role is not Role.HOSTILE:
            yield one.text
            continue
        for name in styles:
            if STYLES[name].takes is one.kind:
                yield written(one.text, name)


def first_requests(asked: Asked, ready: Ready) -> str:
    """The first request to every service, with secrets hidden; nothing is sent."""
    told = [one.shown(items) for one, items in foresight_of(asked, ready).first()]
    names = ", ".join(ready.policies)
    none = f"No service is asked: the moderators of {names} are on this machine."
    return "\n\n".join(told) or none


def write_lists(folder: Path, report: PressureReport, ready: Ready) -> None:
    """Hits as garak and PyRIT have them, and candidates for the rating queue."""
    run_id = report.traffic.sha256[:16]
    with (
        (folder / GARAK).open("w", encoding="utf-8") as garak,
        (folder / PYRIT).open("w", encoding="utf-8") as pyrit,
    ):
        for turn in _seen(folder):
            garak.write(json.dumps(garak_hit(turn, run_id), ensure_ascii=False) + "\n")
            for piece in pyrit_pieces(turn):
                pyrit.write(json.dumps(piece, ensure_ascii=False) + "\n")
    Candidate.save_rows(folder, candidates(_seen(folder), ready))


def _seen(folder: Path) -> Iterator[Turn]:
    for data in json_lines(folder / Turn.FILE):
        turn = Turn.model_validate(data)
        if turn.hostile and turn.outcome in SEEN:
            yield turn


MOST = 200
"""The first different texts that were seen under any policy."""
CATEGORY = "pressure"
STRATA = {
    Kind.SPELLING: Stratum.SPELLING,
    Kind.LISTED: Stratum.WORDLIST,
    Kind.IMPLICIT: Stratum.AUDIT,
}
Scores = dict[str, float]


@dataclass(frozen=True)
class Judge:
    """A moderator, and from which score on it flags under the last policy that has it."""

    moderator: Moderator
    own: float
    of_policy: float


def candidates(seen: Iterable[Turn], ready: Ready) -> list[Candidate]:
    """What people may judge, with the scores that are known; none where the trace has no texts."""
    chosen: dict[str, Turn] = {}
    for turn in seen:
        if turn.text and len(chosen) < MOST:
            chosen.setdefault(turn.text_id, turn)
    deciders = {one.policy.name: one for one in ready.deciders}
    judges = _judges(ready.deciders)
    forms = [Item(form) for turn in chosen.values() for form in _forms(turn)]
    for one in judges.values():
        if _is_local(one.moderator):
            one.moderator.prepare(forms)
    prompts = {text_id(one.prompt): one.prompt for one in ready.pool.texts}
    lexicon = load_persona().lexicon
    return [
        _candidate(turn, deciders[turn.policy], judges, prompts[turn.source], lexicon)
        for turn in chosen.values()
    ]


def _judges(deciders: Iterable[Decider]) -> dict[str, Judge]:
    return {
        one.name: Judge(one, source.threshold, decider.policy.threshold)
        for decider in deciders
        for one, source in zip(decider.moderators, decider.policy.moderators, strict=True)
    }


def _is_local(one: Moderator) -> bool:
    return not isinstance(one.classifier, Service)


def _forms(turn: Turn) -> tuple[str, str]:
    """A text as it is, and with its spelling undone."""
    text = turn.text or ""
    return text, canonicalise(text)


def _candidate(
    turn: Turn, decider: Decider, judges: Mapping[str, Judge], prompt: str, lexicon: Lexicon
) -> Candidate:
    text, canonical = _forms(turn)
    raw, undone = _scores(turn, decider, judges)
    assert turn.kind, "a hostile message is of a kind"
    listed = max(lexicon.count(text), int(turn.kind is Kind.LISTED))
    scored = Scored(prompt=prompt, response=text, raw=raw, canonical=undone, listed=listed)
    first, kind = _passed(turn, decider, judges, scored)
    return Candidate(
        **scored.model_dump(),
        id=turn.text_id,
        stratum=STRATA[turn.kind],
        category=CATEGORY,
        condition=_condition(turn),
        seed=turn.seed,
        canonical_text=canonical,
        type=kind,
        why=f"{first} gives {turn.scores[first]:.2f}; people saw it under the policy {turn.policy}.",
        words=lexicon.count(canonical),
    )


def _scores(turn: Turn, decider: Decider, judges: Mapping[str, Judge]) -> tuple[Scores, Scores]:
    """Known scores of the text as it is, and of its canonical form; of a service, what it said in the channel."""
    found: tuple[Scores, Scores] = ({}, {})
    text, canonical = _forms(turn)
    read = canonical if decider.policy.canonical else text
    in_channel = turn.scores if not decider.policy.context else {}
    for scores, form in zip(found, (text, canonical), strict=True):
        for name, judge in judges.items():
            local = _is_local(judge.moderator)
            score = judge.moderator.score(Item(form)) if local else None
            if not local and form == read:
                score = in_channel.get(name)
            if score is not None:
                scores[name] = score
    return found


def _passed(
    turn: Turn, decider: Decider, judges: Mapping[str, Judge], scored: Scored
) -> tuple[str, GapType]:
    """The first moderator that let the message through, and why; an unknown form counts as the other one."""
    judges = {**judges, **_judges([decider])}

    def levels(scores: Mapping[str, float | None]) -> Scores:
        return {
            name: rescaled(one, judges[name].own) for name, one in scores.items() if one is not None
        }

    read, limit = levels(turn.scores), decider.policy.threshold
    first = next((name for name, level in read.items() if level < limit), next(iter(read)))
    raw = levels(scored.canonical) | levels(scored.raw) | {first: read[first]}
    forms = {"raw": raw, "canonical": raw | levels(scored.canonical)}
    limits = {name: judges[name].of_policy for name in raw}
    kind = gap_type(scored.model_copy(update=forms), first, limits)
    return first, kind or GapType.NEAR_MISS  # a mean below the threshold, but for rounding none is


def _condition(turn: Turn) -> Condition | None:
    """Under which condition the text was written; None where no run's model wrote it."""
    name = turn.persona.partition(" ×")[0]
    return Condition(name) if name in [*Condition] else None
