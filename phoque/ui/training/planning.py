"""The command that makes another run, and what it may cost at most."""

import re
import shlex
from html import escape

import yaml

from phoque.errors import PhoqueError
from phoque.pipeline.cost import TABLE, price_of, seconds_of
from phoque.pipeline.plan import Wish
from phoque.pipeline.stages import ALONE, ORDER, by_name
from phoque.ui.components import status_html
from phoque.ui.training import wording

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
MODELS = ("lab", "ministral")
DEFAULT_FLAVOR = "a10g-large"
JOBS = "jobs"
BUCKET = "phoque-space-runs"
"""The login of a Space reaches only what it made: never a bucket that the command line made."""


def flavors() -> list[str]:
    """Machines that have a known price."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return list(table["dollars_an_hour"])


def wish_of(run: str, model: str, target: str, flavor: str, hours: float, attempts: float) -> Wish:
    """A Job as the page asks for it: every stage that needs nothing but the code.

    Raises:
        PhoqueError: something else than a Job was asked for.
    """
    if target != JOBS:
        raise PhoqueError(wording.NOT_A_JOB)
    return Wish(
        run=run.strip(),
        model=model,
        stages=ALONE,
        choice=by_name(ALONE),
        options=(),
        flavor=flavor,
        timeout=f"{hours:g}h",
        attempts=int(attempts),
        bucket=BUCKET,
    )


def planned_html(
    run: str, model: str, target: str, flavor: str, hours: float, attempts: float
) -> str:
    """Command and price, or what is wrong with the wish."""
    try:
        if not NAME.fullmatch(run.strip()):
            raise PhoqueError(
                f"A run cannot be called {run!r}: begin with a letter or digit, and use letters, "
                "digits, '.', '_' and '-', at most 61."
            )
        command = ["phoque", "run", "all", "--model", model]
        command += ["--run", f"runs/{run.strip()}"]
        if target != JOBS:
            return _command_html(command, wording.FREE)
        wish = wish_of(run, model, target, flavor, hours, attempts)
        return _command_html(command + _job_options(wish), _job_told(wish))
    except PhoqueError as error:
        return status_html(str(error), failed=True)


def _job_options(wish: Wish) -> list[str]:
    limits = ["--timeout", wish.timeout, "--attempts", str(wish.attempts)]
    return ["--target", JOBS, "--flavor", wish.flavor, *limits, *wish.choice]


def _job_told(wish: Wish) -> str:
    """What it may cost at most, and which stages it cannot run."""
    cost = price_of(wish.flavor).at_most(seconds_of(wish.timeout), wish.attempts)
    left = [stage for stage in ORDER if stage not in wish.stages]
    return f"{wording.COST} {cost} {wording.WITHOUT.format(', '.join(left))}"


def _command_html(command: list[str], told: str) -> str:
    return (
        f'<p class="ph-hint">{escape(wording.COMMAND)}</p>'
        f'<pre class="ph-command" tabindex="0"><code>{escape(shlex.join(command))}</code></pre>'
        f"<p>{escape(told)}</p>"
    )
