"""Try a latent's direction live: the neutral column with and without it."""

import time
from collections.abc import Iterator
from dataclasses import replace

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.ui import components, wording
from phoque.ui.asking import gathered
from phoque.ui.services import Ask, Services
from phoque.ui.state import Turn
from phoque.ui.stopping import Run

COLUMNS = (Condition.NEUTRAL, Condition.STEERED)
TOKENS = 48
LONGEST_NUMBER = 9

Update = tuple[str, str, str]
"""Status line, then both logs."""


def tried(
    run: Run, services: Services, prompt: str, latent: str, strength: float
) -> Iterator[Update]:
    """The page as both replies grow; what is wrong is said in the status line."""
    turns: dict[Condition, Turn] = {}
    lexicon = Lexicon(services.info.lexicon)
    start = time.monotonic()
    try:
        ask = _ask(prompt, latent, strength)
        for told in run.warming(services):
            yield _update(told, {}, lexicon)
        for deltas in () if run.stopped() else gathered(services.stream(ask, run.stopped)):
            turns = turns or {condition: Turn(prompt) for condition in COLUMNS}
            for delta in deltas:
                turns[delta.condition] = turns[delta.condition].with_delta(delta)
            told = f"Latent {latent}, strength {strength:+.2f} · {time.monotonic() - start:.1f} s · live"
            yield _update(told, turns, lexicon)
    except PhoqueError as error:
        yield _update(str(error), {}, lexicon, failed=True)
        return
    if run.stopped() and run.current:
        ended = {c: replace(t, finish=t.finish or "stopped") for c, t in turns.items()}
        yield _update(wording.STOPPED, ended, lexicon)


def _ask(prompt: str, latent: str, strength: float) -> Ask:
    if not latent.strip().isdecimal() or len(latent) > LONGEST_NUMBER:
        raise PhoqueError("Which latent? Press one in the tables, or type its number.")
    return Ask(
        prompt=prompt,
        conditions=COLUMNS,
        scale=float(strength),
        latent=int(latent),
        max_new_tokens=TOKENS,
    )


def _update(
    status: str, turns: dict[Condition, Turn], lexicon: Lexicon, *, failed: bool = False
) -> Update:
    logs = [
        components.transcript_html(condition, [turns[condition]] if turns else [], lexicon)
        for condition in COLUMNS
    ]
    return components.status_html(status, failed=failed), logs[0], logs[1]
