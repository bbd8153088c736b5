"""Remembers when a key was last pressed, so that other work can wait until it is painted.

Python runs one thread at a time. While another thread imports modules, a key waits a dozen
times between the terminal and the paint.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

PAINTED_AFTER = 0.04
"""The approximate time from a key to its paint, in seconds."""

_pressed = 0.0


def note_key() -> None:
    """Record that input has just come from the terminal."""
    global _pressed  # noqa: PLW0603 - there is one terminal
    _pressed = time.monotonic()


def is_key_unpainted() -> bool:
    """Return whether the last key may not be painted yet."""
    return time.monotonic() < _pressed + PAINTED_AFTER


@contextmanager
def yielding_to_keys() -> Generator[None]:
    """Make this thread wait before each import of the block until the last key is painted.

    It still makes progress between two keys, however fast the user types.
    """
    finder = _WaitingFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _WaitingFinder(MetaPathFinder):
    """Waits before each import and finds no module. The SDK has thousands of modules."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, *_: object) -> None:
        if threading.get_ident() == self._thread:
            left = _pressed + PAINTED_AFTER - time.monotonic()
            if left > 0:
                time.sleep(left)
