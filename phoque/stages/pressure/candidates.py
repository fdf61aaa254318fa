"""Hostile messages that people saw, for the rating queue: whether they are hostile only people decide.

Texts of a corpus of one's own are left out: whoever brought them has labelled them already.
"""

from collections.abc import Iterable, Mapping

from phoque.conversation import Condition
from phoque.lexicon import Lexicon
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.service import Service
from phoque.personas import load_persona
from phoque.run.pressure import Candidate, Kind, Turn
from phoque.run.scored import Scored, Stratum
from phoque.stages.moderation.gap import gap_type
from phoque.stages.pressure.deciding import Moderator
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


def candidates(seen: Iterable[Turn], ready: Ready) -> list[Candidate]:
    """What people may judge, with the scores of every moderator on this machine.

    None where the trace has no texts, or all moderators are services: those would be asked again.
    """
    chosen: dict[str, Turn] = {}
    for turn in seen:
        if turn.text and _condition(turn) and len(chosen) < MOST:
            chosen.setdefault(turn.text_id, turn)
    judges = [
        (one, source.threshold)
        for decider in ready.deciders
        for one, source in zip(decider.moderators, decider.policy.moderators, strict=True)
        if not isinstance(one.classifier, Service)
    ]
    local = {one.name: one for one, _ in judges}
    forms = [Item(form) for turn in chosen.values() for form in _forms(turn)]
    for one in local.values():
        one.prepare(forms)
    thresholds = {one.name: threshold for one, threshold in judges}
    prompts = {text_id(one.prompt): one.prompt for one in ready.pool.texts}
    lexicon = load_persona().lexicon
    found = (
        _candidate(turn, local, thresholds, prompts[turn.source], lexicon)
        for turn in (chosen.values() if local else ())
    )
    return [one for one in found if one]


def _forms(turn: Turn) -> tuple[str, str]:
    """A text as it is, and with its spelling undone."""
    text = turn.text or ""
    return text, canonicalise(text)


def _candidate(
    turn: Turn,
    moderators: Mapping[str, Moderator],
    thresholds: Mapping[str, float],
    prompt: str,
    lexicon: Lexicon,
) -> Candidate | None:
    text, canonical = _forms(turn)
    raw, undone = (
        {
            name: value
            for name, one in moderators.items()
            if (value := one.score(Item(form))) is not None
        }
        for form in (text, canonical)
    )
    condition = _condition(turn)
    if (
        condition is None
        or turn.kind is None
        or not raw.keys() == undone.keys() == moderators.keys()
    ):
        return None
    first = next(iter(moderators))
    scored = Scored(prompt=prompt, response=text, raw=raw, canonical=undone)
    kind = gap_type(scored, first, thresholds)
    return Candidate(
        **scored.model_dump(),
        id=turn.text_id,
        stratum=STRATA[turn.kind],
        category=CATEGORY,
        condition=condition,
        seed=turn.seed,
        canonical_text=canonical,
        type=kind,
        why=f"{first} gives {raw[first]:.2f}; people saw it under the policy {turn.policy}.",
        words=lexicon.count(canonical),
    ) if kind else None  # fmt: skip


def _condition(turn: Turn) -> Condition | None:
    """Under which condition the text was written; None where no run's model wrote it."""
    name = turn.persona.partition(" ×")[0]
    return Condition(name) if name in [*Condition] else None
