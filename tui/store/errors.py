"""Messages for SQLite's errors: what went wrong with a history, and what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tui.store.filesystem import unwritable


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error says that the file is damaged."""
    return name_of(error).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def name_of(error: sqlite3.Error) -> str:
    """Return SQLite's own name for an error; empty if Python's module raised it."""
    return str(getattr(error, "sqlite_errorname", ""))


def explain(path: Path, what: str, error: sqlite3.Error) -> str:
    """Return why an open history could not be read or written, and what to do about it.

    `what` is "read" or "written".
    """
    problem = f"The history could not be {what}: {error}."
    match name_of(error).split("_")[:2]:
        case ["SQLITE", "CANTOPEN" | "READONLY" | "PERM"]:
            return f"{problem} {unwritable(path)}"
        case ["SQLITE", "BUSY" | "LOCKED"]:
            return f"{problem} Another program is using it. Try again when it has finished."
        case ["SQLITE", "INTERRUPT"]:
            return f"The history could not be {what}: it took too long."
        case _:
            return problem


def explain_opening(path: Path, error: sqlite3.Error) -> str:
    """Return why a history could not be opened."""
    match name_of(error):
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return f"{path} is not a database, or is damaged; it was not changed."
        case "SQLITE_CANTOPEN" | "SQLITE_READONLY" | "SQLITE_READONLY_DIRECTORY":
            return f"{path} cannot be written. {unwritable(path)}"
        case "SQLITE_BUSY":
            return f"{path} is locked by another program."
        case "SQLITE_FULL":
            return f"{path} cannot be written: the disk is full."
        case _:
            return f"{path} cannot be opened: {error}."
