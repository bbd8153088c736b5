"""The words inside a block: emphasis, code, links, pictures, breaks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from markdown_it.token import Token
from textual.content import Content, Span
from textual.style import Style

from tui.markdown.highlight import TAB
from tui.sanitise import clean

CODE = "$text-warning on $surface"
LINK = "underline $accent"
EMPHASES = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}

_PUNCTUATION = "?!.,:;*_~'"
_ADDRESS = re.compile(rf"\b(?:https?://|www\.)[^\s<>\"]*[^\s<>\"{_PUNCTUATION}]")


class _Writer:
    """Takes the tokens of a block one by one and writes its words."""

    def __init__(self, *, has_entities: bool) -> None:
        self._has_entities = has_entities
        self._words: list[str] = []
        self._spans: list[Span] = []
        self._length = 0
        self._open: list[tuple[int, Token]] = []
        """Where each emphasis or link began that has not ended."""
        self._depths = Counter[str]()
        """How many of each kind these are."""

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
                self._picture(token)
            case "text":
                self._text(token.content)
            case _ if token.nesting == 1:
                self._open.append((self._length, token))
                self._depths[token.type] += 1
            case _ if token.nesting == -1:
                start, opening = self._open.pop()
                self._close(start, opening)
            case _:
                self._write(token.content)

    def _write(self, words: str) -> int:
        """Write, and return where that began."""
        if self._has_entities:
            # One may have stood for any character.
            words = clean(words)
        words = words.expandtabs(TAB)
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
            # Emphasis in emphasis of the same kind looks no different.
            return
        if opening.type == "link_open":
            self._link(start, str(opening.attrs.get("href", "")))
        else:
            self._style(start, EMPHASES[opening.type])

    def _picture(self, token: Token) -> None:
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


def inline(block: Token) -> Content:
    """Return the words of a token and its children, styled."""
    writer = _Writer(has_entities="&" in block.content)
    for token in block.children or ():
        writer.take(token)
    return writer.content


def _addresses(words: str) -> Iterator[tuple[int, int]]:
    """Yield where web addresses begin and end that are not marked as links."""
    if "://" not in words and "www." not in words:
        return
    for match in _ADDRESS.finditer(words):
        address = match.group()
        # A bracket belongs to the address only if it was opened in it.
        surplus = max(0, address.count(")") - address.count("("))
        surplus = min(surplus, len(address) - len(address.rstrip(")")))
        address = address[: len(address) - surplus].rstrip(_PUNCTUATION)
        yield match.start(), match.start() + len(address)
