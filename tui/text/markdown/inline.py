"""Turns the inline tokens of a block into styled text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from markdown_it.token import Token
from textual.content import Content, Span
from textual.style import Style

from tui.text.markdown.tabs import expanded
from tui.text.sanitise import clean

CODE = "$text-warning on $surface"
LINK = "underline $accent"
EMPHASES = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}

_PUNCTUATION = "?!.,:;*_~'"
_WIDE = (
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\u3030\u303d"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
"""Full-width punctuation: in a text without spaces, only this ends an address."""

_ADDRESS = re.compile(rf"\b(?:https?://|www\.)[^\s<>\"{_WIDE}]*[^\s<>\"{_WIDE}{_PUNCTUATION}]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


class _Writer:
    """Writes the styled text of a block from its tokens, one by one."""

    def __init__(self, *, has_entities: bool, is_cell: bool) -> None:
        self._has_entities = has_entities
        self._is_cell = is_cell
        self._words: list[str] = []
        self._spans: list[Span] = []
        self._length = 0
        self._open: list[tuple[int, Token]] = []
        """The start and the token of each open emphasis or link."""
        self._depths = Counter[str]()
        """The number of open tokens of each type."""

    @property
    def content(self) -> Content:
        return Content("".join(self._words), self._spans, strip_control_codes=False)

    def take(self, token: Token) -> None:
        match token.type:
            case "softbreak":
                self._write(" ")
            case "hardbreak":
                self._write("\n")
            case "code_inline":
                self._style(self._write(token.content), CODE)
            case "image":
                self._image(token)
            case "text":
                self._text(token.content)
            case "html_inline" if self._is_cell and _BREAK.fullmatch(token.content):
                # In a cell, this is the only way to break a line.
                self._write("\n")
            case _ if token.nesting == 1:
                self._open.append((self._length, token))
                self._depths[token.type] += 1
            case _ if token.nesting == -1:
                start, opening = self._open.pop()
                self._close(start, opening)
            case _:
                self._write(token.content)

    def _write(self, words: str) -> int:
        """Append a text, and return its start."""
        if self._has_entities:
            # An entity may be any character.
            words = clean(words)
        words = expanded(words)
        if self._is_cell and self._words and self._words[-1] == "\n":
            words = words.lstrip(" ")
        start = self._length
        self._words.append(words)
        self._length += len(words)
        return start

    def _style(self, start: int, style: str | Style) -> None:
        if self._length > start:
            self._spans.append(Span(start, self._length, style))

    def _link(self, start: int, target: str) -> None:
        self._style(start, LINK)
        self._style(start, Style.from_meta({"link": target}))

    def _close(self, start: int, opening: Token) -> None:
        self._depths[opening.type] -= 1
        if self._depths[opening.type]:
            # Emphasis inside of the same emphasis does not look different.
            return
        if opening.type == "link_open":
            self._link(start, str(opening.attrs.get("href", "")))
        else:
            self._style(start, EMPHASES[opening.type])

    def _image(self, token: Token) -> None:
        target = str(token.attrs.get("src", ""))
        alternative = inline(token).plain.replace("\n", " ")
        self._link(self._write(f"🖼 {alternative or target}"), target)

    def _text(self, words: str) -> None:
        if self._depths["link_open"]:
            self._write(words)
            return
        written = 0
        for start, end in _addresses(words):
            self._write(words[written:start])
            address = words[start:end]
            target = address if "://" in address else f"https://{address}"
            self._link(self._write(address), target)
            written = end
        self._write(words[written:])


def inline(block: Token, *, is_cell: bool = False) -> Content:
    """Return the styled text of an inline token."""
    writer = _Writer(has_entities="&" in block.content, is_cell=is_cell)
    for token in block.children or ():
        writer.take(token)
    return writer.content


def _addresses(words: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each web address in a text without links."""
    if "://" not in words and "www." not in words:
        return
    for match in _ADDRESS.finditer(words):
        address = match.group()
        # A closing parenthesis belongs to the address only if it was opened in it.
        surplus = max(0, address.count(")") - address.count("("))
        surplus = min(surplus, len(address) - len(address.rstrip(")")))
        address = address[: len(address) - surplus].rstrip(_PUNCTUATION)
        yield match.start(), match.start() + len(address)
