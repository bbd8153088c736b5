"""Log records without the texts of errors, which may quote what the user wrote.

A log record stays when a conversation is deleted. So the log has only the type of an error
and its traceback, and for an `OSError` also the system's message.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType


class LogFormatter(logging.Formatter):
    """Writes a traceback as Python does, but without the texts of the errors."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatException(  # noqa: N802 - the standard library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return a traceback as text."""
        errors = [] if ei[1] is None else list(_chain(ei[1]))
        return "\n".join(map(_described, reversed(errors)))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, each only once, even if they form a cycle."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _described(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    frames = f"Traceback (most recent call last):\n{frames}"
    text = getattr(error, "sqlite_errorname", "")
    if isinstance(error, OSError):
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{frames}{kind}: {text}" if text else f"{frames}{kind}"
