"""Find out which file system a folder is on, and why a folder cannot be used.

SQLite's write-ahead log needs memory that its users share. A network file system does
not have that: https://sqlite.org/wal.html, "Overview".
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
    """Return the type of a network file system; None for a local one.

    `mounts` is the kernel's list of mounts. Without it, every file system counts as local.
    """
    try:
        mount_lines = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind = _kind(folder.resolve(), mount_lines)
    return kind if kind in _SHARED else None


def _kind(folder: Path, mount_lines: str) -> str | None:
    """Return the file system type of the innermost mount that contains a folder."""
    found: tuple[int, str] | None = None
    for line in mount_lines.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        mount_point = Path(_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))
        depth = len(mount_point.parts)
        # If two mounts have the same mount point, the later one covers the other.
        if folder.is_relative_to(mount_point) and (found is None or depth >= found[0]):
            found = depth, kinds[0]
    return None if found is None else found[1]


SIDES = ("-wal", "-shm")
"""Suffixes of the files that SQLite keeps next to a history."""


def complaint(folder: Path, error: OSError) -> str:
    """Return a sentence that says which folder cannot be used, why, and what to do."""
    return f"The folder {folder} cannot be used: {reason(folder, error)}."


def reason(folder: Path, error: OSError) -> str:
    """Return why a folder cannot be used, and what to do, as a part of a sentence."""
    match error.errno:
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open. Raise the limit: ulimit -n 1024"
        case errno.EEXIST | errno.ENOTDIR | errno.ENXIO | errno.ELOOP:
            return "a file has this name. Move the file away"
        case errno.EROFS:
            return "its file system is read-only. Make it writable, or use --db"
        case errno.EACCES | errno.EPERM:
            return _not_ours(folder)
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full. Free some space"
        case _:
            return f"{error.strerror or error}. Check the folder, or use --db"


def unwritable(path: Path) -> str:
    """Return a sentence that says why a file in its folder cannot be written."""
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
        return "you have no permission to read it. Change that with chown and chmod"
    # One start with sudo is enough to cause this.
    if hasattr(os, "geteuid") and owner != os.geteuid():
        return f'it belongs to another user. Make it yours: sudo chown -R "$USER" {folder}'
    return f"you cannot write to it or to a file in it. Try: chmod -R u+rwX {folder}"
