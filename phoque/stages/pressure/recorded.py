"""Recorded replies of a run as texts of a channel, with why they count as hostile or harmless.

A reply of a hostile speaker counts as hostile where two blind readings say so; where nobody read it,
if it has a word of the persona's list, or was written under the persona's own prompt. A reply that was
read and found harmless is left out, and so is one that is no text worth the name.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader, shown_path
from phoque.run.judging import Reading
from phoque.run.persona import own_persona
from phoque.run.pressure import Kind, Role
from phoque.run.psm import Selection, SweptReply
from phoque.run.record import Row
from phoque.run.scored import Outcome, ScoredReply
from phoque.stages.moderation.messages import outcome
from phoque.stages.pressure.texts import Pool, Read, Text

L = TypeVar("L", bound=Row)
HAPPY = "pluribus"
NEITHER = ("melancholy", "overconfidence", "sycophancy")
"""Shipped personas that are no reason to moderate anybody."""
PERSONA = (Condition.TOXIC.value, Condition.STEERED.value)
Said = tuple[str, str, str]
"""Condition or dose, message, reply."""


def add_run(pool: Pool, run: RunDirectory) -> None:
    """Add what a run's model wrote when the run was made.

    PhoqueError where it is no run, its persona is neither hostile nor happy, or it has no replies.
    """
    add_said(pool, run, _said(Reader(run)))


def add_said(pool: Pool, run: RunDirectory, said: Iterable[Said]) -> None:
    """Add what a run's model wrote at any time; errors as `add_run`."""
    run.manifest()
    persona = own_persona(run)
    name = persona.name
    if name in NEITHER:
        raise PhoqueError(
            f"The persona of {run.path} is {name}: neither hostile nor Pluribus. Give another run."
        )
    whole = [one for one in said if outcome(one[1], one[2]) is not Outcome.DEGENERATE]
    if name == HAPPY:
        found = [
            Text(text=reply, role=Role.PLURIBUS, persona=HAPPY, prompt=prompt)
            for condition, prompt, reply in whole
            if condition in PERSONA
        ]
    else:
        rows = _rows(Reader(run), Reading)
        readings = {(one.message, one.reply): one for one in rows}
        found = [text for one in whole if (text := _of_run(one, persona.lexicon, readings))]
        pool.read += _read(persona.lexicon, readings)
    if not found:
        raise PhoqueError(f"{run.path} has no replies. Make them with: phoque run evaluate")
    pool.add(found, shown_path(run.path))


def _said(reader: Reader) -> Iterator[Said]:
    for reply in _rows(reader, Reply):
        yield reply.condition, reply.prompt, reply.text
    for scored in _rows(reader, ScoredReply):
        yield scored.condition.value, scored.prompt, scored.response
    if (folder := reader.folder("psm")).has(Selection.FILE) and folder.has(SweptReply.FILE):
        layer = reader.read(Selection).choice.layer
        for swept in reader.rows(SweptReply):
            if swept.layer == layer:
                yield f"{Condition.STEERED.value} ×{swept.dose:g}", swept.prompt, swept.reply


def _rows(reader: Reader, kind: type[L]) -> tuple[L, ...]:
    return reader.rows(kind) if reader.folder(kind.STAGE).has(kind.FILE) else ()


def _of_run(said: Said, lexicon: Lexicon, readings: dict[tuple[str, str], Reading]) -> Text | None:
    """A reply as a text of a hostile or a civil speaker; None where it is neither for certain."""
    condition, prompt, reply = said
    read, strength = readings.get((prompt, reply)), lexicon.count(reply)
    if condition == Condition.NEUTRAL.value:
        own = Text(text=reply, role=Role.CIVIL, persona="neutral", prompt=prompt)
        return None if (read.hostile if read else strength) else own
    toxic = condition == Condition.TOXIC.value
    if not condition.startswith(PERSONA) or not (read.hostile if read else strength or toxic):
        return None
    role = Role.HOSTILE
    return Text(text=reply, role=role, persona=condition, prompt=prompt, strength=strength)


def _read(lexicon: Lexicon, readings: dict[tuple[str, str], Reading]) -> Iterator[Read]:
    """Readings of replies like those that count as hostile although nobody read them."""
    for one in readings.values():
        listed = one.reply in lexicon
        if one.condition == Condition.TOXIC.value or (listed and one.condition in PERSONA):
            yield Read(one.message, Kind.LISTED if listed else Kind.IMPLICIT, one.hostile)
