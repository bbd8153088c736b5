"""Reads text in any encoding that can be told from its bytes, and tells tables from prose."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass

from tui.chat.attachments.content import MEGABYTE, CannotAttach, Content, text_content
from tui.chat.attachments.notebook import notebook_text
from tui.domain.attachment import pieces

MOST_TEXT = 8 * MEGABYTE
"""More than any model reads."""

_SAMPLE = 64 * 1024
"""The bytes from which a legacy encoding is told."""
_ROWS = 20
"""The rows from which a table is told."""

# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""(?:\bencoding\s*=\s*|\bcharset\s*=\s*|\bcoding[:=]\s*)["']?([A-Za-z][\w.:-]{1,30})"""
)
"""What XML, HTML, CSS, Python and Emacs say about themselves."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters that no text has; an escape character begins the colours of a log."""


@dataclass(frozen=True, slots=True)
class LineRange:
    """Some lines of a file, counted from 1."""

    first: int
    last: int | None
    """The last line, included; None for the end of the file."""

    def __str__(self) -> str:
        if self.last == self.first:
            return str(self.first)
        return f"{self.first}-{'' if self.last is None else self.last}"


def read_text(
    data: bytes, name: str, lines: LineRange | None = None, *, is_truncated: bool = False
) -> Content:
    """Return the text of a file, or some lines of it. Raises `CannotAttach`.

    `is_truncated` says that the file is longer than `data`. A notebook becomes its cells.
    """
    decoded = _decoded(_whole_lines(data) if is_truncated else data)
    if decoded is None:
        raise CannotAttach(f"{name} is not a text, an image or a PDF.")
    text, note = decoded
    if lines is not None:
        return text_content(
            _lines(text, name, lines, is_truncated=is_truncated), "text", note=note
        )
    if not text.strip():
        raise CannotAttach(f"{name} is empty.")
    if (cells := notebook_text(text)) is not None:
        return text_content(cells, "notebook", note=note)
    return text_content(text, "table" if _is_table(text) else "text", note=note)


def _whole_lines(data: bytes) -> bytes:
    """Return the data without its last line, which may be cut in a character."""
    return data[: data.rfind(b"\n") + 1] or data[: len(data) & ~3]


def _lines(text: str, name: str, lines: LineRange, *, is_truncated: bool) -> str:
    # Not `splitlines`, which also splits at characters that are no line ends to an editor.
    found = text.split("\n")
    if found[-1] == "":
        found.pop()
    last = lines.last or (0 if is_truncated else len(found))
    if is_truncated and not 0 < last <= len(found):
        raise CannotAttach(f"{name} is large: only its first {len(found):,} lines can be read.")
    if lines.first > len(found):
        raise CannotAttach(f"{name} has {len(found):,} lines, so not the line {lines.first:,}.")
    return "\n".join(found[lines.first - 1 : last]) + "\n"


def _decoded(data: bytes) -> tuple[str, str] | None:
    """Return the text, and a note about an encoding that was guessed; None if it is no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _in(data, encoding)
    if b"\0" in data[:_SAMPLE]:
        # UTF-16 without a mark: half of the bytes of European text are NUL.
        at_even, at_odd = (data[start:_SAMPLE:2].count(0) for start in (0, 1))
        encoding = "utf-16-be" if at_even > at_odd else "utf-16-le"
        many = min(len(data), _SAMPLE) // 4
        is_likely = max(at_even, at_odd) > max(many, 20 * min(at_even, at_odd))
        return _in(data, encoding) if is_likely else None
    if (found := _in(data, "utf-8")) is not None:
        # ISO-2022-JP is ASCII with escape sequences.
        return (
            _in(data, "iso2022_jp", "read as iso2022_jp") or found
            if b"\x1b$" in data
            else found
        )
    declared = _DECLARED.search(data[:1024])
    if declared is not None and (found := _in(data, declared[1].decode())) is not None:
        return found
    return _guessed(data)


def _in(data: bytes, encoding: str, note: str = "") -> tuple[str, str] | None:
    """Decode a text; None if it is not in this encoding."""
    try:
        if not getattr(codecs.lookup(encoding), "_is_text_encoding", True):
            return None
        text = data.decode(encoding)
        text.encode()
    except (LookupError, ValueError):
        return None
    return None if any(map(_CONTROLS.search, pieces(text))) else (text, note)


def _guessed(data: bytes) -> tuple[str, str] | None:
    from charset_normalizer import from_bytes

    # Sorted, the most likely first.
    matches = list(from_bytes(data[:_SAMPLE]))
    if not matches:
        return None
    # Short texts of western Europe read well in several encodings: take the common one.
    usual = [each for each in matches if each.encoding == "cp1252"]
    likely = [each for each in usual if each.chaos <= matches[0].chaos] + matches[:1]
    return _in(data, likely[0].encoding, f"read as {likely[0].encoding}")


def _is_table(text: str) -> bool:
    """Return whether the first rows have the same number of cells, and more than one."""
    head = text[:_SAMPLE].split("\n")[: _ROWS + 1]
    # The last one may be cut.
    rows = head[:-1] if len(head) > _ROWS or len(text) > _SAMPLE else [r for r in head if r]
    if len(rows) < 3:
        return False
    for delimiter in (",", ";", "\t"):
        try:
            numbers = {len(row) for row in csv.reader(rows, delimiter=delimiter, strict=True)}
        except csv.Error:
            continue
        if len(numbers) == 1 and numbers.pop() > 1:
            return True
    return False
