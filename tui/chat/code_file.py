"""Saves a code block as a file, at the path that the user chooses.

`look` reads the present file, so that the user can decide, and `write` writes the new one.
Both block: call them in a thread. A link is followed to its target.
"""

from __future__ import annotations

import difflib
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_COMPARED: Final = 512_000
"""The differences to a file of this many bytes or more are not shown."""
_MOST_LINES: Final = 4_000


class CannotSave(Exception):
    """The code cannot be saved there. The text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the code would be saved, as `look` found it."""

    path: Path
    """The path of the file, with every link resolved."""
    is_outside: bool
    """Whether the path is outside of the folder."""
    before: bytes | None
    """The present content, or its beginning if it is large; None if there is no file."""
    identity: tuple[int, int, int] | None = None
    """The identity of the file and the time of its last change."""


def look(folder: Path, typed: str) -> Target:
    """Return the target that `typed` names, relative to a folder. Raises `CannotSave`."""
    if not typed.strip():
        raise CannotSave("Type the name of a file.")
    if not typed.isprintable():
        raise CannotSave("The name has invisible characters. Type it again.")
    try:
        path = (folder / Path(typed).expanduser()).resolve()
        is_outside = not path.is_relative_to(folder.resolve())
        return _looked(path, is_outside=is_outside, is_folder=typed.endswith(os.sep))
    except CannotSave:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        # A loop of links is a RuntimeError, an impossible file name a ValueError.
        raise CannotSave(_why(typed, error)) from error


def _looked(path: Path, *, is_outside: bool, is_folder: bool) -> Target:
    try:
        found = path.stat()
    except FileNotFoundError:
        if is_folder:
            raise CannotSave(f"{path} would be a folder. Type the name of a file.") from None
        return Target(path, is_outside, None)
    if stat.S_ISDIR(found.st_mode):
        raise CannotSave(f"{path} is a folder. Type the name of a file.")
    if not stat.S_ISREG(found.st_mode):
        raise CannotSave(f"{path} is a device or a pipe, not a file.")
    if not os.access(path, os.W_OK):
        raise CannotSave(f"{path} cannot be changed: Permission denied.")
    with path.open("rb") as file:
        before = file.read(MOST_COMPARED + 1)
    identity = found.st_ino, found.st_size, found.st_mtime_ns
    return Target(path, is_outside, before, identity)


def content_of(code: str) -> bytes:
    """Return the bytes of a file with this code: UTF-8, with a line feed at the end."""
    return (code if code.endswith("\n") else f"{code}\n").encode("utf-8", "replace")


def differences(target: Target, code: str) -> list[str] | None:
    """Return the lines of a unified diff; None if it cannot be shown or is too long.

    The list is empty if only line ends differ.
    """
    after = content_of(code)
    before = target.before or b""
    if len(before) > MOST_COMPARED or len(after) > MOST_COMPARED or b"\0" in before:
        return None
    old, new = (each.decode("utf-8", "replace").splitlines() for each in (before, after))
    if len(old) + len(new) > _MOST_LINES:
        return None
    return list(difflib.unified_diff(old, new, "now", "after saving", lineterm=""))


def write(target: Target, code: str) -> None:
    """Write the code in one step: at any time the file is the old one or the new one.

    An existing file keeps its mode. Missing folders are created. Raises `CannotSave`, and
    has changed nothing then.
    """
    path = target.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content_of(code))
    except (OSError, ValueError) as error:
        raise CannotSave(_why(str(path), error)) from error


def _replace(path: Path, content: bytes) -> None:
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    # Not derived from the file's name, which may already have the maximum length.
    beside = path.with_name(f".streamchat-{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _why(name: str, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{name} cannot be saved: {reason or 'this is not a possible file name'}."
