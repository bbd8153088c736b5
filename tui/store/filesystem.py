"""What a folder is: on which kind of file system, and why it cannot be used.

SQLite's write-ahead log needs memory shared between its users, which a file system
shared between machines does not have: https://sqlite.org/wal.html, "Overview".
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

_SHARED = (
    *("9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"),
    *("orangefs", "smb2", "smb3", "smbfs", "vboxsf"),
    *("fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def shared_kind(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kind of a file system that machines share; None for any other.

    Told by the kernel's list of mounts; where there is none, every one is another.
    """
    try:
        listed = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind = _kind(folder.resolve(), listed)
    return kind if kind in _SHARED else None


def _kind(folder: Path, listed: str) -> str | None:
    """Return the kind of the innermost mount that a folder is in."""
    found: tuple[int, str] | None = None
    for line in listed.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        place = Path(_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))
        depth = len(place.parts)
        # Of two on one place the later one lies on top.
        if folder.is_relative_to(place) and (found is None or depth >= found[0]):
            found = depth, kinds[0]
    return None if found is None else found[1]


SIDES = ("-wal", "-shm")
"""What the names of the files end in that SQLite keeps beside a history."""


def complaint(folder: Path, error: OSError) -> str:
    """Return one line that names a folder, why it cannot be used, and what to do."""
    return f"The folder {folder} cannot be used: {reason(folder, error)}."


def reason(folder: Path, error: OSError) -> str:
    """Return why a folder cannot be used, and what to do: to be put into a sentence."""
    match error.errno:
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open. Raise the limit: ulimit -n 1024"
        case errno.EEXIST | errno.ENOTDIR | errno.ENXIO | errno.ELOOP:
            return "something that is not a folder has its name. Move that away"
        case errno.EROFS:
            return "its file system is read-only. Make it writable, or choose another with --db"
        case errno.EACCES | errno.EPERM:
            return _not_ours(folder)
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full. Make room"
        case _:
            return f"{error.strerror or error}. Look at it, or choose another with --db"


def unwritable(path: Path) -> str:
    """Return one line that names the folder of a file that cannot be written, and why."""
    folder = path.parent
    try:
        os.close(os.open(folder, os.O_RDONLY | os.O_CLOEXEC))
        for each in (folder, path, *(path.with_name(path.name + end) for end in SIDES)):
            if each.exists() and not os.access(each, os.W_OK):
                return complaint(folder, PermissionError(_errno_of(each), ""))
    except OSError as error:
        return complaint(folder, error)
    return f"The folder {folder} or a file in it cannot be written."


def _errno_of(path: Path) -> int:
    is_read_only = hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
    return errno.EROFS if is_read_only else errno.EACCES


def _not_ours(folder: Path) -> str:
    try:
        owner = folder.stat().st_uid
    except OSError:
        return "you may not look into it. Make it yours again with chown and chmod"
    # As left by a single start with sudo.
    if hasattr(os, "geteuid") and owner != os.geteuid():
        return f'it belongs to another user. Make it yours: sudo chown -R "$USER" {folder}'
    return f"it or a file in it is not writable for you. Try: chmod -R u+rwX {folder}"
