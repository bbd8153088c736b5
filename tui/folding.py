"""A text as it is compared when somebody looks for it: without case and accents."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Return a text without case and accents, and with single spaces."""
    if not text.isascii():
        spread = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in spread if not unicodedata.combining(c))
    return " ".join(text.casefold().split())
