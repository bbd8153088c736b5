"""Which keys do what, once a person has chosen some of their own.

Keys are spelled as terminals' events are named here: `ctrl+k`, `pageup`, `G`, `slash`.
A choice that cannot work is not made: it is told in a line, and the default stays.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

EVERYWHERE = "Everywhere"
"""The group whose keys work beside those of any other group."""


class BadKey(Exception):
    """A key that no terminal sends, or none at all. The text says why, without a full stop."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that keys can do."""

    id: str | None
    """What it is called under `[keys]`. None: its keys cannot be changed."""
    keys: tuple[str, ...]
    description: str
    group: str
    """Where its keys work."""
    is_alone: bool = False
    """Whether nothing else hears a key there: a screen laid over all others."""
    leaves_writing: bool = True
    """Whether a letter could be its key, because it hears none while someone writes."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """What every key does."""

    known: tuple[Known, ...]
    """Everything that keys can do, with the keys that do it now."""
    chosen: Mapping[str, str]
    """What a person has chosen and can have: ids, and keys with commas between them."""
    unknown: tuple[str, ...] = ()
    """Ids that a person has chosen keys for, and that there are not."""
    conflicts: tuple[str, ...] = ()
    """Lines for the reader: what a choice takes from something else, or cannot have."""

    def keys(self, name: str) -> tuple[str, ...]:
        """Return the keys of an id. Raises `KeyError`."""
        for each in self.known:
            if each.id == name:
                return each.keys
        raise KeyError(name)

    def is_bound(self, key: str) -> bool:
        """Say whether a key does anything, anywhere."""
        return any(key in each.keys for each in self.known)

    def beside(self, name: str) -> list[str]:
        """Return the ids in the place that a name begins with; the places if it is none."""
        ids = [each.id for each in self.known if each.id is not None]
        place = name.partition(".")[0]
        return [each for each in ids if each.startswith(f"{place}.")] or list(
            dict.fromkeys(f"{each.partition('.')[0]}.…" for each in ids)
        )


def keymap(known: Iterable[Known], chosen: Mapping[str, str]) -> Keymap:
    """Return what each key does when a person has chosen some.

    `chosen` is spelled as `spelled` returns it.
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
    stays = shown(known.keys)
    return f"{shown(letters)} is for writing: {known.id} stays on {stays}."


def _conflicts(known: Sequence[Known], chosen: Mapping[str, str]) -> Iterator[str]:
    """Tell of keys that do two things in one place, where a person has chosen one of them."""
    for one, other in combinations(known, 2):
        both = set(one.keys) & set(other.keys)
        if not both or not _meet(one, other):
            continue
        if one.id in chosen or other.id in chosen:
            key = shown(key for key in one.keys if key in both)
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
    "ctrl+h": "it arrives as Backspace",
    "ctrl+i": "it arrives as Tab",
    "ctrl+left_square_bracket": "it arrives as Esc",
    "ctrl+m": "it arrives as Enter",
} | {f"alt+{digit}": "many terminals keep it for themselves" for digit in string.digits}


def spelled(keys: str) -> str:
    """Return keys with commas between them as the program spells them.

    Capitals, white space and the order of modifiers do not matter, but for a letter
    alone: `G` is Shift and g. Raises `BadKey`.
    """
    return ",".join(_spelled(key.strip()) for key in keys.split(","))


def _spelled(key: str) -> str:
    if not key:
        raise BadKey("a key is missing; a comma is written: comma")
    # A plus sign between modifiers and key, and perhaps the plus sign itself.
    begin = f"{key[:-1]}plus" if key.endswith("+") else key
    *before, last = (_OTHER_NAMES.get(part.lower(), part) for part in begin.split("+"))
    modifiers = sorted({part.lower() for part in before})
    name = _key_name(last, has_modifiers=bool(modifiers))
    if name is None or not set(modifiers) <= set(_MODIFIERS):
        raise BadKey(f"there is no key {key!r}")
    if modifiers == ["shift"] and (len(name) == 1 or name in _SIGNS):
        raise BadKey(f"Shift and a letter is that letter's capital, not {key!r}")
    made = "+".join([*modifiers, name])
    if why := _NEVER_SENT.get(made):
        raise BadKey(f"{key} cannot be used: {why}")
    return made


def _key_name(last: str, *, has_modifiers: bool) -> str | None:
    """Return how a key is spelled without its modifiers; None if there is none such."""
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
    r"""Return the name of a key that arrived, as bindings have it, and what it writes.

    Where a terminal tells more than a character, with xterm's modifyOtherKeys or without
    the text of the kitty protocol, Textual says `shift+\r`, `ctrl+K`, `shift+g`, and that
    Ctrl+F writes an f. Other signs than letters may be written with a Ctrl: some
    terminals tell of AltGr as Ctrl and Alt.
    """
    *modifiers, last = key.split("+")
    last = _UNNAMED.get(last, last)
    if len(last) > 1 or not last.isascii() or not last.isalpha():
        return "+".join([*modifiers, last]), character
    if modifiers == ["shift"]:
        return last.upper(), last.upper()
    if modifiers and last.isupper():
        modifiers, last = sorted({*modifiers, "shift"}), last.lower()
    writes = character if "ctrl" not in modifiers else None
    return "+".join([*modifiers, last]), writes


_SHIFT_IS_IDLE = {"backspace", "delete", "escape", "pagedown", "pageup", "space"}


def without_idle_shift(key: str) -> str | None:
    """Return what a key is without a Shift that means nothing; None if it means something.

    Shift is still down after a capital, and terminals without a protocol for keys do not
    tell of it.
    """
    *modifiers, last = key.split("+")
    if "shift" not in modifiers or last not in _SHIFT_IS_IDLE:
        return None
    return "+".join([*(each for each in modifiers if each != "shift"), last])


_SHOWN = {
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "space": "Space",
}


def shown(keys: Iterable[str]) -> str:
    """Return keys as they stand on a keyboard, the way the reader is told of them."""
    return ", ".join(_shown(key) for key in keys)


def _shown(key: str) -> str:
    *modifiers, name = key.split("+")
    if name in _SHOWN or name in _NAMED:
        last = _SHOWN.get(name, name.capitalize())
    else:
        last = _SIGNS.get(name, name)
    if modifiers:
        last = last.upper() if len(last) == 1 else last
    return "+".join([*(each.capitalize() for each in modifiers), last])
