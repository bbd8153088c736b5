"""Words of scripts that put no spaces between them, made findable.

SQLite's tokenizer takes a whole run of Chinese, Japanese, Korean or Thai for one
word, with the Latin letters that touch it. Such texts are therefore indexed a second
time with their runs spaced out: as overlapping pairs of characters, the last one
alone at the end, so that every character begins a word. They are asked for the same
way, as a phrase.
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


def spaced(text: str) -> str | None:
    """Return `text` with its runs spaced out; None when it has none."""
    if text.isascii() or _RUN.search(text) is None:
        return None
    return " ".join(_RUN.sub(lambda run: f" {' '.join(_pairs_of(run[0]))} ", text).split())


def asked(words: str) -> tuple[str, bool]:
    """Return words as they stand in the index, and whether the last may go on there.

    A run that ends them may go on in the text; its last character is not alone there.
    """
    found = spaced(words)
    if found is None:
        return words, False
    ending = _RUN.search(words[-1:]) is not None
    if not ending:
        return found, False
    *others, last = found.split()
    is_alone = not others or not others[-1].endswith(last) or len(others[-1]) != 2
    return (found, True) if is_alone else (" ".join(others), False)


def _pairs_of(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run))]
