"""Keep the bars and warnings of libraries away from the terminal."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod

from tqdm.std import tqdm
from transformers.utils import logging as bars

from phoque.config import CHATTY, verbose


@contextmanager
def quiet() -> Iterator[None]:
    """Within the context, libraries show no bars and no warnings, except with `--verbose`."""
    if verbose():
        yield
        return
    levels = {logger: logger.level for logger in map(logging.getLogger, CHATTY)}
    shown, draw = bars.is_progress_bar_enabled(), tqdm.__init__
    bars.disable_progress_bar()
    # Bars that ignore the library's own switch, such as those of GGUF files.
    tqdm.__init__ = partialmethod(draw, disable=True)
    try:
        for logger in levels:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        tqdm.__init__ = draw
        for logger, level in levels.items():
            logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()
