"""Makes foreign text safe to show.

Text from a model, a server or a file name may contain escape sequences that write to the
clipboard, change the title or leave the alternate screen. Textual does not remove them. Text
is stored and exported unchanged, and made safe where it is shown.
"""

from __future__ import annotations

import re

_CONTROL = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_CONTROL[0x7F] = 0x2421
_REPLACED = [
    *range(0x80, 0xA0),  # C1: the eight-bit forms of ESC [ and others
    *range(0x202A, 0x202F),  # embeddings and overrides, which change the reading order
    *range(0x2066, 0x206A),  # isolates, unless they are balanced in their line
    0x2028,
    0x2029,
]
_INVISIBLE = [
    *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *range(0x2060, 0x2065),  # word joiner and invisible operators
    *range(0x206A, 0x2070),  # deprecated
    *range(0xE0000, 0xE0080),  # tags
]
_TABLE: dict[int, int | None] = {
    **_CONTROL,
    **dict.fromkeys(_REPLACED, 0xFFFD),
    **dict.fromkeys(_INVISIBLE, None),
}
_ISOLATES = range(0x2066, 0x206A)
_NO_ISOLATES = dict.fromkeys(_ISOLATES, 0xFFFD)
_TABLE_WITH_ISOLATES = {code: to for code, to in _TABLE.items() if code not in _ISOLATES}
_END_OF_ISOLATE = "\u2069"
_ISOLATE = re.compile("[\u2066-\u2069]")
_LINE_OR_ISOLATE = re.compile("[\n\u2066-\u2069]")
_LINE_ENDS = re.compile("\r\n?")


def clean(text: str) -> str:
    """Return `text` without anything that can control a terminal or hide words.

    Keeps line feeds and tabs. Other line ends become line feeds, control characters become
    control pictures, and embeddings and lone surrogates become U+FFFD. Removes invisible
    characters. Keeps isolates that their line closes, because they keep the order of mixed
    scripts.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    text = _LINE_ENDS.sub("\n", fix_surrogates(text))
    if _ISOLATE.search(text) is None:
        return text.translate(_TABLE)
    lines = neutralised(text, "\ufffd").split("\n")
    return "\n".join(line.translate(_TABLE_WITH_ISOLATES) for line in lines)


def neutralised(text: str, replacement: str) -> str:
    """Return a text in which every isolate that is unbalanced in its line is replaced."""
    if _ISOLATE.search(text) is None:
        return text
    characters = list(text)
    opened: list[int] = []
    for match in _LINE_OR_ISOLATE.finditer(text):
        at = match.start()
        if match[0] == "\n":
            for each in opened:
                characters[each] = replacement
            opened.clear()
        elif match[0] != _END_OF_ISOLATE:
            opened.append(at)
        elif opened:
            opened.pop()
        else:
            characters[at] = replacement
    for each in opened:
        characters[each] = replacement
    return "".join(characters)


def clean_line(text: str) -> str:
    """Return `text` as one clean line: for titles, model names, errors, paths.

    It has no isolates, because the caller may cut it.
    """
    return clean(" ".join(text.split())).translate(_NO_ISOLATES)


def fix_surrogates(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone surrogates replaced.

    JSON allows lone surrogates, and two deltas may have one half of a pair each. SQLite and
    UTF-8 cannot store them.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
