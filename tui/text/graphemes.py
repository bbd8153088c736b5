"""Finds the boundaries of grapheme clusters: what a user sees as one character.

An emoji with its joiners, a flag, or a letter with its accents has several code points. One
key press moves over all of them, or deletes all of them.
"""

from __future__ import annotations

_WINDOW = 256
"""How many code points around an index are read. A line may have a million."""
_FIRST_COMBINING = "\u0300"
"""Every code point below it is a character of its own, except a CR before an LF."""


def previous_boundary(text: str, at: int) -> int:
    """Return the start of the character before an index; 0 if there is none."""
    if at <= 0:
        return 0
    if _is_simple(text[max(at - 2, 0) : at]):
        return at - 1
    from wcwidth import grapheme_boundary_before

    begin = max(at - _WINDOW, 0)
    return begin + grapheme_boundary_before(text[begin:at], at - begin)


def next_boundary(text: str, at: int) -> int:
    """Return the end of the character at an index; the end of the text if there is none."""
    if at >= len(text):
        return len(text)
    if _is_simple(text[at : at + 2]):
        return at + 1
    from wcwidth import iter_graphemes

    begin = previous_boundary(text, at + 1)
    return begin + len(next(iter_graphemes(text[begin : begin + _WINDOW])))


def boundary(text: str, at: int, *, is_forward: bool) -> int:
    """Return an index; if it is inside of a character, the nearest boundary instead.

    `is_forward` chooses the boundary after it, not the one before.
    """
    if at <= 0 or at >= len(text) or _is_simple(text[at - 1 : at + 1]):
        return at
    begin = previous_boundary(text, at + 1)
    if begin == at:
        return at
    return next_boundary(text, at) if is_forward else begin


def _is_simple(text: str) -> bool:
    return all(character < _FIRST_COMBINING for character in text)
