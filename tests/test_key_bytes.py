"""Every bound key arrives under its name, in whichever encoding a terminal sends it.

The bytes are made from facts about three encodings, listed below. The input filter and
Textual's parser read them. For a key that an encoding lacks, there is a list of what arrives
instead.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from tests.sent import messages
from tests.terminal import terminal
from tui.config.keymap import arrived
from tui.ui.bindings import every_key

TO_THE_MESSAGES = "shift+tab"
"""Textual binds this key on every screen."""

KEYS = sorted({key for known in every_key() for key in known.keys} | {TO_THE_MESSAGES})

# Facts: the legacy encoding (xterm's ctlseqs)

CONTROLS = {"backspace": 127, "enter": 13, "escape": 27, "space": 32, "tab": 9}
"""Keys that send one character, and its code."""

SIGNS = {"left_square_bracket": "[", "right_square_bracket": "]", "slash": "/"}
"""Textual's names for some characters."""

ARROWS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
"""Keys that send CSI and this letter; with modifiers, CSI 1;m and the letter."""

NUMBERED = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6,
    "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
}  # fmt: skip
"""Keys that send CSI, this number and a tilde; with modifiers, CSI number;m~."""

FIRST_FOUR = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
"""Keys that send SS3 and this letter; in the kitty protocol CSI instead, except F3."""

F3_IN_KITTY = 13
"""F3's number in the kitty protocol, where CSI R would be a cursor report."""

MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4, "super": 8}
"""What each modifier adds to the parameter m, which begins at 1."""

NUM_LOCK = 128
"""What the kitty protocol adds to m for Num Lock."""

NOT_IN_LEGACY = {
    "shift+enter": "what Enter sends",
    "ctrl+enter": "what Enter sends",
    "ctrl+backspace": "what Ctrl+H sends, or Backspace",
    "ctrl+shift+k": "what Ctrl+K sends",
    "super+backspace": "there is no such modifier",
    "super+c": "there is no such modifier",
    "super+x": "there is no such modifier",
    "super+y": "there is no such modifier",
    "super+z": "there is no such modifier",
}

OTHER_NAME_IN_LEGACY = {"alt+backspace": "ctrl+w"}
"""Keys that Textual reads as another key on purpose, and binds to the same action."""

NOT_WITH_MODIFY_OTHER_KEYS = {
    f"super+{name}": "there is no such modifier" for name in ("backspace", *"cxyz")
}

# The bytes of a key in each encoding


def parts(key: str) -> tuple[int, str]:
    """Return the parameter m of a key's modifiers, and the bare key; G is Shift and g."""
    *modifiers, name = key.split("+")
    if len(name) == 1 and name.isupper():
        modifiers, name = [*modifiers, "shift"], name.lower()
    return 1 + sum(MODIFIERS[each] for each in modifiers), name


def function_key(name: str, m: int) -> str | None:
    """Return the bytes of a key without a character, the same in all encodings."""
    more = f";{m}" if m > 1 else ""
    if name in ARROWS:
        return f"\x1b[{f'1{more}' if more else ''}{ARROWS[name]}"
    if name in NUMBERED:
        return f"\x1b[{NUMBERED[name]}{more}~"
    return None


def character_of(name: str) -> str:
    """Return the character of a key, without modifiers."""
    if len(name) == 1:
        return name
    return SIGNS[name] if name in SIGNS else chr(CONTROLS[name])


def legacy(key: str) -> str:
    """Legacy: Ctrl keeps five bits of a letter's code, and Alt puts Esc before it."""
    m, name = parts(key)
    if key == "shift+tab":
        return "\x1b[Z"
    if name in FIRST_FOUR:
        return f"\x1bO{FIRST_FOUR[name]}"
    if (sent := function_key(name, m)) is not None:
        return sent
    character = character_of(name)
    if m - 1 & MODIFIERS["shift"]:
        character = character.upper()
    if m - 1 & MODIFIERS["ctrl"]:
        character = chr(ord(character) & 0x1F)
    return f"\x1b{character}" if m - 1 & MODIFIERS["alt"] else character


