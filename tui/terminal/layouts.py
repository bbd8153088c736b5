"""Which Latin key a letter of another alphabet shares its key with.

Shortcuts are named after Latin letters. A terminal that tells no alternate key says
only Ctrl and с where a Russian keyboard has C.
"""

from __future__ import annotations

# Each alphabet beside the keys of an American keyboard on which its letters stand.
# Where two layouts disagree the more common one is meant.
_ROWS = (
    # Russian, with the letters of Ukrainian, Belarusian, Serbian and Macedonian after it
    ("йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"),
    ("іїєґўљњђјћѕџѓќ", "s]'\\oqw[j'zx]'"),
    # Greek
    ("ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"),
    ("έύίόάήώϊϋ", "eyioahviy"),
    # Hebrew
    ("קראטוןםפשדגכעיחלךףזסבהנמצתץ", "ertyuiopasdfghjkl;zxcvbnm,."),
    # Arabic and Persian: where a letter writes a sign in one of them and is a letter's
    # key in the other, it is taken for the letter's
    ("ضصثقفغعهخحجشسيبلاتنمكئءؤرىة", "qwertyuiop[asdfghjkl;zxcvnm"),
    ("یچپگکطظذدژوزﻻﻷ", "d]m';xzbnc,cbb"),
)  # fmt: skip

_LATIN = {
    letter: key for letters, keys in _ROWS for letter, key in zip(letters, keys, strict=True)
}

_SIGNS_ON_LETTERS = {(";", "q"), ("/", "q"), ("'", "w")}
"""What Greek and Hebrew keyboards write with a Latin letter's key. The same signs with
other base keys are Dvorak's and mean themselves."""


def latin(character: str, base: str = "") -> str:
    """Return what the key of `character` writes on a Latin keyboard.

    `base` is what the terminal says of it, if anything. Latin letters and signs stay,
    whichever key they stand on: who uses Dvorak means the letter.
    """
    if character.isascii() and (character, base) not in _SIGNS_ON_LETTERS:
        return character
    if base.isascii() and base:
        return base
    known = _LATIN.get(character.lower(), character)
    return known.upper() if character.isupper() else known
