"""A small text file that a person named, opened whatever stands there.

A pipe is not waited for, a device not read without end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TextIO

MOST = 256 * 1024
"""How large such a file may be, in bytes."""


class NotPlain(Exception):
    """What stands there is no small regular file. The text goes on after the path."""


def open_text(path: Path, *, follows_links: bool) -> TextIO:
    """Open a file of UTF-8 for reading. Raises `OSError` and `NotPlain`.

    What is asked of it afterwards is asked of what was opened: by its name it may be
    another file a moment later.
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