def kitty(key: str, *, locks: int = 0) -> str:
    """Kitty, with the flags that the app requests: CSI code:shifted;m;text u for every key.

    The code is that of the key without Shift. The shifted code follows if Shift is down,
    and the text if the key inserts one.
    """
    m, name = parts(key)
    with_locks = m + locks
    if name == "f3":
        return f"\x1b[{F3_IN_KITTY};{with_locks}~"
    if name in FIRST_FOUR:
        return f"\x1b[{f'1;{with_locks}' if with_locks > 1 else ''}{FIRST_FOUR[name]}"
    if (sent := function_key(name, with_locks)) is not None:
        return sent
    character = character_of(name)
    text = ""
    if character.isprintable() and m in (1, 2):
        text = f";{ord(character.upper() if m == 2 else character)}"
    shown = str(with_locks) if with_locks > 1 else ""
    shifted = (
        f":{ord(character.upper())}"
        if m - 1 & MODIFIERS["shift"] and character.isalpha()
        else ""
    )
    return f"\x1b[{ord(character)}{shifted}{f';{shown}' if shown or text else ''}{text}u"


def modify_other_keys(key: str) -> str:
    """modifyOtherKeys: CSI 27;m;code~ with a modifier; the code is that with Shift.

    Keys without a character, and keys without a modifier, are in the legacy encoding.
    """
    m, name = parts(key)
    if m == 1 or name in FIRST_FOUR or function_key(name, m) is not None:
        return legacy(key)
    character = character_of(name)
    if m - 1 & MODIFIERS["shift"]:
        character = character.upper()
    return f"\x1b[27;{m};{ord(character)}~"


def csi_u(key: str) -> str:
    """The same as CSI code;m u, which some terminals can be set to send."""
    sent = modify_other_keys(key)
    if not sent.startswith("\x1b[27;"):
        return sent
    _, m, code = sent[2:-1].split(";")
    return f"\x1b[{code};{m}u"


def received(sent: str) -> list[tuple[str, str | None]]:
    """Return the keys that the program receives, with their text."""
    found = messages(sent.encode())
    keys = [event for event in found if isinstance(event, events.Key)]
    assert len(keys) == len(found)
    return [arrived(event.key, event.character) for event in keys]


def names(sent: str) -> list[str]:
    return [name for name, _ in received(sent)]


@pytest.mark.parametrize("key", [key for key in KEYS if key not in NOT_IN_LEGACY])
def test_a_key_arrives_as_terminals_have_always_sent_it(key: str) -> None:
    assert names(legacy(key)) == [OTHER_NAME_IN_LEGACY.get(key, key)]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_arrives_in_the_kitty_protocol(key: str) -> None:
    assert names(kitty(key)) == [key]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_arrives_in_the_kitty_protocol_with_num_lock_on(key: str) -> None:
    assert names(kitty(key, locks=NUM_LOCK)) == [key]


@pytest.mark.parametrize("key", [key for key in KEYS if key not in NOT_WITH_MODIFY_OTHER_KEYS])
def test_a_key_arrives_with_modify_other_keys(key: str) -> None:
    assert names(modify_other_keys(key)) == [key]


@pytest.mark.parametrize("key", [key for key in KEYS if not key.startswith("super+")])
def test_a_key_arrives_as_csi_u(key: str) -> None:
    assert names(csi_u(key)) == [key]


def test_the_keys_that_an_encoding_lacks_are_listed_for_bound_keys_only() -> None:
    told = {*NOT_IN_LEGACY, *OTHER_NAME_IN_LEGACY, *NOT_WITH_MODIFY_OTHER_KEYS}
    assert told <= set(KEYS)


@pytest.mark.parametrize("way", [legacy, kitty, modify_other_keys, csi_u])
@pytest.mark.parametrize("letter", string.ascii_lowercase)
def test_a_letter_with_ctrl_writes_nothing(way: Callable[[str], str], letter: str) -> None:
    ((_, text),) = received(way(f"ctrl+{letter}"))
    assert text is None or not text.isprintable()


