"""Passes input of a terminal through the driver, and returns the app's messages."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from tui.terminal.input_filter import PASTE_TIMEOUT, InputFilter, Piece


def messages(*reads: bytes, is_more_to_come: bool = False) -> list[Message]:
    """Return the messages that the driver posts for these reads."""
    pieces, parser = InputFilter(), XTermParser()
    sent = [message for read in reads for message in _parsed(parser, pieces.feed(read))]
    while pieces._held and not is_more_to_come:
        sent += _parsed(parser, pieces.pause(PASTE_TIMEOUT))
    return sent


def _parsed(parser: XTermParser, pieces: Iterable[Piece]) -> Iterable[Message]:
    for piece in pieces:
        # Textual's generator must be exhausted before the next piece is fed.
        yield from list(parser.feed(piece)) if isinstance(piece, str) else [piece]


def names(sent: Iterable[Message]) -> list[str]:
    """Return a short text for every message."""
    return [_name(message) for message in sent]


def _name(message: Message) -> str:
    if isinstance(message, events.Key):
        return f"{message.key} {message.character!r}"
    if isinstance(message, events.Paste):
        return f"paste {message.text!r}"
    return repr(message)


def typed(sent: Iterable[Message]) -> str:
    """Return the text of all keys."""
    return "".join(
        message.character or "" for message in sent if isinstance(message, events.Key)
    )
