"""Earlier questions of the user, to ask again or to change."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.normalise import without_accents


@dataclass(frozen=True, slots=True)
class EarlierPrompt:
    """A question as it was asked."""

    n: int
    """Its position in the history: a later question has a greater number."""
    text: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class EarlierPrompts:
    """Some earlier questions, the newest first. Each text is there once."""

    prompts: tuple[EarlierPrompt, ...]
    is_complete: bool = True
    """Whether no others match."""


def search_words(typed: str) -> tuple[str, ...]:
    """Return the words of a search, in the form that `has_words` expects."""
    return tuple(_comparable(typed).split())


def has_words(text: str, words: tuple[str, ...]) -> bool:
    """Tell whether a text contains all words. Case and accents do not matter."""
    if not words:
        return True
    compared = _comparable(text)
    return all(word in compared for word in words)


def _comparable(text: str) -> str:
    # Without its accents, a lone accent would be empty, and every text contains that.
    return (without_accents(text) or text).casefold()
