"""Bigrams, to search in scripts that have no spaces between words.

SQLite's tokenizer takes a run of Chinese, Japanese, Korean or Thai for one word, together
with Latin letters next to it. So such a text is indexed a second time, with each run as
overlapping pairs of characters and the last character alone. This way, every character
begins a word. A query is converted the same way and searched for as a phrase. The same index
also has texts with accents that the tokenizer does not know, without the accents.
"""

from __future__ import annotations

import re

from tui.domain.normalise import without_accents

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


_KNOWN = re.compile("[\0-\u024f\u0300-\u0305\u0307-\u0331\u1e00-\u1eff]+")
"""Letters whose accents SQLite's tokenizer removes itself, and these accents."""


def bigrams(text: str) -> str | None:
    """Return the second version of a text for the index; None if it needs none.

    It has no accents, and its runs are bigrams. SQLite's tokenizer knows only the accents
    of the Latin script.
    """
    if text.isascii():
        return None
    bare = without_accents(text)
    if has_runs(bare):
        return _with_bigrams(bare)
    others = _KNOWN.sub("", text)
    return None if without_accents(others) == others else bare


def has_runs(text: str) -> bool:
    """Return whether a part of a text is in a script without spaces between words."""
    return not text.isascii() and _RUN.search(text) is not None


def query_bigrams(words: str) -> tuple[str, bool]:
    """Return words as the index has them, and whether the last one is only a prefix.

    A run at the end of the query may be longer in the text. Then its last character is the
    beginning of a pair there, and not alone.
    """
    words = without_accents(words)
    if not has_runs(words):
        return words, False
    found = _with_bigrams(words)
    if _RUN.search(words[-1:]) is None:
        return found, False
    *others, last = found.split()
    is_alone = not others or not others[-1].endswith(last) or len(others[-1]) != 2
    return (found, True) if is_alone else (" ".join(others), False)


def _with_bigrams(text: str) -> str:
    return " ".join(_RUN.sub(lambda run: f" {' '.join(_pairs_of(run[0]))} ", text).split())


def _pairs_of(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run))]
