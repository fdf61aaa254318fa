"""Being told to stop: the request is kept until a checkpoint is written, then passed on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Notice:
    """Whether the process was told to end."""

    given: bool = False


@contextmanager
def noticing() -> Iterator[Notice]:
    """Within the context SIGTERM is only noted; afterwards it does what it did before.

    Only the main thread can do so; in others the notice is never given.
    """
    notice = Notice()
    if threading.current_thread() is not threading.main_thread():
        yield notice
        return

    def note(*_: object) -> None:
        notice.given = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield notice
    finally:
        signal.signal(signal.SIGTERM, before)
        if notice.given:
            signal.raise_signal(signal.SIGTERM)