@pytest.mark.parametrize("way", [legacy, kitty])
@pytest.mark.parametrize(
    ("key", "text"), [("a", "a"), ("G", "G"), *SIGNS.items(), ("space", " ")]
)
def test_a_key_without_modifiers_inserts_its_character(
    way: Callable[[str], str], key: str, text: str
) -> None:
    assert received(way(key)) == [(key, text)]


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        # Shift and 7, and AltGr and 8, on a German keyboard.
        ("\x1b[55;2;47u", "slash"),
        ("\x1b[56;;91u", "left_square_bracket"),
        # Without the text, from terminals that do not send it.
        ("\x1b[103;2u", "G"),
        ("\x1b[71;2u", "G"),
        # With Caps Lock, which does not count as Shift.
        ("\x1b[102;69u", "ctrl+f"),
        # Some terminals send this form for every key.
        ("\x1b[27;1;27~", "escape"),
    ],
)
def test_the_text_decides_whatever_the_keyboard(sent: str, key: str) -> None:
    assert names(sent) == [key]


def test_an_at_sign_may_come_with_ctrl_where_there_is_altgr() -> None:
    assert received("\x1b[113;7;64u") == [("ctrl+at", "@")]


WAYS = {"legacy": legacy, "kitty": kitty, "modifyOtherKeys": modify_other_keys, "csi-u": csi_u}


@pytest.mark.parametrize("way", WAYS)
def test_a_person_gets_about_in_whatever_way_keys_are_sent(way: str, empty_home: Path) -> None:
    def press(*keys: str) -> None:
        screen.press("".join(WAYS[way](key) for key in keys))

    is_legacy = way == "legacy"
    new_line, back = ("ctrl+j", "up") if is_legacy else ("shift+enter", "shift+enter")
    with terminal(home=empty_home, size=(110, 34)) as screen:
        screen.until_seen("Offline demo")
        # `kitty` assumes these flags: all keys, with text and alternate codes.
        screen.until(lambda: b"\x1b[>29u" in screen.raw)
        press(*"help", "space", *"herons", new_line, *"heron", "space", *"herons", "enter")
        screen.until_seen("s to first text")
        press("ctrl+f")
        screen.until_seen("Previous")
        # The last letter leaves only one title.
        press(*"herons")
        screen.until_seen("1/2")
        press(back)
        screen.until_seen("2/2")
        press("shift+tab")
        screen.until_seen("Regenerate")
        press("N")
        screen.until_seen("1/2")
        press("R")
        screen.until_seen("which model?")
        press("escape")
        screen.until(lambda: "which model?" not in screen.text)
        press("ctrl+s")
        screen.until_seen("The list")
        press("tab")
        screen.until_seen("Mark")
        press("A")
        screen.until_seen("The archive is empty")
        press("A", "slash")
        screen.until_seen("The list")
        press(*"zz")
        screen.until_seen("No title matches")
        press("f2")
        screen.until_seen("Enter Save")
        press("escape")
        screen.until(lambda: "Enter Save" not in screen.text)
        press("ctrl+q")
        assert screen.until_left() == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_person_composes_in_whatever_way_keys_are_sent(way: str, empty_home: Path) -> None:
    def press(*keys: str) -> None:
        screen.press("".join(WAYS[way](key) for key in keys))

    environ = {"VISUAL": "sh -c 'echo edited > $0'"}
    with terminal(home=empty_home, size=(110, 34), environ=environ) as screen:
        screen.until_seen("Offline demo")
        screen.until(lambda: b"\x1b[>29u" in screen.raw)
        press(*"herons", "enter")
        screen.until_seen("s to first text")
        press("up")
        screen.until_seen("│ herons")
        press("escape")
        screen.until_seen("Ask anything")
        press("ctrl+r")
        screen.until_seen("1 prompt")
        press("enter")
        screen.until_seen("Back to the draft")
        press("down")
        screen.until_seen("Ask anything")
        press("slash", *"hel", "tab")
        screen.until_seen("│ /help")
        press("enter")
        screen.until_seen("Everywhere")
        press("escape")
        screen.until_seen("Ask anything")
        press("ctrl+g")
        screen.until_seen("│ edited")
        press("ctrl+q")
        assert screen.until_left() == 0
