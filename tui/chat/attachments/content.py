"""What a file becomes: the bytes to keep, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.attached_block import text_wire_size
from tui.domain.attachment import TEXT_TYPE, Kind, base64_size, text_tokens
from tui.text.sanitise import clean_line

MEGABYTE = 1024 * 1024
_LONGEST_NAME = 100
"""Characters of a name that are shown."""


class CannotAttach(Exception):
    """A file cannot be attached. The text is one line for the user, and names the file."""


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that are kept of a file."""

    data: bytes
    kind: Kind
    media_type: str
    tokens: int
    """An estimate."""
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    note: str = ""

    @property
    def wire_size(self) -> int:
        """How many bytes of a request they become."""
        is_text = self.media_type == TEXT_TYPE
        return text_wire_size(self.data.decode()) if is_text else base64_size(len(self.data))


def text_content(text: str, kind: Kind, *, note: str = "") -> Content:
    """Return a text as it is kept: as UTF-8."""
    return Content(text.encode(), kind, TEXT_TYPE, text_tokens(text), note=note)


def shown_name(name: str) -> str:
    """Return the name of a file as one clean line of at most 100 characters.

    A file name may have line feeds, escape sequences and bytes that are no text.
    """
    line = clean_line(name).strip() or "file"
    if len(line) <= _LONGEST_NAME:
        return line
    half = _LONGEST_NAME // 2
    return f"{line[:half]}…{line[-half + 1 :]}"


def file_size(size: int) -> str:
    """Return a size for people, such as "3.2 MB"."""
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB", "GB"):
        size_of_unit = {"kB": 1024, "MB": MEGABYTE, "GB": 1024 * MEGABYTE}[unit]
        if size < 1000 * size_of_unit or unit == "GB":
            amount = size / size_of_unit
            return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"
    raise AssertionError
