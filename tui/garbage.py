"""Keeping Python's garbage collector from running while much is made in a thread.

A collection goes over all that has been made so far and stops every thread meanwhile,
for longer than anybody waits for a key.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0


@contextmanager
def collector_paused() -> Generator[None]:
    """Pause the collector. In several threads at once, until the last of them is done."""
    global _pauses  # noqa: PLW0603 - the collector is one, too
    with _lock:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses:
                gc.freeze()
                gc.enable()
