"""The log file says what failed and where, without any text of a conversation."""

from __future__ import annotations

import logging
import sqlite3
import sys

import pytest

from tui.cli.log_format import LogFormatter

SECRET = "xylophone"


def logged(error: BaseException) -> str:
    try:
        raise error  # noqa: TRY301 - raised to be logged
    except BaseException:  # noqa: BLE001 - whatever it is, it is logged
        record = logging.LogRecord(
            "tui", logging.ERROR, __file__, 1, "it broke", None, sys.exc_info()
        )
    return LogFormatter().format(record)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        caused(KeyError(SECRET), RuntimeError(SECRET)),
        sqlite3.OperationalError(f"Could not decode to UTF-8 column 'text' with '{SECRET}'"),
        UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    ],
    ids=["plain", "caused", "sqlite", "unicode"],
)
def test_an_error_is_logged_without_its_words(error: Exception) -> None:
    said = logged(error)
    assert SECRET not in said
    assert type(error).__name__ in said
    assert "in logged" in said
    assert error.__cause__ is None or "RuntimeError" in said


def test_the_systems_error_message_is_logged() -> None:
    said = logged(PermissionError(13, "Permission denied", "/the/file"))
    assert "PermissionError: Permission denied: /the/file" in said
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    assert "OperationalError: SQLITE_FULL" in logged(full)


def test_an_error_that_comes_of_itself_is_logged_once() -> None:
    error = ValueError("a")
    other = KeyError("b")
    error.__context__, other.__context__ = other, error
    assert logged(error).count("KeyError") == 1
