"""The command line: which command was meant, and with which exit code it leaves.

stdout carries only what was asked for; everything else goes to stderr, as one
line that says what to do. A traceback goes to the log file.
"""

from __future__ import annotations

import argparse
import logging
import os
import stat
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from tui import __version__, settings
from tui.cli.log_format import LogFormatter
from tui.cli.output import give_up, prepare_streams, say
from tui.config import BadSetting
from tui.settings import Flags, Settings
from tui.store import HistoryError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

_MOST_QUOTED = 800
"""How much is said of what is wrong, in characters, less its end."""

_log = logging.getLogger(__name__)


class UsageError(Exception):
    """What was typed cannot be meant. The text is one line for the user."""


class CommandFailed(Exception):
    """What was asked for cannot be done. The text is one line for the user."""


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # What it writes is for its owner's eyes.
    os.umask(0o077)
    # Until the log file is known, Python would write to stderr what is logged.
    logging.getLogger().addHandler(logging.NullHandler())
    is_stdout_closed = prepare_streams()
    try:
        options = _options(argv)
        # The app asks for a terminal itself.
        if options is None or options.command is not None:
            _check_stdout(is_closed=is_stdout_closed)
        code = DONE if options is None else _run(options)
        # What is left to write may fail; at exit Python would say so itself.
        sys.stdout.flush()
    except (UsageError, BadSetting) as error:
        return _complain(str(error), WRONG_USAGE)
    except (CommandFailed, HistoryError) as error:
        return _complain(str(error), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wanted.
        give_up(sys.stdout)
        return DONE
    except Exception as error:  # noqa: BLE001 - no traceback reaches the screen
        _log.exception("unexpected error")
        what = "Something went wrong inside"
        if isinstance(error, OSError):
            # Most likely a full disk below stdout.
            give_up(sys.stdout)
            what = error.strerror or what
        return _complain(f"{what}{_where_details_are()}.", FAILED)
    return code


def _check_stdout(*, is_closed: bool) -> None:
    if is_closed:
        raise CommandFailed("There is nowhere to write to: stdout is closed.")


def _options(argv: Sequence[str] | None) -> argparse.Namespace | None:
    """Return what was typed; None when that was answered already, as `--help` is."""
    try:
        return _parser().parse_args(argv)
    except SystemExit:
        return None


def _run(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        # What is set wrongly is what it is asked about.
        from tui.cli.doctor import doctor

        return doctor(options, _flags(options))
    chosen = settings.load(_flags(options))
    _start_logging(chosen.log)
    _check_is_file(chosen.db)
    return _dispatch(options, chosen)


def _dispatch(options: argparse.Namespace, chosen: Settings) -> int:
    if chosen.is_default_db:
        _make_folder(chosen.db.parent)
    match options.command:
        case "ask":
            from tui.cli.ask import ask

            _warn(chosen)
            return ask(options, chosen)
        case "log":
            from tui.cli.log import log

            _warn(chosen)
            return log(options, chosen)
        case _:
            from tui.cli.open import open_app

            return open_app(options, chosen)


def tell(notice: str) -> None:
    """Say on stderr what the user has to know; nothing for nothing."""
    if notice:
        say(f"streamchat-tui: {notice}")


def _warn(chosen: Settings) -> None:
    for line in chosen.warnings:
        tell(line)


def _complain(line: str, code: int) -> int:
    # An argument that it quotes may be as long as a book.
    cut = f"{line[:_MOST_QUOTED]} … {line[-200:]}"
    tell(line if len(line) < len(cut) else cut)
    return code


def _where_details_are() -> str:
    paths = (getattr(each, "baseFilename", "") for each in logging.getLogger().handlers)
    log = next(filter(None, paths), "")
    return f"; {log} has the details" if log else ""


def _check_is_file(path: Path) -> None:
    """Raise `HistoryError` for a device or a pipe, where SQLite would read or wait."""
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
        raise HistoryError(f"{folder} cannot be made: {error.strerror}.") from error


def _start_logging(path: Path) -> None:
    """Log warnings, without prompts, to a rotating file; to nowhere if there is no place."""
    from logging.handlers import RotatingFileHandler

    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(LogFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    # Python would write to the terminal, over whatever is on it.
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
    return Flags(
        db=getattr(options, "db", None),
        config=getattr(options, "config", None),
        env_file=getattr(options, "env_file", None),
        profile=getattr(options, "profile", None),
        model=getattr(options, "model", None),
    )


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read on."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002 - argparse's
        # argparse passes over what cannot be written; what is asked for goes to stdout.
        sys.stdout.write(message)


def _parser() -> argparse.ArgumentParser:
    # Suppressed, so that a command's default does not undo what stood before it.
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options of every command")
    group.add_argument("--db", type=_path, metavar="PATH", help="the history file")
    group.add_argument("--config", type=_path, metavar="PATH", help="the config.toml to read")
    group.add_argument(
        "--env-file", type=_path, metavar="PATH", help="a .env to read keys from"
    )
    group.add_argument("--profile", metavar="NAME", help="the profile of config.toml to use")
    group.add_argument("--model", metavar="ID", help="the model to ask")
    group.add_argument(
        "--demo", action="store_true", help="use the offline demo, whatever keys there are"
    )
    group.add_argument("--version", action="version", version=f"streamchat-tui {__version__}")
    parser = _Parser(
        prog="streamchat-tui",
        description="The terminal home for your conversations with Claude.",
        parents=[common],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_ask(commands, common)
    _add_log(commands, common)
    _add_doctor(commands, common)
    return parser


def _add_ask(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    ask = commands.add_parser(
        "ask",
        help="ask one question, reply on stdout",
        description="Ask one question. What is piped in is appended to it.",
        parents=[common],
        allow_abbrev=False,
    )
    ask.add_argument("prompt", nargs="*", metavar="PROMPT", help="the question")
    which = ask.add_mutually_exclusive_group()
    which.add_argument(
        "-c", "--continue", action="store_true", dest="is_continuing",
        help="go on with the newest conversation",
    )  # fmt: skip
    which.add_argument("--conversation", metavar="ID", help="go on with this conversation")
    ask.add_argument("-s", "--system", metavar="TEXT", help="the system prompt")
    ask.add_argument(
        "--no-stream", action="store_true", help="wait for the whole reply and print it once"
    )
    _add_raw(ask)
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--no-save", action="store_true", help="keep nothing in the history")


def _add_log(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    log = commands.add_parser(
        "log",
        help="list saved conversations, or show one",
        description="List the saved conversations, or show one of them.",
        parents=[common],
        allow_abbrev=False,
    )
    log.add_argument(
        "id", nargs="?", metavar="ID",
        help="a conversation: the beginning of its id, or its last 6 characters",
    )  # fmt: skip
    log.add_argument(
        "-n", type=_count, default=20, metavar="N", help="list at most N (default 20; 0: all)"
    )
    _add_raw(log)
    log.add_argument("--json", action="store_true", help="print one JSON array")
    log.add_argument(
        "--search", metavar="QUERY",
        help='find messages: words, "phrases", begin*, role:you, state:failed, after:7d, …',
    )  # fmt: skip
    log.add_argument(
        "--best", action="store_const", const="best", default="newest", dest="order",
        help="with --search: what matches best first, not the newest",
    )  # fmt: skip


def _add_doctor(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="examine terminal, key, endpoint and history",
        description="Examine what the program depends on; exit 1 if something is broken.",
        parents=[common],
        allow_abbrev=False,
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--offline", action="store_true", help="do not ask the endpoint")


def _add_raw(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--raw", action="store_true", help="print what was said exactly, control characters too"
    )


def _path(text: str) -> Path:
    try:
        return settings.checked_path(text)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    # Python reads no number of thousands of digits.
    return int(text) if len(text) < 18 else sys.maxsize
