"""The welcome page: who answers, texts to start with, recent conversations and keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from textual import events
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.style import Style
from textual.widgets import Static

from tui.text.sanitise import clean_line

NAME = "streamchat-tui"

_DIM = "$foreground 70%"
_STARTER, _CONVERSATION = "starter", "conversation"
"""The kinds of lines that a click chooses."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The contents of the page."""

    answers: str
    """The model and its endpoint."""
    hint: str
    starters: Sequence[str]
    keys: Sequence[tuple[str, str]]
    """Keys, and what they do. Two are on one line, the others on the next."""
    ways: Sequence[tuple[str, str, str]] = ()
    """The ways to connect: a key, its label, and the action of a click."""
    recent: Sequence[tuple[str, str, str]] = ()
    """Recent conversations: id, title, age."""


class Welcome(Static):
    """Shows a greeting. A click on a starter or a conversation chooses it."""

    class Event(TextualMessage):
        """Base class of the messages for the screen."""

    @dataclass
    class StarterChosen(Event):
        """The user wants this text in the composer. It is not sent yet."""

        text: str

    @dataclass
    class ConversationChosen(Event):
        """The user wants to open a conversation."""

        conversation_id: str

    Posted: TypeAlias = StarterChosen | ConversationChosen

    def __init__(self) -> None:
        super().__init__(id="empty", markup=False)
        self._shown: Greeting | None = None

    def greet(self, greeting: Greeting) -> None:
        """Show a greeting."""
        if greeting != self._shown:
            self._shown = greeting
            self.update(Content("\n").join(_lines(greeting)))

    def on_click(self, event: events.Click) -> None:
        """Post what was clicked."""
        meta = event.style.meta
        if _STARTER in meta:
            self.post_message(self.StarterChosen(str(meta[_STARTER])))
        elif _CONVERSATION in meta:
            self.post_message(self.ConversationChosen(str(meta[_CONVERSATION])))


def _lines(greeting: Greeting) -> Iterator[Content]:
    yield Content.styled(NAME, "bold $text-accent")
    yield Content.styled(greeting.answers, _DIM)
    yield Content()
    yield Content(greeting.hint)
    if greeting.ways:
        yield Content()
        yield Content.styled("Talk to Claude", f"bold {_DIM}")
        width = max(len(key) for key, _, _ in greeting.ways)
        for key, words, action in greeting.ways:
            line = Content.assemble("  ", (key.ljust(width), "bold $text-accent"), "  ", words)
            yield line.stylize(Style.from_meta({"@click": action}))
    yield from _group("Try", [(each, "", _STARTER, each) for each in greeting.starters])
    yield from _group(
        "Recent",
        [(clean_line(title), age, _CONVERSATION, id_) for id_, title, age in greeting.recent],
    )
    yield Content()
    for row in (greeting.keys[:2], greeting.keys[2:]):
        yield Content("   ").join(
            Content.assemble((key, "bold $text-accent"), " ", (what, _DIM)) for key, what in row
        )


def _group(heading: str, entries: Sequence[tuple[str, str, str, str]]) -> Iterator[Content]:
    """Yield a heading and its lines. An entry is a text, a note, a kind and a value."""
    if not entries:
        return
    yield Content()
    yield Content.styled(heading, f"bold {_DIM}")
    for words, note, kind, value in entries:
        line = Content.assemble("  ", words, "  " if note else "", (note, _DIM))
        yield line.stylize(Style.from_meta({kind: value}))
