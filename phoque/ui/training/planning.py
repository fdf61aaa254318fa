"""The command that makes another run, and what it may cost at most."""

import re
import shlex
from html import escape

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.pipeline.choice import ALONE, ORDER, by_name
from phoque.pipeline.plan import Wish, at_most, seconds_of
from phoque.progress import span
from phoque.run.directory import RunDirectory
from phoque.ui.components import status_html

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
MODELS = ("lab", "ministral")
DEFAULT_FLAVOR = "a10g-large"
JOBS = "jobs"
MANIFESTS = "*/manifest.json"
BUCKET = "phoque-space-runs"
"""The login of a Space reaches only what it made: never a bucket that the command line made."""


def wish_of(run: str, model: str, target: str, flavor: str, hours: float, attempts: float) -> Wish:
    """A Job as the page asks for it: every stage that needs nothing but the code."""
    if target != JOBS:
        raise PhoqueError("Choose Hugging Face Job above: a page starts no run on this machine.")
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
        command = ["phoque", "run", "all", "--model", model, "--run", f"runs/{run.strip()}"]
        told = f"It costs the time of this machine.{_shipped_took()}"
        if target == JOBS:
            wish = wish_of(run, model, target, flavor, hours, attempts)
            command += ["--target", JOBS, "--flavor", wish.flavor, "--timeout", wish.timeout]
            command += ["--attempts", str(wish.attempts), *wish.choice]
            told = _job_told(wish)
    except PhoqueError as error:
        return status_html(str(error), failed=True)
    return (
        '<p class="ph-hint">Command; without --yes a Job is only planned, and the whole plan is '
        f'printed</p><pre class="ph-command" tabindex="0"><code>{escape(shlex.join(command))}</code>'
        f"</pre><p>{escape(told)}</p>"
    )


def _shipped_took() -> str:
    """How long the longest of the shipped runs took, by its manifest; empty where none says so."""
    runs = [RunDirectory(file.parent).known().stages for file in SHIPPED_RUN.parent.glob(MANIFESTS)]
    longest = max(
        (sum(run[name].seconds for name in ORDER if name in run) for run in runs), default=0.0
    )
    return (
        f" The stages of a shipped run of the lab model took {span(longest)} on two cores; some ran side by side."
        if longest
        else ""
    )


def _job_told(wish: Wish) -> str:
    """What it may cost at most, and which stages it cannot run."""
    cost = at_most(wish.flavor, seconds_of(wish.timeout), wish.attempts)
    left = ", ".join(stage for stage in ORDER if stage not in wish.stages)
    return f"Cost: {cost} Left out: {left}, which reads labelled files that are not part of the project."
