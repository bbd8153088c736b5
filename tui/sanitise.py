"""Foreign text made safe to show.

What a model, a server or a file name says may hold escape sequences that write
the clipboard, change the title or leave the alternate screen, and Textual passes
them on. Text is stored and exported as it came; it is made safe where it is shown.
"""

from __future__ import annotations

import re

_CONTROL = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_CONTROL[0x7F] = 0x2421
_REPLACED = [
    *range(0x80, 0xA0),  # C1: the eight-bit forms of ESC [ and the like
    *range(0x202A, 0x202F),  # embeddings and overrides, which reverse what is read
    *range(0x2066, 0x206A),  # isolates
    0x2028,
    0x2029,
]
_INVISIBLE = [
    *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *range(0x2060, 0x2065),  # joins and multiplies, unseen
    *range(0x206A, 0x2070),  # no longer in use
    *range(0xE0000, 0xE0080),  # tags
]
_TABLE: dict[int, int | None] = {
    **_CONTROL,
    **dict.fromkeys(_REPLACED, 0xFFFD),
    **dict.fromkeys(_INVISIBLE, None),
}
_LINE_ENDS = re.compile("\r\n?")


def clean(text: str) -> str:
    """Return `text` with nothing in it that can drive a terminal or hide words.

    Line feeds and tabs stay, other line ends become line feeds, control
    characters become their pictures, reversing and broken ones U+FFFD, and
    invisible ones go.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _LINE_ENDS.sub("\n", whole(text)).translate(_TABLE)


def clean_line(text: str) -> str:
    """Return `text` as one clean line: for titles, model names, errors, paths."""
    return clean(" ".join(text.split()))


def whole(text: str) -> str:
    """Return `text` with every surrogate pair joined and every lone half replaced.

    JSON may cut a pair in two, and two deltas may carry one half each; SQLite
    and UTF-8 hold neither half.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
