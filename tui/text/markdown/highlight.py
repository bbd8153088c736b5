"""Colours code in segments of some lines.

Pygments lexes a complete text at once. This module stops it after each segment and stores its
state. So growing code is not lexed from the beginning again, and code that is not shown is
not lexed at all. The segments depend only on the text, not on the pieces in which it arrived,
so the colours are always the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from textual.content import Span

from tui.text.markdown.tabs import expanded

SHORTEST, LONGEST = 12, 32
"""The shortest and the longest segment, in lines.

A segment ends before a blank line if it can: many lexers match a comment only as a unit, and
few comments contain blank lines. A growing segment is lexed each time it is drawn, in 0.1 ms
for each line.
"""

LONGEST_LINE = 1_000
"""Longer lines, which are rarely written by people, have no colours: lexing is too slow."""

Spans = list[Span]
Stack = list[str]
"""The stack of a lexer's states, the innermost last."""


class Highlighter:
    """The colours of one block of code, computed as far as it has been shown."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._starts = [0]
        """The first line of each segment that is known."""
        self._stacks: list[Stack] = [["root"]]
        """The lexer's stack at the start of each segment."""
        self._spans: list[Spans] = []

    def spans(self, lines: Sequence[str], index: int) -> Spans:
        """Return the colours of one of `lines`, as spans of the expanded line.

        Returns no colours for an unknown language.
        """
        lexer = _lexer(self._language)
        if lexer is None:
            return []
        while index >= len(self._spans):
            self._lex_segment(lexer, lines)
        return self._spans[index]

    def forget(self, first: int) -> int:
        """Discard the colours that depend on lines from `first` on.

        Returns the first line whose colours were discarded.
        """
        # If `first` becomes blank, the segment before it may end there.
        segment = bisect_right(self._starts, max(first - 1, 0))
        del self._starts[segment:], self._stacks[segment:]
        del self._spans[self._starts[-1] :]
        return self._starts[-1]

    def _lex_segment(self, lexer: Any, lines: Sequence[str]) -> None:
        start = self._starts[-1]
        end = _segment_end(lines, start)
        stack = list(self._stacks[-1])
        segment = [
            expanded(line) if len(line) <= LONGEST_LINE else "" for line in lines[start:end]
        ]
        self._spans += _coloured(lexer, segment, stack)
        self._starts.append(end)
        self._stacks.append(stack)


def _segment_end(lines: Sequence[str], start: int) -> int:
    longest = min(start + LONGEST, len(lines))
    # The last line may still change.
    blank = (
        index
        for index in range(start + SHORTEST, min(longest, len(lines) - 1))
        if not lines[index].strip()
    )
    return next(blank, longest)


@cache
def _lexer(language: str) -> Any:
    """Return the Pygments lexer of a language; None if there is none."""
    if not language:
        return None
    # Importing Pygments' index takes 10 ms, and each lexer up to 60 ms. So they are imported
    # when the first code is drawn, after the first screen.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


@cache
def _is_resumable(lexer: Any) -> bool:
    """Return whether the lexer is only a table of rules with a stack of states."""
    from pygments.lexer import RegexLexer

    return getattr(type(lexer), "get_tokens_unprocessed", None) is (
        RegexLexer.get_tokens_unprocessed
    )


@cache
def _style(token: Any) -> str:
    """Return the style of a token type, or of its nearest parent that has one."""
    from pygments.token import Error
    from textual.highlight import HighlightTheme

    # Incomplete code is an error for a lexer. Red would flicker while the code arrives.
    while token is not None and token is not Error:
        if style := HighlightTheme.STYLES.get(token):
            return style
        token = token.parent
    return ""


def _coloured(lexer: Any, lines: Sequence[str], stack: Stack) -> list[Spans]:
    """Return the colours of each line; `stack` becomes the state after the last line."""
    text = "\n".join(lines) + "\n"
    if _is_resumable(lexer):
        tokens = _resumed(lexer, text, stack)
    else:
        tokens = lexer.get_tokens_unprocessed(text)
    spans: list[Spans] = [[] for _ in lines]
    line = start = 0
    for position, token, words in tokens:
        style = _style(token)
        if not style or position < start:
            continue
        while position > start + len(lines[line]) and line + 1 < len(lines):
            start += len(lines[line]) + 1
            line += 1
        _add_style(spans, line, position - start, words, style)
    return spans


def _add_style(spans: list[Spans], line: int, column: int, words: str, style: str) -> None:
    """Add a style to a token that may extend over several lines."""
    for part in words.split("\n"):
        if line >= len(spans):
            return
        if part:
            spans[line].append(Span(column, column + len(part), style))
        line, column = line + 1, 0


def _resumed(lexer: Any, text: str, stack: Stack) -> Iterator[tuple[int, Any, str]]:
    """Do what `RegexLexer.get_tokens_unprocessed` does, with a stack of the caller."""
    from pygments.token import Error, Whitespace

    states = lexer._tokens  # noqa: SLF001 - the table that the lexer itself uses
    rules = states[stack[-1]]
    position = 0
    while position < len(text):
        for matches, action, change in rules:
            match = matches(text, position)
            if match is None:
                continue
            # The action is a token type, which is a tuple, or a function that yields tokens.
            if isinstance(action, tuple):
                yield position, action, match.group()
            elif action is not None:
                yield from action(lexer, match)
            position = match.end()
            if change is not None:
                _move(stack, change)
                rules = states[stack[-1]]
            break
        else:
            is_end = text[position] == "\n"
            if is_end:
                stack[:] = ["root"]
                rules = states["root"]
            yield position, Whitespace if is_end else Error, text[position]
            position += 1


def _move(stack: Stack, change: tuple[str, ...] | int | str) -> None:
    """Apply a rule's change of states to the stack. The outermost state always stays."""
    match change:
        case tuple():
            for step in change:
                _move(stack, step)
        case int():
            del stack[max(1, len(stack) - abs(change)) :]
        case "#pop":
            del stack[max(1, len(stack) - 1) :]
        case "#push":
            stack.append(stack[-1])
        case _:
            stack.append(change)
