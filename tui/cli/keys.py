"""`keys`: what the terminal sends for each key press, and which command it runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tui.cli.exit_codes import DONE, CommandFailed
from tui.cli.output import print_json, tell
from tui.config.commands import BY_ID
from tui.config.keymap import Keymap, Known, format_keys
from tui.config.settings import Settings
from tui.terminal.key_reader import Arrival, has_terminal, raw_terminal
from tui.terminal.key_reports import is_modifier
from tui.terminal.legacy_keys import sent_instead
from tui.ui.bindings import keymap_of
from tui.ui.key_event import key_event

_MOST_BYTES_SHOWN = 60
"""At most so many bytes of one arrival are shown: a paste may have millions."""

_QUIT_KEY, _QUIT_TWICE_KEYS = "ctrl+d", ("ctrl+c", "q")

_HOW_TO_QUIT = (
    "Press a key to see what the terminal sends. Ctrl+C or q twice, or Ctrl+D, quits."
)


def keys(options: argparse.Namespace, settings: Settings) -> int:
    """Show each key as it is pressed, or list the keys; return the exit code."""
    keymap = keymap_of(settings.keys)
    for line in keymap.conflicts:
        tell(line)
    if options.is_listed or options.json:
        _list(keymap, is_json=options.json)
        return DONE
    if not has_terminal():
        raise CommandFailed("keys needs a terminal. Without a terminal, use: keys --list")
    return _watch(keymap)


def _watch(keymap: Keymap) -> int:
    with raw_terminal() as terminal:
        for line in (*_limits(keymap, has_kitty=terminal.has_kitty), _HOW_TO_QUIT, ""):
            print(line, flush=True)
        previous = ""
        for arrival in terminal.arrivals():
            for line in _lines(arrival, keymap):
                print(line, flush=True)
            name = arrival.keys[-1].key if arrival.keys else ""
            if name == _QUIT_KEY or (name in _QUIT_TWICE_KEYS and name == previous):
                break
            if not is_modifier(name):
                previous = name
    return 128 + terminal.signalled if terminal.signalled else DONE


def _lines(arrival: Arrival, keymap: Keymap) -> Iterator[str]:
    """Yield lines with the bytes that arrived, Textual's name of the key, and its commands."""
    raw = escaped(arrival.raw)
    if arrival.pasted:
        yield f"{raw:<14} a paste of {len(arrival.pasted)} characters"
    elif not arrival.keys:
        yield f"{raw:<14} nothing: the program ignores this"
    for key in arrival.keys:
        named = key_event(key, lambda: keymap).key
        shown = repr(key.key)[1:-1]
        name = shown if named == key.key else f"{shown} = {named}"
        first, *more = [_command(known) for known in keymap.known if named in known.keys] or [
            "no command"
        ]
        yield f"{raw:<14} {name:<14} {first}"
        for each in more:
            yield f"{'':<29} {each}"
        raw = ""


def _command(known: Known) -> str:
    name = f" ({known.id})" if known.id else ""
    return f"{known.group}: {known.description}{name}"


def escaped(raw: bytes) -> str:
    r"""Return bytes as text: printable ASCII as it is, any other byte like `\x1b`."""
    shown = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}"
        for byte in raw[:_MOST_BYTES_SHOWN]
    )
    more = len(raw) - _MOST_BYTES_SHOWN
    return f"{shown}… and {more} bytes" if more > 0 else shown


def _limits(keymap: Keymap, *, has_kitty: bool) -> Iterator[str]:
    """Yield lines about the keys that this terminal cannot send."""
    if has_kitty:
        yield "This terminal has the kitty keyboard protocol: it can send every key."
        return
    yield "This terminal does not say that it has the kitty keyboard protocol."
    lost = [
        (key, instead)
        for known in keymap.known
        for key in known.keys
        if known.id and (instead := sent_instead(key)) is not None
    ]
    if not lost:
        yield "It can send every key that you use."
        return
    yield "Without such a protocol, it cannot send these keys:"
    for key, instead in dict.fromkeys(lost):
        sent = f"it sends {format_keys([instead])} instead" if instead else "it sends nothing"
        yield f"  {format_keys([key]):<24} {sent}"


def _list(keymap: Keymap, *, is_json: bool) -> None:
    has_kitty: bool | None = None
    if has_terminal():
        with raw_terminal() as terminal:
            has_kitty = terminal.has_kitty
    if is_json:
        print_json([_json_of(known, has_kitty) for known in keymap.known if known.id])
        return
    for known in keymap.known:
        if known.id:
            title = BY_ID[known.id].title
            print(f"{format_keys(known.keys):<32} {known.id:<26} {title} · {known.group}")
    if has_kitty is not None:
        print()
        for line in _limits(keymap, has_kitty=has_kitty):
            print(line)


def _json_of(known: Known, has_kitty: bool | None) -> dict[str, object]:  # noqa: FBT001 - None: unknown
    return {
        "command": known.id,
        "title": known.description,
        "place": known.group,
        "keys": list(known.keys),
        "not_sent": None
        if has_kitty is None
        else []
        if has_kitty
        else [key for key in known.keys if sent_instead(key) is not None],
    }
