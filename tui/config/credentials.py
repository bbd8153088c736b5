"""Reads and writes keys in the system's keyring, each for one profile at one host.

A keyring may be missing, be locked, or wait for the user. So a thread calls it, with a time
limit. The texts of its errors are never shown: they may contain the key. Everything here
blocks, and raises `KeyringFailed`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

R = TypeVar("R")

SERVICE = "streamchat-tui"
"""The service name of the keys, as the keyring's own tools list them."""

SECONDS = 4.0
"""The time limit for the keyring. It is too short to unlock it: the user tries again then."""

_log = logging.getLogger(__name__)


class KeyringFailed(Exception):
    """The keyring cannot be used. The text is one line that says what to do instead."""


def read_key(profile: str, host: str) -> str | None:
    """Return the key of a profile at a host; None if the keyring has none."""

    def read() -> str | None:
        import keyring

        return keyring.get_password(SERVICE, _account(profile, host))

    return _in_time(read)


def save_key(profile: str, host: str, key: str) -> None:
    """Save the key of a profile at a host; it replaces an older one."""

    def save() -> None:
        import keyring

        keyring.set_password(SERVICE, _account(profile, host), key)

    _in_time(save)


def delete_key(profile: str, host: str) -> bool:
    """Remove the key of a profile at a host; return False if there was none."""

    def delete() -> bool:
        import keyring

        if keyring.get_password(SERVICE, _account(profile, host)) is None:
            return False
        keyring.delete_password(SERVICE, _account(profile, host))
        return True

    return _in_time(delete)


def check_keyring() -> None:
    """Raise `KeyringFailed` if there is no usable keyring."""

    def look() -> None:
        import keyring
        import keyring.backends.fail
        import keyring.errors

        if isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring):
            raise keyring.errors.NoKeyringError

    _in_time(look)


def _account(profile: str, host: str) -> str:
    # No host has an @ in it.
    return f"{profile}@{host}"


def _in_time(work: Callable[[], R]) -> R:
    if find_spec("keyring") is None:
        raise KeyringFailed(
            "The keyring needs the package keyring. Run: pip install 'streamchat-tui[keyring]'"
        )
    done: list[R] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - a backend may raise anything
            failed.append(error)

    # A daemon thread: it must not delay the exit either.
    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if failed:
        raise KeyringFailed(_reason(failed[0])) from None
    if not done:
        raise KeyringFailed(
            f"The keyring did not answer within {SECONDS:.0f} seconds."
            " Unlock it, then try again."
        )
    return done[0]


def _reason(error: Exception) -> str:
    match type(error).__name__:
        case "NoKeyringError":
            return "This machine has no usable keyring. Save the key in .env instead."
        case "KeyringLocked" | "InitError":
            return "The keyring is locked. Unlock it, then try again."
        case name:
            _log.warning("the keyring failed: %s", name)
            return f"The keyring failed ({name}). Save the key in .env instead."
