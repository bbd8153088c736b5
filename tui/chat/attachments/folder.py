"""Describes a folder: its files as a tree, with their sizes and totals.

Links are shown and not followed. What `.gitignore` leaves out is counted, and not shown.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tui.chat.attachments.content import CannotAttach, Content, file_size, text_content
from tui.chat.attachments.file import why
from tui.text.sanitise import clean_line

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_SHOWN = 2_000
"""Lines of the tree."""
MOST_ENTRIES = 100_000
"""Files and folders that are counted."""
LONGEST = 5.0
"""Seconds for one folder; after them, the description says that it is not complete."""
_DEEPEST = 40
"""How many folders inside each other are read."""
_MOST_RULES = 64 * 1024
"""Bytes of a `.gitignore`."""
_LEFT_OUT = {".git", ".hg", ".svn", ".jj"}
"""The folders of version control, which are only counted too."""


@dataclass
class _Walk:
    """A walk through a folder: the lines so far, and the totals."""

    deadline: float
    lines: list[str] = field(default_factory=list)
    files: int = 0
    folders: int = 0
    size: int = 0
    ignored: int = 0
    unreadable: int = 0
    entries: int = 0
    is_truncated: bool = False
    """Whether not everything was counted."""

    def add(self, line: str) -> None:
        if len(self.lines) < MOST_SHOWN:
            self.lines.append(line)

    @property
    def is_over(self) -> bool:
        self.is_truncated |= self.entries >= MOST_ENTRIES or time.monotonic() > self.deadline
        return self.is_truncated


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one folder's `.gitignore`."""

    folder: Path
    spec: GitIgnoreSpec

    def decide(self, path: Path, *, is_folder: bool) -> bool | None:
        """Return whether a path is ignored; None if the rules say nothing about it."""
        relative = path.relative_to(self.folder).as_posix()
        return self.spec.check_file(f"{relative}/" if is_folder else relative).include


def read_folder(path: Path, name: str) -> tuple[Content, int]:
    """Return the description of a folder, and the bytes of its files. Raises `CannotAttach`."""
    walk = _Walk(time.monotonic() + LONGEST)
    try:
        entries = _sorted(path)
    except OSError as error:
        raise CannotAttach(f"{name} {why(error)}.") from error
    _describe(walk, path, entries, [], 1)
    if not walk.files and not walk.folders:
        raise CannotAttach(f"{name} is an empty folder.")
    text = "\n".join([f"{name}/", *walk.lines, *_rest(walk), "", _totals(walk)]) + "\n"
    return text_content(text, "folder", note=_totals(walk)), walk.size


def _describe(
    walk: _Walk, folder: Path, entries: list[os.DirEntry[str]], above: list[_Rules], depth: int
) -> None:
    rules = [*above, *_rules_of(folder)]
    for entry in entries:
        if walk.is_over:
            return
        walk.entries += 1
        is_folder = entry.is_dir(follow_symlinks=False)
        path = folder / entry.name
        if entry.name in _LEFT_OUT or _is_ignored(rules, path, is_folder=is_folder):
            walk.ignored += 1
            continue
        indent, name = "  " * depth, clean_line(entry.name)
        if not is_folder:
            walk.add(f"{indent}{name}{_file(walk, entry)}")
            continue
        walk.folders += 1
        try:
            inside = _sorted(path) if depth < _DEEPEST else []
        except OSError:
            walk.unreadable += 1
            walk.add(f"{indent}{name}/ (cannot be read)")
            continue
        walk.add(f"{indent}{name}/{'' if depth < _DEEPEST else ' …'}")
        _describe(walk, path, inside, rules, depth + 1)


def _file(walk: _Walk, entry: os.DirEntry[str]) -> str:
    """Count a file; return what to write behind its name."""
    walk.files += 1
    try:
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            return f" → {clean_line(str(Path(entry.path).readlink()))}"
    except OSError:
        walk.unreadable += 1
        return " (cannot be read)"
    if not stat.S_ISREG(found.st_mode):
        return " (not a file)"
    walk.size += found.st_size
    return f"  {file_size(found.st_size)}"


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    """Return some entries of a folder, by name; a folder may have millions."""
    with os.scandir(folder) as scan:
        entries = [entry for _, entry in zip(range(MOST_ENTRIES), scan, strict=False)]
    return sorted(entries, key=lambda entry: entry.name)


def _rules_of(folder: Path) -> Iterator[_Rules]:
    from pathspec import GitIgnoreSpec

    path = folder / ".gitignore"
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        with path.open("rb") as file:
            lines = file.read(_MOST_RULES).decode("utf-8", "replace").splitlines()
        yield _Rules(folder, GitIgnoreSpec.from_lines(lines))
    except (OSError, ValueError):
        return


def _is_ignored(rules: list[_Rules], path: Path, *, is_folder: bool) -> bool:
    """Return whether a path is ignored: the innermost rule about it decides."""
    for each in reversed(rules):
        decision = each.decide(path, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def _rest(walk: _Walk) -> Iterator[str]:
    left = walk.files + walk.folders - len(walk.lines)
    if left > 0:
        yield f"  … {left:,} more"


def _totals(walk: _Walk) -> str:
    more = "more than " if walk.is_truncated else ""
    parts = [
        f"{more}{walk.files:,} {_plural('file', walk.files)}",
        f"{walk.folders:,} {_plural('folder', walk.folders)}",
        file_size(walk.size),
    ]
    if walk.ignored:
        parts.append(f"{walk.ignored:,} ignored")
    if walk.unreadable:
        parts.append(f"{walk.unreadable:,} not readable")
    return ", ".join(parts)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
