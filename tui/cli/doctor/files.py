"""Findings about the files of the history and of the log, and about the clock."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from tui.cli.doctor.finding import Finding, failed, warned
from tui.store.inspection import KNOWN_VERSION, Inspection
from tui.text import formatting


def history(found: Inspection) -> Iterator[Finding]:
    """Yield the state of the file, and who else can read it."""
    yield Finding("history", "path", str(found.path))
    if not found.exists:
        yield Finding("history", "file", "none yet; the first question creates it")
        return
    if found.problem:
        fix = (
            "Choose another with --db."
            if found.is_foreign or not found.path.is_file()
            else "Start the app: it sets the file aside and saves what can be read."
        )
        yield Finding("history", "integrity", found.problem, "error", fix)
        return
    yield from _shape(found)
    yield from _safety(found)
    yield from _clock(found)


def _shape(found: Inspection) -> Iterator[Finding]:
    is_newer = (found.version or 0) > KNOWN_VERSION
    value = f"version {found.version}, {found.size:,} bytes"
    if found.journal_mode is not None:
        value += f", journal {found.journal_mode}"
    fix = f"Upgrade streamchat-tui: this one knows version {KNOWN_VERSION}." if is_newer else ""
    yield Finding("history", "shape", value, warned(is_newer), fix)
    if found.messages is not None:
        value = f"{found.conversations:,} conversations, {found.messages:,} messages"
        yield Finding("history", "holds", value)
        yield Finding("history", "integrity", "checked, no errors")
    if found.live or found.dead or found.streaming:
        value = f"running programs: {found.live}, running replies: {found.streaming}"
        fix = "Start the app: it saves the text that had arrived." if found.dead else ""
        if found.dead:
            value += f", killed programs: {found.dead}"
        yield Finding("history", "in use", value, warned(bool(found.dead)), fix)


def _safety(found: Inspection) -> Iterator[Finding]:
    if os.name == "posix":
        is_open = bool(found.mode & 0o077)
        fix = f"chmod 600 {found.path}" if is_open else ""
        value = f"file {found.mode:03o}, folder {found.folder_mode:03o}"
        yield Finding("history", "modes", value, failed(is_open), fix)
        yield from _folder(found)
    if found.shared_kind is not None:
        value = f"on a network file system ({found.shared_kind})"
        fix = "Keep it on a disk of this machine, or use it from one machine at a time."
        yield Finding("history", "place", value, "warning", fix)
    if found.newest_backup is not None:
        made = round(found.newest_backup.stat().st_mtime * 1000)
        yield Finding("history", "backup", f"of {formatting.day_and_time(made)}")
    elif found.messages:
        yield Finding("history", "backup", "none yet; the app makes one each day", "warning")
    if found.set_aside:
        value = f"{found.set_aside[-1]}: a damaged history from an earlier repair"
        fix = "Copy it elsewhere if you need it: the next deletion in the app removes it."
        yield Finding("history", "damaged file", value, "warning", fix)


def _folder(found: Inspection) -> Iterator[Finding]:
    """Yield a warning if other users can use the folder of the history."""
    is_shared = bool(found.folder_mode & stat.S_ISVTX)
    what = ""
    if found.folder_mode & 0o022 and not is_shared:
        what = "write to it"
    elif found.folder_mode & 0o055:
        what = "read it"
    if what:
        folder = found.path.parent
        # A sticky folder, such as /tmp, is shared on purpose.
        fix = "Keep the history in a folder of its own." if is_shared else f"chmod 700 {folder}"
        yield Finding("history", "folder", f"other users can {what}", "warning", fix)


def _clock(found: Inspection) -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    for what, ms in (("message", found.newest_ms), ("write to the file", found.written_ms)):
        if ms is not None and ms - now_ms > 60_000:
            value = f"the newest {what} is {formatting.seconds(ms - now_ms)} ahead of it"
            yield Finding("clock", "time", value, "warning", "Set the clock of this machine.")
            return
    yield Finding("clock", "time", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def log(path: Path) -> Iterator[Finding]:
    """Yield whether the log can be written, and whether other users can read it."""
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if path.is_dir() or not os.access(nearest, os.W_OK) or path.parent.is_file():
        value, fix = (
            f"{path} cannot be written",
            f"Make {path.parent} a folder that you can write to.",
        )
        yield Finding("log", "file", value, "warning", fix)
        return
    if not path.exists():
        yield Finding("log", "file", f"{path}: no errors yet")
        return
    status = path.stat()
    is_open = os.name == "posix" and bool(status.st_mode & 0o077)
    value = f"{path}, {status.st_size:,} bytes"
    yield Finding("log", "file", value, warned(is_open), f"chmod 600 {path}" if is_open else "")
