"""Candidates for the rating queue: hostile messages that people saw; whether they are hostile only people decide.

No service is asked for them: of a service stands what it said when the channel ran. Moderators on this machine
score every candidate as it is and with its spelling undone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phoque.conversation import Condition
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.service import Service
from phoque.personas import load_persona
from phoque.run.pressure import Candidate, Kind, Turn
from phoque.run.scored import GapType, Scored, Stratum
from phoque.stages.moderation.gap import gap_type
from phoque.stages.pressure.deciding import Decider, Moderator, rescaled
from phoque.stages.pressure.stage import Ready
from phoque.text import text_id

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
