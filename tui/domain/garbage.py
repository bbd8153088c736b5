"""Keeps Python's garbage collector from running when the user would notice it.

A full collection stops every thread while it traverses all objects. That takes so long that
a key feels slow.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)
"""Thresholds with which the collector almost never traverses the whole heap."""

MAX_COLLECTED = 300_000
"""How many objects `collect_now` traverses at most. More would take too long."""

_lock = threading.Lock()
_pauses = 0


def collect_seldom() -> None:
    """Make collections rare, and leave the whole heap to `collect_now`.

    With Python's own thresholds, collections take an eighth of the start, and a full one
    takes 100 ms and more.
    """
    gc.set_threshold(*THRESHOLDS)


def collect_now() -> bool:
    """Collect the new objects, and exempt what is left from later collections.

    Does nothing and returns False while `collector_paused` is active: it exempts its
    objects itself.
    """
    if not gc.isenabled():
        return False
    if _new_objects() < MAX_COLLECTED:
        gc.collect()
    gc.freeze()
    return True


def _new_objects() -> int:
    """Return about how many objects were created since the last full collection."""
    young, middle, old = gc.get_count()
    return young + THRESHOLDS[0] * (middle + THRESHOLDS[1] * old)


@contextmanager
def collector_paused() -> Generator[None]:
    """Pause the collector during the block, in all threads.

    If several threads do this at once, the pause lasts until the last block ends. Objects
    that were created meanwhile are exempt from later collections.
    """
    global _pauses  # noqa: PLW0603 - there is only one collector
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
