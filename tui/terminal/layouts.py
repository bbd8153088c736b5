"""Finds the Latin letter on the same key as a letter of another alphabet.

Shortcuts have the names of Latin letters. For Ctrl+C on a Russian keyboard, a terminal that
does not report alternate keys sends only Ctrl and с.
"""

from __future__ import annotations

# The letters of each alphabet, and the keys of an American keyboard for them.
# If two layouts disagree, the more common one is used.
_ROWS = (
    # Russian, with the letters of Ukrainian, Belarusian, Serbian and Macedonian after it
    ("йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"),
    ("іїєґўљњђјћѕџѓќ", "s]'\\oqw[j'zx]'"),
    # Greek
    ("ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"),
    ("έύίόάήώϊϋ", "eyioahviy"),
    # Hebrew
    ("קראטוןםפשדגכעיחלךףזסבהנמצתץ", "ertyuiopasdfghjkl;zxcvbnm,."),
    # Arabic and Persian: if a letter is on the key of a sign in one layout, and on the key
    # of a letter in the other, the letter is used
    ("ضصثقفغعهخحجشسيبلاتنمكئءؤرىة", "qwertyuiop[asdfghjkl;zxcvnm"),
    ("یچپگکطظذدژوزﻻﻷ", "d]m';xzbnc,cbb"),
)  # fmt: skip

_LATIN = {
    letter: key for letters, keys in _ROWS for letter, key in zip(letters, keys, strict=True)
}

_SIGNS_ON_LETTERS = {(";", "q"), ("/", "q"), ("'", "w")}
"""Signs that Greek and Hebrew keyboards have on the key of a Latin letter. With other base
keys, these signs come from a Dvorak keyboard and stay as they are."""


def latin(character: str, base: str = "") -> str:
    """Return the character that the key of `character` has on a Latin keyboard.

    `base` is the base key that the terminal reports, if it does. Latin letters and signs
    stay the same, because a user of a Dvorak keyboard means the letter, not the key.
    """
    if character.isascii() and (character, base) not in _SIGNS_ON_LETTERS:
        return character
    if base.isascii() and base:
        return base
    known = _LATIN.get(character.lower(), character)
    return known.upper() if character.isupper() else known
