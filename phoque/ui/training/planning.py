"""The command that makes another run, and what it may cost at most. Nothing is started here."""

import re
import shlex
from html import escape

import yaml

from phoque.errors import PhoqueError
from phoque.pipeline.cost import TABLE, price_of, seconds_of
from phoque.ui.components import status_html
from phoque.ui.training import wording

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
MODELS = ("lab", "ministral")
DEFAULT_FLAVOR = "a10g-large"


def flavors() -> list[str]:
    """Machines that have a known price."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return list(table["dollars_an_hour"])


def planned_html(
    run: str, model: str, target: str, flavor: str, hours: float, attempts: float
) -> str:
    """Command and price, or what is wrong with the wish."""
    try:
        return _planned(run.strip(), model, target, (flavor, f"{hours:g}h", int(attempts)))
    except PhoqueError as error:
        return status_html(str(error), failed=True)


def _planned(run: str, model: str, target: str, job: tuple[str, str, int]) -> str:
    if not NAME.fullmatch(run):
        raise PhoqueError(
            f"A run cannot be called {run!r}: begin with a letter or digit, and use letters, digits, "
            "'.', '_' and '-', at most 61."
        )
    parts = ["python", "-m", "training", "all", "--preset", model, "--run", f"runs/{run}"]
    flavor, limit, attempts = job
    if target == "jobs":
        parts += ["--target", "jobs", "--flavor", flavor, "--timeout", limit]
        parts += ["--attempts", str(attempts)]
    cost = price_of(flavor).at_most(seconds_of(limit), attempts) if target == "jobs" else ""
    told = f"{wording.COST} {cost}" if cost else wording.FREE
    return (
        f'<p class="ph-hint">{escape(wording.COMMAND)}</p>'
        f'<pre class="ph-command" tabindex="0"><code>{escape(shlex.join(parts))}</code></pre>'
        f"<p>{escape(told)}</p>"
    )
