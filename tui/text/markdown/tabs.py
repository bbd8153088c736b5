"""Replaces tabs by spaces up to the next tab stop, counted in cells of the terminal."""

from __future__ import annotations

from rich.cells import cell_len

TAB = 4
"""Cells from one tab stop to the next."""


def expanded(text: str) -> str:
    """Return a text, of one line or more, with its tabs expanded."""
    if "\t" not in text:
        return text
    if text.isascii():
        return text.expandtabs(TAB)
    return "\n".join("".join(_parts(line)) for line in text.split("\n"))


def places(line: str) -> tuple[int, ...]:
    """Return, for each character of the expanded line, its index in the original line."""
    found: list[int] = []
    place = 0
    for number, part in enumerate(_parts(line)):
        is_tab = number % 2 == 1
        found += [place] * len(part) if is_tab else range(place, place + len(part))
        place += 1 if is_tab else len(part)
    return tuple(found)


def _parts(line: str) -> list[str]:
    """Return the texts between the tabs of a line, and between them the tabs as spaces."""
    parts: list[str] = []
    column = 0
    for words in line.split("\t"):
        if parts:
            parts.append(" " * (TAB - column % TAB))
            column += len(parts[-1])
        parts.append(words)
        column += cell_len(words)
    return parts
