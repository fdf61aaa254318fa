"""Starting a Job from the page: the owner of the Space alone, with the owner's own token."""

from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import urlsplit

from phoque.config import SpaceLogin
from phoque.errors import PhoqueError
from phoque.hub.client import Account
from phoque.hub.jobs import JobState
from phoque.pipeline.launch import launch
from phoque.pipeline.plan import Plan, Wish, make_plan
from phoque.ui.components import status_html
from phoque.ui.parts import facts_html

NOBODY = "The owner of this Space, {owner}, can start the Job from here after logging in."
STRANGER = (
    "You are logged in as {name}. Only {owner}, whose Space this is, can start a Job here; copy the "
    "command to start one of your own."
)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who is logged in, as the server knows it."""

    name: str
    token: str = field(repr=False)
    """Lent by the login; it goes to the Hub and nowhere else."""
    origin: str | None
    """Of the page that asks; None where no browser said so."""


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Every method asks again who the visitor is: what a page hides is no protection.

    PhoqueError where the visitor may not, the wish cannot be, or the Hub did not do its part.
    """

    space: SpaceLogin
    endpoint: str | None = None

    def plan(self, wish: Wish, visitor: Visitor | None) -> Plan:
        """What would be started; needs no network."""
        self._allowed(visitor)
        return make_plan(replace(wish, owner=self.space.owner))

    def start(self, wish: Wish, visitor: Visitor | None) -> JobState:
        """Start it, as `phoque run all --target jobs --yes` does."""
        allowed, plan = self._allowed(visitor), self.plan(wish, visitor)
        if Account(endpoint=self.endpoint, token=allowed.token).owner() != self.space.owner:
            raise PhoqueError(f"The Hub says that this login is not {self.space.owner}'s.")
        return launch(plan, endpoint=self.endpoint, token=allowed.token)

    def _allowed(self, visitor: Visitor | None) -> Visitor:
        if visitor is None:
            raise PhoqueError(NOBODY.format(owner=self.space.owner))
        if visitor.name != self.space.owner:
            raise PhoqueError(STRANGER.format(name=visitor.name, owner=self.space.owner))
        # A login travels with requests that other sites make a browser send.
        # Browsers say of every POST where it comes from; what does not say so is refused.
        host = urlsplit(visitor.origin or "").netloc
        if not host or host not in self.space.hosts:
            raise PhoqueError(
                "The request did not come from the page of this Space. Open it there."
            )
        return visitor


def plan_html(plan: Plan) -> str:
    """The plan, line by line as the command line prints it."""
    told = "Nothing was sent or started yet. This is what would be started:"
    return f'<p class="ph-hint">{told}</p>{facts_html(plan.lines().items(), " ph-plan")}'


def job_html(state: JobState) -> str:
    """Id, link and state of a Job, and how to bring home what it makes."""
    told, url = escape(f"Job {state.id}: {state.told}"), escape(state.url)
    return (
        f'<p class="ph-status" role="status">{told} · '
        f'<a href="{url}" target="_blank" rel="noopener">{url}</a></p>'
        f'<p class="ph-hint">Follow it with: phoque jobs logs {escape(state.id)}; bring the results '
        f"home with: phoque jobs fetch {escape(state.id)}</p>"
    )


def refused_html(error: PhoqueError, visitor: Visitor | None) -> str:
    """Why it was not done; whatever the Hub repeated, no token is in it."""
    said = str(error).replace(visitor.token, "[hidden]") if visitor else str(error)
    return status_html(said, failed=True)
