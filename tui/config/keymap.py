"""What each key does, with the user's own choices.

Keys are spelled as Textual names them: `ctrl+k`, `pageup`, `G`, `slash`. If a choice cannot
work, the default stays, and a line tells the user why.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

from tui.config.commands import COMMANDS, EVERYWHERE, PLACES

_HINTED = re.compile(r"\{([a-z]+\.[a-z-]+)\}")


class BadKey(Exception):
    """Not a key, or one that no terminal sends. The text says why, without a full stop."""


@dataclass(frozen=True, slots=True)
class Known:
    """An action that has keys."""

    id: str | None
    """Its name under `[keys]`; None if its keys cannot be changed."""
    keys: tuple[str, ...]
    description: str
    group: str
    """Where its keys work."""
    is_alone: bool = False
    """Whether no other keys work there, because it is a dialog."""
    leaves_writing: bool = True
    """Whether a letter may be its key: it gets no keys while the user types text."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """What every key does."""

    known: tuple[Known, ...]
    """Every action that has keys, with its present keys."""
    chosen: Mapping[str, str]
    """The user's choices that work: by id, keys with commas between them."""
    unknown: tuple[str, ...] = ()
    """The ids in the user's choices that do not exist."""
    conflicts: tuple[str, ...] = ()
    """A line for the user about each choice that conflicts or cannot work."""

    def keys(self, name: str) -> tuple[str, ...]:
        """Return the keys of an id. Raises `KeyError`."""
        for each in self.known:
            if each.id == name:
                return each.keys
        raise KeyError(name)

    def key(self, name: str) -> str:
        """Return the first key of an id, formatted for the user. Raises `KeyError`."""
        return format_keys(self.keys(name)[:1])

    def fill(self, hint: str) -> str:
        """Replace each id in braces by its key. Raises `KeyError`.

        `{chat.stop} stops it` becomes `Esc stops it`. Add foreign text only afterwards: its
        braces would be replaced too.
        """
        return _HINTED.sub(lambda found: self.key(found[1]), hint)

    def is_bound(self, key: str) -> bool:
        """Tell whether a key does anything, anywhere."""
        return any(key in each.keys for each in self.known)

    def beside(self, name: str) -> list[str]:
        """Return the ids with the same scope as `name`; the scopes if its own is unknown."""
        ids = [each.id for each in self.known if each.id is not None]
        place = name.partition(".")[0]
        return [each for each in ids if each.startswith(f"{place}.")] or list(
            dict.fromkeys(f"{each.partition('.')[0]}.…" for each in ids)
        )


def known_commands() -> list[Known]:
    """Return every command that has keys."""
    return [
        Known(
            command.id,
            command.every_key,
            command.title,
            PLACES[command.scope].heading,
            is_alone=PLACES[command.scope].is_modal,
            leaves_writing=not (command.is_priority or PLACES[command.scope].is_written_in),
        )
        for command in COMMANDS
        if command.keys
    ]


@cache
def default_keymap() -> Keymap:
    """Return the keymap without the user's choices."""
    return keymap(known_commands(), {})


def keymap(known: Iterable[Known], chosen: Mapping[str, str]) -> Keymap:
    """Return what each key does with the user's choices.

    The keys in `chosen` must be spelled as `spelled` returns them.
    """
    defaults = tuple(known)
    by_id = {each.id: each for each in defaults}
    unfit = {
        name: letters
        for name, keys in chosen.items()
        if name in by_id
        and not by_id[name].leaves_writing
        and (letters := [key for key in keys.split(",") if _is_written(key)])
    }
    fit = {name: keys for name, keys in chosen.items() if name in by_id and name not in unfit}
    effective = tuple(
        replace(each, keys=tuple(fit[each.id].split(","))) if each.id in fit else each
        for each in defaults
    )
    return Keymap(
        known=effective,
        chosen=fit,
        unknown=tuple(name for name in chosen if name not in by_id),
        conflicts=(
            *(_complaint(by_id[name], letters) for name, letters in unfit.items()),
            *_conflicts(effective, fit),
        ),
    )


def _complaint(known: Known, letters: Sequence[str]) -> str:
    stays = format_keys(known.keys)
    return f"{format_keys(letters)} types text there, so {known.id} stays on {stays}."


