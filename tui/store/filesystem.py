"""Which kind of file system a folder is on.

SQLite's write-ahead log needs memory shared between its users, which a file system
shared between machines does not have: https://sqlite.org/wal.html, "Overview".
"""

from __future__ import annotations

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
