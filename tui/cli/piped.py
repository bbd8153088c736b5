"""What is piped in, as text: whatever its encoding, or refused by name."""

from __future__ import annotations

import codecs
import select
import sys

from tui.cli import CommandFailed, UsageError

_BEGINNINGS = (
    # UTF-16's own is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
"""Byte order marks, and the encoding that each tells of."""

_MOST_BROKEN = 0.25
"""How much of a text may be NUL, or bytes that its encoding does not know."""


def read_piped() -> str:
    """Return what is piped in; "" on a terminal. Raises `UsageError`, `CommandFailed`."""
    if sys.stdin.isatty():
        return ""
    try:
        content = _read_all()
    except OSError as error:
        raise CommandFailed(f"stdin cannot be read: {error.strerror}.") from error
    return decoded(content, sys.stdin.encoding)


def _read_all() -> bytes:
    pieces = []
    while (piece := sys.stdin.buffer.read()) != b"":
        if piece is None:
            # Whoever gave it to us has it not wait.
            select.select([sys.stdin], [], [])
        else:
            pieces.append(piece)
    return b"".join(pieces)


def decoded(content: bytes, encoding: str) -> str:
    """Return text by its byte order mark, else by `encoding`, with a line feed after a line.

    Bytes that are wrong are replaced, if they are few. Raises `UsageError`.
    """
    encoding = next((name for mark, name in _BEGINNINGS if content.startswith(mark)), encoding)
    text = content.decode(encoding, "replace")
    if text.count("\0") + text.count("\ufffd") > len(text) * _MOST_BROKEN:
        raise UsageError(
            f"What is piped in is no text in {encoding.upper()}. Convert it first:"
            " iconv -f ITS-ENCODING -t UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
