"""Commands whose messages do not drown in what libraries say while they load models."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from phoque.config import hide_progress_bars


@contextmanager
def quiet_libraries(*, verbose: bool = False) -> Iterator[None]:
    """No warnings, log lines below an error and progress bars of libraries, unless `verbose`.

    Progress bars stay away from libraries that are imported inside, or were imported so before.
    """
    if verbose:
        yield
        return
    hide_progress_bars()
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
