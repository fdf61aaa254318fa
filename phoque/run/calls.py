"""What a service was asked during a pressure test, and what it answered."""

from phoque.run.record import Part


class Calls(Part):
    """How often a service was asked, and what became of the requests."""

    requests: int = 0
    retries: int = 0
    too_many: int = 0
    """Answers with status 429."""
    failed: int = 0
    """Answers with status 5xx, and other failures."""
    timeouts: int = 0
    """Requests that timed out or whose connection broke."""
    malformed: int = 0
    """Answers without a readable verdict."""
    from_cache: int = 0
    """Texts whose answer was known from before."""
    kept_from: str = ""
    """When the oldest of these answers was kept; empty where there is none, or nobody noted it."""
    kept_to: str = ""
    """The same of the newest one."""
    reason: str = ""
    """Why the last request without a usable answer had none: the status, and how the answer begins."""
    cost: float = 0.0
