"""Lists beside the report: texts to judge elsewhere, first requests, hits, candidates for the rating queue.

Candidates are hostile messages that people saw; whether they are hostile only people decide. Texts of a corpus
of one's own are left out: whoever brought them has labelled them already.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
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
from phoque.run.hits import GarakHit, PyritPiece, garak_hit, pyrit_pieces
from phoque.run.pressure import SEEN, Candidate, Kind, PressureReport, Role, Turn
from phoque.run.scored import Scored, Stratum
from phoque.stages.moderation.gap import gap_type
from phoque.stages.pressure.deciding import Moderator
from phoque.stages.pressure.stage import Asked, Ready, foresight_of, pool_of
from phoque.stages.pressure.styles import STYLES, written
from phoque.stages.pressure.texts import Pool
from phoque.stages.pressure.traffic import read_traffic, usable_styles
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
    files = {
        kind: (folder / kind.FILE).open("w", encoding="utf-8") for kind in (GarakHit, PyritPiece)
    }
    try:
        for turn in _seen(folder):
            files[GarakHit].write(garak_hit(turn, run_id).model_dump_json() + "\n")
            for piece in pyrit_pieces(turn):
                files[PyritPiece].write(piece.model_dump_json() + "\n")
    finally:
        for file in files.values():
            file.close()
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

    def scores(form: str) -> dict[str, float]:
        found = {name: one.score(Item(form)) for name, one in moderators.items()}
        return {name: value for name, value in found.items() if value is not None}

    raw, undone, condition = scores(text), scores(canonical), _condition(turn)
    known = raw.keys() == undone.keys() == moderators.keys()
    if condition is None or turn.kind is None or not known:
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
