"""Opens a small text file that the user named, whatever is at that path, or replaces it.

It does not wait for a pipe, and does not read a device without end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO

MOST = 256 * 1024
"""The largest size of such a file, in bytes."""


class NotPlain(Exception):
    """There is no small regular file at a path. The text continues after the path."""


def open_text(path: Path, *, follows_links: bool) -> TextIO:
    """Open a UTF-8 file for reading. Raises `OSError` and `NotPlain`.

    To check more, such as its owner, use the descriptor of the open file: a moment later
    the path may name another file.
    """
    flags = os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_CLOEXEC")
    if not follows_links:
        flags |= _flag("O_NOFOLLOW")
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP and not follows_links:
            raise NotPlain("is not a regular file") from None
        raise
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size <= MOST:
        return os.fdopen(descriptor, encoding="utf-8-sig")
    os.close(descriptor)
    if stat.S_ISREG(status.st_mode):
        raise NotPlain(f"is larger than {MOST // 1024} KB")
    raise NotPlain("is not a regular file")


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))


def replace_text(path: Path, text: str, *, mode: int | None = None) -> None:
    """Replace a file in one step, or create it. Raises `OSError`.

    It keeps the file's mode; a new file is readable by its owner only. `mode` overrides both.
    """
    exists = path.exists()
    old_mode = stat.S_IMODE(path.stat().st_mode) if exists else 0o600
    # Root may write everywhere, but a file that was made read-only must stay unchanged.
    if exists and not (old_mode & 0o222 and os.access(path, os.W_OK)):
        raise PermissionError(None, "it is read-only")
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        fresh = Path(file.name)
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            fresh.chmod(old_mode if mode is None else mode)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
