"""Reads and writes keys in a `.env` file. It ignores everything else in the file.

An error names a line by its number, never by its text. Everything here blocks, and
raises `BadSetting`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from tui.config.config import BadSetting
from tui.config.textfile import NotPlain, open_text, replace_text


def keys_in(path: Path, names: Collection[str], *, is_named: bool) -> dict[str, str]:
    """Return the keys with these names; none if there is no file.

    If the user named the file (`is_named`), it must exist. Raises `BadSetting` also for a
    file that other users can read.
    """
    found = _bindings(path)
    if found is None and is_named:
        raise BadSetting(f"{path} does not exist.")
    return {each.key: each.value for each in found or () if each.key in names and each.value}


def holds_any(path: Path, names: Collection[str]) -> bool:
    """Tell whether a file holds a key of one of these names."""
    try:
        with _opened(path) as lines:
            return any(each.key in names and each.value for each in _parsed(path, lines))
    except (BadSetting, OSError):
        return False


def set_key(path: Path, name: str, key: str | None) -> None:
    """Write a key; it replaces an older one of its name. None removes the key.

    The file becomes readable by its owner only. Its other lines stay as they are.
    """
    text = "".join(_with_key(_bindings(path) or (), name, key))
    if key is not None and dict(_values(path, text)).get(name) != key:
        raise BadSetting(f"{path} cannot hold this key: it has a special character.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_text(path, text, mode=0o600)
    except OSError as error:
        raise BadSetting(f"{path} cannot be written: {error.strerror}.") from error


def _with_key(bindings: Collection[Any], name: str, key: str | None) -> Iterator[str]:
    is_written = key is None
    end = "\n"
    for each in bindings:
        line = str(each.original.string)
        if each.key != name:
            end = line[-1:]
            yield line
        elif not is_written:
            is_written, end = True, "\n"
            yield f"{name}={key}\n"
    if not is_written:
        yield f"{name}={key}\n" if end == "\n" else f"\n{name}={key}\n"


def _values(path: Path, text: str) -> Iterator[tuple[str, str | None]]:
    import io

    for each in _parsed(path, io.StringIO(text)):
        if each.key:
            yield each.key, each.value


def _bindings(path: Path) -> list[Any] | None:
    """Return the lines of a file, parsed; None if there is no file."""
    try:
        with _opened(path) as lines:
            _check_is_private(path, os.fstat(lines.fileno()))
            return _parsed(path, lines)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from error


def _opened(path: Path) -> TextIO:
    """Open a file, but do not follow a link. Raises `OSError` and `BadSetting`."""
    try:
        return open_text(path, follows_links=False)
    except NotPlain as error:
        raise BadSetting(f"{path} {error}, so no key is read from it.") from None


def _check_is_private(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise BadSetting(f"{path} belongs to another user, so no key is read from it.")
    if status.st_mode & 0o077:
        raise BadSetting(f"{path} can be read by other users. Run: chmod 600 {path}")


def _parsed(path: Path, lines: Any) -> list[Any]:
    # The parser itself: dotenv's other functions skip lines that they cannot parse.
    from dotenv.parser import parse_stream

    try:
        bindings = list(parse_stream(lines))
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not a text file in UTF-8.") from None
    for binding in bindings:
        if binding.error:
            raise BadSetting(f"{path}, line {binding.original.line}: not a NAME=value line.")
    return bindings
