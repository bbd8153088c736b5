"""Reads piped text, in whatever Unicode encoding it is."""

from __future__ import annotations

import codecs
import select
import sys

from tui.cli.exit_codes import CommandFailed, UsageError

_BEGINNINGS = (
    # The mark of UTF-16 is the beginning of this one, so this one comes first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
"""Byte order marks, each with its encoding."""

_MOST_BROKEN = 0.25
"""The largest share of a text that may be NULs or bytes that cannot be decoded."""


def read_piped() -> str:
    """Return the piped text; "" on a terminal. Raises `UsageError`, `CommandFailed`."""
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
            # The stream is in non-blocking mode.
            select.select([sys.stdin], [], [])
        else:
            pieces.append(piece)
    return b"".join(pieces)


def decoded(content: bytes, encoding: str) -> str:
    """Decode bytes by their byte order mark, or else by `encoding`. Lines end in a line feed.

    A few wrong bytes are replaced. Raises `UsageError` if there are many.
    """
    encoding = next((name for mark, name in _BEGINNINGS if content.startswith(mark)), encoding)
    text = content.decode(encoding, "replace")
    if text.count("\0") + text.count("\ufffd") > len(text) * _MOST_BROKEN:
        raise UsageError(
            f"The piped input is not text in {encoding.upper()}. Convert it first:"
            " iconv -f ITS-ENCODING -t UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
