r"""Reads the key reports of the kitty keyboard protocol and of xterm.

A report is `CSI key:shifted:base ; modifiers:event ; text u` in the kitty protocol, or the
same with another last letter for keys without text, or `CSI 27 ; modifiers ; key ~` of xterm's
modifyOtherKeys. Textual 8.2.8 raises ValueError for a colon, for a number that is not a
character, and for one that is too long. It does not know keyboard layouts of other alphabets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from textual._keyboard_protocol import FUNCTIONAL_KEYS, MODIFIER_FUNCTIONAL_KEYS
from textual.events import Key
from textual.keys import _character_to_key as name_of

from tui.terminal.layouts import latin

KEY_FLAGS: Final = "\x1b[>29u"
"""The kitty protocol's flags: Textual's 25, and 4 for the alternate keys of each key."""
KEY_FLAGS_OFF: Final = "\x1b[<u"

_REPORT = re.compile(r"\x1b\[([\d:]*)(?:;([\d:]*))?(?:;([\d:]*))?([u~ABCDEFHPQRS])", re.ASCII)
_MODIFIERS = ("shift", "alt", "ctrl", "super", "hyper", "meta")
_MAX_MODIFIERS = 255
"""All of these, with Caps Lock and Num Lock, which only change the text."""
_MODIFY_OTHER_KEYS = 27
_CHARACTERS = {"enter": "\r", "tab": "\t", "backspace": "\x7f"}
"""The characters that Textual's own events have for these keys."""
_OTHER_NUMBERS = {8: 127}
"""Some terminals report Backspace as Ctrl+H."""


def is_text(character: str) -> bool:
    """Return whether a character is text, not a control character or a lone surrogate."""
    code = ord(character)
    return not (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000)


def is_modifier(key: str) -> bool:
    """Return whether a key is only a modifier, which the kitty protocol also reports."""
    return key in MODIFIER_FUNCTIONAL_KEYS


@dataclass(frozen=True, slots=True)
class _Report:
    """A parsed key report. A missing or invalid character is empty."""

    number: int
    last: str
    shifted: str
    base: str
    held: frozenset[str]
    """The names of the modifiers."""
    text: str


def keys(sequence: str) -> list[Key] | None:
    """Return the keys of a report; an empty list for a released or an invalid key.

    Returns None if `sequence` is not a key report.
    """
    if (match := _REPORT.fullmatch(sequence)) is None:
        return None
    key, how, text = (_numbers(part) for part in match.groups(default="")[:3])
    last = match[4]
    if last == "~" and key[0] == _MODIFY_OTHER_KEYS:
        key, text, last = text, [-1], "u"
    modifiers, event = how[0], how[1] if len(how) > 1 else -1
    if modifiers > _MAX_MODIFIERS + 1 or event > 2:
        return []
    number = 1 if key[0] < 0 else key[0]
    return _keys(
        _Report(
            number=_OTHER_NUMBERS.get(number, number) if last == "u" else number,
            last=last,
            shifted=_character(key[1]) if len(key) > 1 else "",
            base=_character(key[2]) if len(key) > 2 else "",
            held=_held(max(modifiers - 1, 0)),
            text="".join(map(_character, text)),
        )
    )


def _numbers(part: str) -> list[int]:
    """Return the numbers between colons; -1 for a missing one."""
    # Python does not parse a number with thousands of digits. Eight digits are enough: such
    # a number is never a character.
    return [int(each[:8]) if each else -1 for each in part.split(":")]


def _character(code: int) -> str:
    if 0 <= code <= 0x10FFFF and is_text(chr(code)):
        return chr(code)
    return ""


def _held(modifiers: int) -> frozenset[str]:
    return frozenset(name for bit, name in enumerate(_MODIFIERS) if modifiers & (1 << bit))


def _keys(report: _Report) -> list[Key] | None:
    name = FUNCTIONAL_KEYS.get(f"{report.number}{report.last}")
    if name is not None:
        return [_functional(name, report)]
    if report.last != "u":
        return None
    if report.text:
        # Keep Ctrl. Some terminals report AltGr as Ctrl and Alt.
        held = report.held - {"shift", "alt"}
        return [Key(_named(held, name_of(each)), each) for each in report.text]
    character = _character(report.number)
    return [_without_text(character, report)] if character else []


def _functional(name: str, report: _Report) -> Key:
    if name in MODIFIER_FUNCTIONAL_KEYS:
        return Key(name, None)
    if report.text:
        return Key(_named(report.held - {"shift", "alt"}, name), report.text[0])
    return Key(_named(report.held, name), None if report.held else _CHARACTERS.get(name))


def _without_text(character: str, report: _Report) -> Key:
    """Return the key of a report that has a character but no text."""
    if report.held - {"shift"}:
        return Key(_named(report.held, name_of(latin(character, report.base))), None)
    if not report.held or character == " ":
        return Key(name_of(character), character)
    if shifted := report.shifted or _capital(character):
        return Key(name_of(shifted), shifted)
    return Key(_named(report.held, name_of(character)), None)


def _capital(character: str) -> str:
    capital = character.upper()
    return capital if len(capital) == 1 and capital != capital.lower() else ""


def _named(held: frozenset[str], name: str) -> str:
    return "+".join([*sorted(held), name])
