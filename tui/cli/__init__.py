"""The command line: runs a command and returns its exit code.

stdout carries only what was asked for. Everything else goes to stderr, as one line that
says what to do. A traceback goes to the log file.
"""

from __future__ import annotations

import argparse
import logging
import os
import stat
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from tui.cli.arguments import parsed
from tui.cli.exit_codes import (
    DONE,
    FAILED,
    INTERRUPTED,
    WRONG_USAGE,
    CommandFailed,
    UsageError,
)
from tui.cli.log_file import LogFile
from tui.cli.log_format import LogFormatter
from tui.cli.output import give_up, prepare_streams, tell
from tui.config import loading
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.settings import Settings
from tui.store import HistoryError

_MOST_QUOTED = 800
"""Most characters of an error's text that are printed, besides its last 200."""

_log = logging.getLogger(__name__)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Only the owner may read the files that the program writes.
    os.umask(0o077)
    # Until the log file is known, Python would write log records to stderr.
    logging.getLogger().addHandler(logging.NullHandler())
    is_stdout_closed = prepare_streams()
    try:
        options = parsed(argv)
        # The app checks for a terminal itself.
        if options is None or options.command is not None:
            _check_stdout(is_closed=is_stdout_closed)
        code = DONE if options is None else _run(options)
        # A failure to write the rest must be seen here: at exit Python would print it.
        sys.stdout.flush()
    except (UsageError, BadSetting) as error:
        return _complain(str(error), WRONG_USAGE)
    except (CommandFailed, HistoryError) as error:
        return _complain(str(error), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has what it wanted.
        give_up(sys.stdout)
        return DONE
    except Exception as error:  # noqa: BLE001 - no traceback reaches the screen
        _log.exception("unexpected error")
        what = "An internal error occurred"
        if isinstance(error, OSError):
            # Most likely stdout is a file on a full disk.
            give_up(sys.stdout)
            what = error.strerror or what
        return _complain(f"{what}{_where_details_are()}.", FAILED)
    return code


def _check_stdout(*, is_closed: bool) -> None:
    if is_closed:
        raise CommandFailed("The output cannot be printed: stdout is closed.")


def _run(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        # It must run even with wrong settings, because it reports them.
        from tui.cli.doctor import doctor

        return doctor(options, _flags(options))
    if options.command == "credentials":
        # A key that is missing or cannot be read is what it is for.
        from tui.cli.credentials import credentials

        return credentials(options, _flags(options))
    chosen = loading.load(_flags(options))
    _start_logging(chosen.log)
    if options.command == "keys":
        from tui.cli.keys import keys

        _warn(chosen)
        return keys(options, chosen)
    _check_is_file(chosen.db)
    return _dispatch(options, chosen)


def _dispatch(options: argparse.Namespace, chosen: Settings) -> int:
    if chosen.is_default_db:
        _make_folder(chosen.db.parent)
    match options.command:
        case "ask":
            from tui.cli.ask import ask

            _warn(chosen)
            if options.is_dry_run:
                from tui.cli.dry_run import dry_run

                return dry_run(options, chosen, _flags(options))
            return ask(options, chosen, _flags(options))
        case "models":
            from tui.cli.models import models

            _warn(chosen)
            return models(options, chosen, _flags(options))
        case "log":
            from tui.cli.log import log

            _warn(chosen)
            return log(options, chosen)
        case "usage":
            from tui.cli.usage import usage

            _warn(chosen)
            return usage(options, chosen)
        case "prompts":
            from tui.cli.prompts import prompts

            return prompts(options, chosen)
        case _:
            from tui.cli.chat import chat

            return chat(options, chosen, _flags(options))


def _warn(chosen: Settings) -> None:
    for line in chosen.warnings:
        tell(line)


def _complain(line: str, code: int) -> int:
    # The line may quote an argument that is as long as a book.
    cut = f"{line[:_MOST_QUOTED]} … {line[-200:]}"
    tell(line if len(line) < len(cut) else cut)
    return code


def _where_details_are() -> str:
    paths = (getattr(each, "baseFilename", "") for each in logging.getLogger().handlers)
    log = next(filter(None, paths), "")
    return f"; {log} has the details" if log else ""


def _check_is_file(path: Path) -> None:
    """Raise `HistoryError` for a device or a pipe: SQLite would read it or wait for it."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise HistoryError(f"{path} cannot be opened: {error.strerror}.") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise HistoryError(f"{path} is a device or a pipe, not a history file.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(f"{folder} cannot be created: {error.strerror}.") from error


def _start_logging(path: Path) -> None:
    """Log warnings, without prompts, to a bounded file; to nowhere if that fails."""
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = LogFile(path)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(LogFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    # Python would write these to the terminal, over the screen.
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _log_unraisable


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is not SystemExit:
        _log.error("a thread failed", exc_info=failed.exc_value)


def _log_unraisable(failed: sys.UnraisableHookArgs) -> None:
    _log.error("%s", failed.err_msg or "ignored", exc_info=failed.exc_value)


def _flags(options: argparse.Namespace) -> Flags:
    typed = vars(options)
    return Flags(
        **{each.name: typed[each.name] for each in fields(Flags) if each.name in typed}
    )
