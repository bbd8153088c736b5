"""Words of scripts that put no spaces between them, made findable.

SQLite's tokenizer takes a whole run of Chinese, Japanese, Korean or Thai for one
word. Runs are therefore indexed as overlapping pairs of characters, and asked for
the same way, as a phrase.
"""

from __future__ import annotations

import re

_RUN = re.compile(
    "["
    "\u0e00-\u0e7f"  # Thai
    "\u0e80-\u0eff"  # Lao
    "\u1000-\u109f"  # Myanmar
    "\u1100-\u11ff"  # Hangul jamo
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007"  # iteration mark, closing mark, zero
    "\u3040-\u30ff"  # kana
    "\u3100-\u312f"  # Bopomofo
    "\u3130-\u318f"  # Hangul compatibility jamo
    "\u31f0-\u31ff"  # katakana extensions
    "\u3400-\u4dbf"  # Han, extension A
    "\u4e00-\u9fff"  # Han
    "\uac00-\ud7af"  # Hangul
    "\uf900-\ufaff"  # Han, compatibility
    "\uff66-\uffdc"  # half-width kana and hangul
    "\U00020000-\U0003ffff"  # Han, further extensions
    "]+"
)


def pairs(text: str) -> str | None:
    """Return the pairs of every such run in `text`, spaced; None when it has none."""
    if text.isascii():
        return None
    found = [pair for run in _RUN.findall(text) for pair in _pairs_of(run)]
    return " ".join(found) or None


def _pairs_of(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [run[at : at + 2] for at in range(len(run) - 1)]
