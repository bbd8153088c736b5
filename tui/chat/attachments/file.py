"""Reads a file, whatever is at that path, into a bounded amount of memory.

It does not wait for a pipe, and does not open a device.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.chat.attachments.content import CannotAttach, file_size, shown_name

_PIECE = 1024 * 1024
_HEAD = 64 * 1024

Identity = tuple[int, int, int, int]
"""A file and its last change: device, inode, size, time of the change in nanoseconds."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """How large a file may be."""

    bytes: int
    advice: str
    """A sentence that says what to do with a larger one."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file, or the beginning of one."""

    data: bytes
    size: int
    identity: Identity

    @property
    def is_truncated(self) -> bool:
        """Whether the file is longer than what was read."""
        return self.size > len(self.data)


def read_file(
    path: Path, limit_of: Callable[[bytes], SizeLimit], *, may_cut: bool = False
) -> FileRead:
    """Return the bytes of a regular file. Raises `CannotAttach`.

    `limit_of` returns how many bytes are read at most, from the first 64 KB. A larger file is
    refused, or cut with `may_cut`. A link is followed.
    """
    name = shown_name(path.name)
    try:
        # Looking first, because opening some devices does something.
        _check_is_file(path.stat(), name)
        # Not waiting: the path may be a pipe by now.
        flags = os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_CLOEXEC") | _flag("O_NOCTTY")
        descriptor = os.open(path, flags | _flag("O_BINARY"))
        try:
            return _read(descriptor, name, limit_of, may_cut=may_cut)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise CannotAttach(f"{name} {why(error)}.") from error


def identity_of(found: os.stat_result) -> Identity:
    """Return what changes when a file is replaced or written."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def why(error: Exception) -> str:
    """Return why a path cannot be read, as the rest of a sentence that begins with its name."""
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return "is not there"
        case errno.EACCES | errno.EPERM:
            return "cannot be read: you have no permission"
        case errno.ELOOP:
            return "is a link that leads back to itself"
        case None:
            # Such as a NUL byte.
            return "is not a possible file name"
        case _:
            return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _check_is_file(found: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "not a file")
        raise CannotAttach(f"{name} is {kind}, and only files can be attached.")


def _read(
    descriptor: int, name: str, limit_of: Callable[[bytes], SizeLimit], *, may_cut: bool
) -> FileRead:
    found = os.fstat(descriptor)
    _check_is_file(found, name)
    data = bytearray(os.read(descriptor, _HEAD))
    limit = limit_of(bytes(data))
    if found.st_size > limit.bytes and not may_cut:
        raise CannotAttach(too_large(name, found.st_size, limit))
    while len(data) <= limit.bytes and (piece := os.read(descriptor, _PIECE)):
        data += piece
    # The size says nothing about a file of /proc, and a file may grow meanwhile.
    if len(data) > limit.bytes and not may_cut:
        raise CannotAttach(too_large(name, len(data), limit))
    size = max(found.st_size, len(data))
    del data[limit.bytes :]
    return FileRead(bytes(data), size, identity_of(found))


def too_large(name: str, size: int, limit: SizeLimit) -> str:
    """Return the line for a file that is larger than its limit."""
    most = file_size(limit.bytes)
    return f"{name} has {file_size(size)}, and {most} can be attached. {limit.advice}"


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))
