"""Numbers of the ledger again, from the raw files of a run; `raw_files` has how."""

from tests import raw_counted, raw_psm, raw_said  # noqa: F401  # they enter what they compute
from tests.raw_files import again, bounds

__all__ = ["again", "bounds"]
