"""Colours for code, a block of lines at a time.

Pygments lexes a text in one go. Here it stops every few lines and keeps its state,
so that code which grows is not lexed from the top again, and code that is never
looked at is not lexed at all. It stops at the same lines however the text came, so
the colours are the same too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from textual.content import Span

SHORTEST, LONGEST = 12, 32
"""Lines lexed at a time.

A segment ends before a blank line, since many languages have comments that are lexed
whole or not at all, and few of those have blank lines in them. One that grows is
lexed each time it is drawn, at 0.1 ms a line.
"""

LONGEST_LINE = 1_000
"""Longer lines have no colours: nobody wrote them, and lexing them takes too long."""

TAB = 4
"""Cells from one tab stop to the next."""

Spans = list[Span]
Stack = list[str]
"""The states a lexer is in, the innermost last."""


class Highlighter:
    """The colours of one piece of code, found as far as it has been looked at."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._starts = [0]
        """The first line of each segment that has been reached."""
        self._stacks: list[Stack] = [["root"]]
        """The state at each of these lines."""
        self._spans: list[Spans] = []

    def spans(self, lines: Sequence[str], index: int) -> Spans:
        """Return the colours of one of `lines`, its tabs expanded.

        A language that is not known has none.
        """
        lexer = _lexer(self._language)
        if lexer is None:
            return []
        while index >= len(self._spans):
            self._lex_segment(lexer, lines)
        return self._spans[index]

    def forget(self, first: int) -> int:
        """Forget what changes with the line `first`; return the first line forgotten."""
        # Whether the line is blank decides where the segment before it ends.
        segment = bisect_right(self._starts, max(first - 1, 0))
        del self._starts[segment:], self._stacks[segment:]
        del self._spans[self._starts[-1] :]
        return self._starts[-1]

    def _lex_segment(self, lexer: Any, lines: Sequence[str]) -> None:
        start = self._starts[-1]
        end = _segment_end(lines, start)
        stack = list(self._stacks[-1])
        segment = [
            line.expandtabs(TAB) if len(line) <= LONGEST_LINE else ""
            for line in lines[start:end]
        ]
        self._spans += _coloured(lexer, segment, stack)
        self._starts.append(end)
        self._stacks.append(stack)


def _segment_end(lines: Sequence[str], start: int) -> int:
    longest = min(start + LONGEST, len(lines))
    # The last line may yet become another.
    blank = (
        index
        for index in range(start + SHORTEST, min(longest, len(lines) - 1))
        if not lines[index].strip()
    )
    return next(blank, longest)


@cache
def _lexer(language: str) -> Any:
    """Return the Pygments lexer of a language by that name; None if there is none."""
    if not language:
        return None
    # Pygments' index of lexers costs 10 ms, and each lexer up to 60 more: they are
    # imported when the first code is drawn, by which time the screen stands.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


@cache
def _is_resumable(lexer: Any) -> bool:
    """Return whether the lexer is nothing but a table of rules and a stack of states."""
    from pygments.lexer import RegexLexer

    return getattr(type(lexer), "get_tokens_unprocessed", None) is (
        RegexLexer.get_tokens_unprocessed
    )


@cache
def _style(token: Any) -> str:
    """Return the style of a kind of token, or of the nearest wider kind that has one."""
    from pygments.token import Error
    from textual.highlight import HighlightTheme

    # Whatever is half written is an error. Red would come and go with every line.
    while token is not None and token is not Error:
        if style := HighlightTheme.STYLES.get(token):
            return style
        token = token.parent
    return ""


def _coloured(lexer: Any, lines: Sequence[str], stack: Stack) -> list[Spans]:
    """Return the colours of each line, and leave in `stack` the state after the last."""
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
        _spread(spans, line, position - start, words, style)
    return spans


def _spread(spans: list[Spans], line: int, column: int, words: str, style: str) -> None:
    """Lay a style on words that may run over several lines."""
    for part in words.split("\n"):
        if line >= len(spans):
            return
        if part:
            spans[line].append(Span(column, column + len(part), style))
        line, column = line + 1, 0


def _resumed(lexer: Any, text: str, stack: Stack) -> Iterator[tuple[int, Any, str]]:
    """Do as `RegexLexer.get_tokens_unprocessed` does, with a stack that outlives it."""
    from pygments.token import Error, Whitespace

    states = lexer._tokens  # noqa: SLF001 - the table the lexer itself works from
    rules = states[stack[-1]]
    position = 0
    while position < len(text):
        for matches, action, change in rules:
            match = matches(text, position)
            if match is None:
                continue
            # A kind of token is a tuple; anything else is called to find several.
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
    """Apply what a rule says of the states. The outermost state is never left."""
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