def _conflicts(known: Sequence[Known], chosen: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each chosen key that would do two things in one scope."""
    if not chosen:
        return
    for one, other in combinations(known, 2):
        both = set(one.keys) & set(other.keys)
        if not both or not _meet(one, other):
            continue
        if one.id in chosen or other.id in chosen:
            key = format_keys(key for key in one.keys if key in both)
            yield f"{key}: {_named(one)}, and {_named(other)}."


def _meet(one: Known, other: Known) -> bool:
    if one.group == other.group:
        return True
    return (one.group == EVERYWHERE and not other.is_alone) or (
        other.group == EVERYWHERE and not one.is_alone
    )


def _named(known: Known) -> str:
    if known.id is None:
        return f"{known.description} ({known.group})"
    return f"{known.id} ({known.description})"


# How keys are spelled

_NAMED = {
    *("enter", "escape", "tab", "backspace", "delete", "insert", "home", "end"),
    *("pageup", "pagedown", "up", "down", "left", "right"),
    *(f"f{number}" for number in range(1, 25)),
}
_MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")
_OTHER_NAMES = {
    "control": "ctrl",
    "del": "delete",
    "esc": "escape",
    "ins": "insert",
    "pgdn": "pagedown",
    "pgup": "pageup",
    "return": "enter",
}
_SHORT = {"solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at"} | {
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


def _name_of(sign: str) -> str:
    name = unicodedata.name(sign, "").lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name)


_SIGNS = {_name_of(sign): sign for sign in f" {string.punctuation}"}
_NEVER_SENT = {
    "ctrl+at": "terminals do not agree on it",
    "ctrl+space": "terminals do not agree on it",
    "alt+enter": "many terminals keep it for themselves",
    "ctrl+h": "terminals send it as Backspace",
    "ctrl+i": "terminals send it as Tab",
    "ctrl+left_square_bracket": "terminals send it as Esc",
    "ctrl+m": "terminals send it as Enter",
} | {f"alt+{digit}": "many terminals keep it for themselves" for digit in string.digits}


def spelled(keys: str) -> str:
    """Return keys with commas between them, in the program's spelling.

    Capitals, white space and the order of modifiers do not matter; but a capital letter
    alone, `G`, means Shift and g. Raises `BadKey`.
    """
    return ",".join(_spelled(key.strip()) for key in keys.split(","))


def _spelled(key: str) -> str:
    if not key:
        raise BadKey("a key is missing; write a comma as: comma")
    # The key after the last plus sign may be the plus sign itself.
    begin = f"{key[:-1]}plus" if key.endswith("+") else key
    *before, last = (_OTHER_NAMES.get(part.lower(), part) for part in begin.split("+"))
    modifiers = sorted({part.lower() for part in before})
    name = _key_name(last, has_modifiers=bool(modifiers))
    if name is None or not set(modifiers) <= set(_MODIFIERS):
        raise BadKey(f"there is no key {key!r}")
    if modifiers == ["shift"] and (len(name) == 1 or name in _SIGNS):
        raise BadKey(f"write the capital letter, not {key!r}")
    made = "+".join([*modifiers, name])
    if why := _NEVER_SENT.get(made):
        raise BadKey(f"{key} cannot be used: {why}")
    return made


def _key_name(last: str, *, has_modifiers: bool) -> str | None:
    """Return the spelling of a key without its modifiers; None for an unknown key."""
    if len(last) != 1:
        name = last.lower()
        return name if name in _NAMED or name in _SIGNS else None
    if last.isalnum():
        return last.lower() if has_modifiers else last
    name = _name_of(last) if last.isprintable() else ""
    return name if name in _SIGNS else None


def _is_written(key: str) -> bool:
    return len(key) == 1 or key in _SIGNS


_UNNAMED = {"\r": "enter", "\x1b": "escape", "\x7f": "backspace"}


def arrived(key: str, character: str | None) -> tuple[str, str | None]:
    r"""Return the name that bindings use for a key that arrived, and the text it inserts.

    If a terminal sends more than a character (with xterm's modifyOtherKeys, or the kitty
    protocol without text), Textual names keys `shift+\r`, `ctrl+K` or `shift+g`, and says
    that Ctrl+F and Alt+F insert an f. A character that is not a letter may be inserted even
    with Ctrl, because some terminals report AltGr as Ctrl and Alt.
    """
    *modifiers, last = key.split("+")
    last = _UNNAMED.get(last, last)
    if len(last) > 1 or not last.isascii() or not last.isalpha():
        return "+".join([*modifiers, last]), character
    if modifiers == ["shift"]:
        return last.upper(), last.upper()
    if modifiers and last.isupper():
        modifiers, last = sorted({*modifiers, "shift"}), last.lower()
    writes = None if {"alt", "ctrl"} & set(modifiers) else character
    return "+".join([*modifiers, last]), writes


_SHIFT_IS_IDLE = {"backspace", "delete", "escape", "pagedown", "pageup", "space"}


def without_idle_shift(key: str) -> str | None:
    """Return a key's name without a meaningless Shift; None if there is no such Shift.

    After a capital, Shift is often still down. Terminals without a keyboard protocol do not
    report it.
    """
    *modifiers, last = key.split("+")
    if "shift" not in modifiers or last not in _SHIFT_IS_IDLE:
        return None
    return "+".join([*(each for each in modifiers if each != "shift"), last])


_SHOWN = {
    "down": "↓",
    "escape": "Esc",
    "left": "←",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "right": "→",
    "space": "Space",
    "up": "↑",
}


def format_keys(keys: Iterable[str]) -> str:
    """Return the names of keys for the user, as on a keyboard."""
    return ", ".join(_format_key(key) for key in keys)


def _format_key(key: str) -> str:
    *modifiers, name = key.split("+")
    if name in _SHOWN or name in _NAMED:
        last = _SHOWN.get(name, name.capitalize())
    else:
        last = _SIGNS.get(name, name)
    if modifiers:
        last = last.upper() if len(last) == 1 else last
    return "+".join([*(each.capitalize() for each in modifiers), last])
