"""`credentials`: saves, lists and deletes the keys in the system's keyring.

It reads a key from a pipe or from the terminal without an echo, and never shows one.
"""

from __future__ import annotations

import argparse
import getpass
import sys

from tui.cli.exit_codes import DONE, FAILED, CommandFailed, UsageError
from tui.cli.output import shown, tell
from tui.cli.piped import read_piped
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.profiles import Profiles


def credentials(options: argparse.Namespace, flags: Flags) -> int:
    """Set, list or delete keys, and return the exit code."""
    profiles = Profiles(flags)
    if options.what == "list":
        if options.name is not None:
            raise UsageError("list takes no profile.")
        return _list(profiles)
    if options.name is None:
        raise UsageError(f"{options.what} needs the name of a profile.")
    try:
        return (
            _set(profiles, options.name)
            if options.what == "set"
            else _delete(profiles, options.name)
        )
    except BadSetting as error:
        raise CommandFailed(str(error)) from error


def _list(profiles: Profiles) -> int:
    rows = [
        (
            each.name,
            each.label,
            each.problem or each.key_status,
        )
        for each in profiles.listed()
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, host, place in rows:
        line = f"{name.ljust(widths[0])}  {host.ljust(widths[1])}  {place}"
        print(shown(line, is_raw=False))
    return DONE


def _set(profiles: Profiles, name: str) -> int:
    key = _typed_key(name)
    if not key:
        raise CommandFailed("No key was given; nothing was changed.")
    host = profiles.set_keyring_key(name, key)
    tell(f"The key of {name} is in the keyring. It is sent to {host} only.")
    return DONE


def _typed_key(name: str) -> str:
    if not sys.stdin.isatty():
        return read_piped().strip()
    try:
        # getpass writes to the terminal itself, so that stdout stays empty.
        return getpass.getpass(f"Key of {name} (it is not shown): ").strip()
    except EOFError:
        return ""


def _delete(profiles: Profiles, name: str) -> int:
    if profiles.delete_keyring_key(name):
        tell(f"The key of {name} was removed from the keyring.")
        return DONE
    tell(f"The keyring has no key of {name}.")
    return FAILED
