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
    loggers = [logging.getLogger(name) for name in CHATTY]
    levels = [logger.level for logger in loggers]
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), _without_bars():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()


@contextmanager
def _without_bars() -> Iterator[None]:
    """Also hide bars that ignore the library's own switch, such as those of GGUF files."""
    draw = tqdm.__init__
    tqdm.__init__ = partialmethod(draw, disable=True)
    try:
        yield
    finally:
        tqdm.__init__ = draw
