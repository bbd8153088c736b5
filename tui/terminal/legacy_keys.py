"""Knows which key a terminal without a keyboard protocol sends instead of another one.

Pure. Such a terminal sends one character for most keys, and a character cannot carry all
modifiers. For the protocols that can, see `key_reports`.
"""

from __future__ import annotations

from typing import Final

_NO_SUCH_MODIFIER: Final = {"super", "hyper", "meta"}
_ONE_CHARACTER: Final = {"enter", "escape", "backspace", "space", "tab"}
"""Named keys that send one character, whatever modifiers are held."""
_SEQUENCES: Final = {
    *("up", "down", "left", "right", "home", "end", "insert", "delete", "pageup", "pagedown"),
    *(f"f{number}" for number in range(1, 13)),
}
"""Keys that send an escape sequence, which can carry modifiers."""
_WITH_CTRL: Final = {
    *("at", "left_square_bracket", "backslash", "right_square_bracket"),
    *("circumflex_accent", "underscore"),
}
"""Punctuation that sends a control character with Ctrl."""
_SENT_AS: Final = {
    "ctrl+h": "backspace",
    "ctrl+i": "tab",
    "ctrl+left_square_bracket": "escape",
    "ctrl+m": "enter",
}


def sent_instead(key: str) -> str | None:
    """Return the key that the terminal sends instead of `key`; None if it can send `key`.

    Returns "" if it sends nothing, or if that is not known. `key` is spelled as in bindings.
    """
    *modifiers, name = key.split("+")
    held = set(modifiers)
    if held & _NO_SUCH_MODIFIER:
        return ""
    if not held or name in _SEQUENCES or key == "shift+tab":
        return None
    if key in _SENT_AS:
        return _SENT_AS[key]
    if name in _ONE_CHARACTER:
        # With Alt alone, the terminal sends Esc before the character.
        return None if held == {"alt"} else "+".join([*sorted(held & {"alt"}), name])
    if "ctrl" in held:
        return _with_ctrl(held, name)
    return None


def _with_ctrl(held: set[str], name: str) -> str | None:
    if not (_is_letter(name) or name in _WITH_CTRL):
        return ""
    return "+".join([*sorted(held - {"shift"}), name]) if "shift" in held else None


def _is_letter(name: str) -> bool:
    return len(name) == 1 and name.isascii() and name.isalpha()
