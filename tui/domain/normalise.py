"""Removes case and accents from texts, so that a search can compare them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache


def normalise(text: str) -> str:
    """Return a text without case and accents, and with single spaces."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(text.casefold().split())


def without_accents(text: str) -> str:
    """Return a text without accents and points, in NFC.

    Canonically equal texts give equal results. Marks that make another letter stay: the
    voicing marks of kana, vowels and tones of Indic scripts and Thai, the breve of й.
    """
    if text.isascii():
        return text
    bare = accents().sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


@cache
def accents() -> re.Pattern[str]:
    """Return a pattern for an accent, or a Hebrew or Arabic point, in a decomposed text."""
    return re.compile(f"(?<![иИ])\u0306|[{accent_class()}]")


@cache
def accent_class() -> str:
    """Return the accents and points, except the breve, for use in a character class."""
    # Selected by combining class. Classes below 200 belong to single scripts; 10 to 36 are
    # Hebrew, Arabic and Syriac points.
    return "".join(
        character
        for character in map(chr, range(0x300, 0x10000))
        if ((mark_class := unicodedata.combining(character)) >= 200 or 10 <= mark_class <= 36)
        and character != "\u0306"
    )
