"""The arguments of every command, and what `--help` says of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from tui import __version__
from tui.cli.exit_codes import UsageError
from tui.config import loading
from tui.config.declaration import Setting, declared
from tui.config.settings import Profile, Settings
from tui.domain.cost_summary import GROUPINGS
from tui.domain.parameters import EFFORTS, MOST_TOKENS


def parsed(argv: Sequence[str] | None) -> argparse.Namespace | None:
    """Return the parsed arguments; None if argparse has answered already, as for `--help`."""
    try:
        return _parser().parse_args(argv)
    except SystemExit:
        return None


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, which says where to find help."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002 - argparse's
        # argparse ignores failed writes, and help text belongs on stdout.
        sys.stdout.write(message)


def _parser() -> argparse.ArgumentParser:
    # No defaults: a command's default would undo an option before the command.
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options for every command")
    for setting in (*declared(Settings), *declared(Profile)):
        if setting.flag:
            _add_setting(group, setting)
    group.add_argument("--version", action="version", version=f"streamchat-tui {__version__}")
    parser = _Parser(
        prog="streamchat-tui",
        description="A full-screen chat with Claude for your terminal.",
        parents=[common],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_ask(commands, common)
    _add_log(commands, common)
    _add_usage(commands, common)
    _add_prompts(commands, common)
    _add_models(commands, common)
    _add_credentials(commands, common)
    _add_doctor(commands, common)
    _add_keys(commands, common)
    _add_chat(commands, common)
    return parser


def _add_setting(group: argparse._ArgumentGroup, setting: Setting) -> None:
    if setting.kind is bool:
        group.add_argument(
            setting.flag, action="store_true", dest=setting.name, help=setting.help
        )
    else:
        group.add_argument(
            setting.flag,
            type=_path if setting.kind is Path else str,
            dest=setting.name,
            metavar=setting.metavar,
            help=setting.help,
        )


def _command(
    commands: argparse._SubParsersAction[_Parser],
    common: _Parser,
    name: str,
    *,
    summary: str,
    description: str,
) -> _Parser:
    """Add a command that takes the common options too; `summary` is its line in the list."""
    return commands.add_parser(
        name, help=summary, description=description, parents=[common], allow_abbrev=False
    )


def _add_ask(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    ask = _command(
        commands,
        common,
        "ask",
        summary="ask one question and print the reply",
        description="Ask one question. Text that is piped in is added to it.",
    )
    ask.add_argument("prompt", nargs="*", metavar="PROMPT", help="the question")
    _add_which(ask)
    ask.add_argument("-s", "--system", metavar="TEXT", help="the system prompt")
    ask.add_argument(
        "-t", "--template", metavar="NAME",
        help="a prompt template; the question is its input",
    )  # fmt: skip
    ask.add_argument(
        "-p", type=_pair, action="append", default=[], dest="values", metavar="NAME=VALUE",
        help="a value for an argument of the template; may be repeated",
    )  # fmt: skip
    ask.add_argument("--effort", choices=EFFORTS, help="how hard the model tries")
    ask.add_argument(
        "--max-tokens", type=_max_tokens, metavar="N",
        help="the longest reply, in tokens, thinking included",
    )  # fmt: skip
    ask.add_argument(
        "--dry-run", action="store_true", dest="is_dry_run",
        help="print the request as JSON; send and save nothing",
    )  # fmt: skip
    ask.add_argument(
        "--no-stream", action="store_true", help="wait for the whole reply and print it once"
    )
    _add_raw(ask)
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--no-save", action="store_true", help="save nothing in the history")


def _add_log(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    log = _command(
        commands,
        common,
        "log",
        summary="list saved conversations, or show one",
        description="List the saved conversations, or show one of them.",
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
    log.add_argument("--archived", action="store_true", help="list archived conversations too")
    log.add_argument(
        "--search", metavar="QUERY",
        help='find messages: words, "phrases", begin*, role:you, state:failed, after:7d, …',
    )  # fmt: skip
    log.add_argument(
        "--best", action="store_const", const="best", default="newest", dest="order",
        help="with --search: list the best match first, not the newest",
    )  # fmt: skip


def _add_prompts(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    prompts = _command(
        commands,
        common,
        "prompts",
        summary="list prompt templates, or import those of other programs",
        description="List the prompt templates in the config folder.",
    )
    prompts.add_argument("--json", action="store_true", help="print one JSON array")
    prompts.set_defaults(action="list")
    actions = prompts.add_subparsers(dest="action", metavar="ACTION", title="actions")
    import_action = _command(
        actions,
        common,
        "import",
        summary="import templates of llm and commands of Claude Code",
        description="Import templates of llm (.yaml) and commands of Claude Code (.md).",
    )
    import_action.add_argument(
        "paths", nargs="+", type=_path, metavar="PATH", help="a file, or a folder of them"
    )


def _add_doctor(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    doctor = _command(
        commands,
        common,
        "doctor",
        summary="check the terminal, the key, the endpoint and the history",
        description="Check what the program needs. Exit with 1 if there is an error.",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--offline", action="store_true", help="do not contact the endpoint")


def _add_keys(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    keys = _command(
        commands,
        common,
        "keys",
        summary="show what the terminal sends for each key, and which command it runs",
        description="Show each key press: the bytes, its name, and the command that it runs.",
    )
    keys.add_argument(
        "--list", action="store_true", dest="is_listed", help="list every command with its keys"
    )
    keys.add_argument("--json", action="store_true", help="print that list as one JSON array")


def _add_chat(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    chat = _command(
        commands,
        common,
        "chat",
        summary="open the app, or with --plain chat without a full screen",
        description="Open the app. With --plain, chat in lines of text.",
    )
    chat.add_argument(
        "--plain", action="store_true", dest="is_plain",
        help="chat in lines of text: for screen readers, dumb terminals and pipes"
        " (also with ACCESSIBLE=1 or TERM=dumb)",
    )  # fmt: skip
    _add_which(chat)


def _add_which(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "-c", "--continue", action="store_true", dest="is_continuing",
        help="continue the newest conversation",
    )  # fmt: skip
    which.add_argument("--conversation", metavar="ID", help="continue this conversation")


def _add_models(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    models = _command(
        commands,
        common,
        "models",
        summary="list the models of the endpoint and what they can do",
        description="List the models that the endpoint of the chosen connection offers.",
    )
    models.add_argument("--json", action="store_true", help="print one JSON array")


def _add_credentials(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    credentials = _command(
        commands,
        common,
        "credentials",
        summary="save the keys of profiles in the system's keyring",
        description="Save the key of a profile in the system's keyring, or remove it."
        " set asks for the key without showing it, or reads it from a pipe.",
    )
    credentials.add_argument("what", choices=["set", "list", "delete"])
    credentials.add_argument("name", nargs="?", metavar="PROFILE", help="not for list")


def _add_usage(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    usage = _command(
        commands,
        common,
        "usage",
        summary="show what requests used and cost",
        description="Show the tokens and the price of all requests."
        " Those of deleted conversations count too.",
    )
    usage.add_argument(
        "--by", choices=GROUPINGS, default="day",
        help="what one row is (default: day, in local time)",
    )  # fmt: skip
    usage.add_argument(
        "--since", type=_day, metavar="DATE", help="the first day, such as 2026-11-01"
    )
    form = usage.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON array")
    form.add_argument("--csv", action="store_true", help="print a table for a spreadsheet")


def _day(text: str) -> date:
    wrong = argparse.ArgumentTypeError(f"{text!r} is not a day, such as 2026-11-01")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise wrong from None
    # Others cannot be converted to a time everywhere.
    if not 1971 <= day.year <= 9998:
        raise wrong
    return day


def _add_raw(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--raw", action="store_true", help="print the exact text, control characters too"
    )


def _path(text: str) -> Path:
    try:
        return loading.checked_path(text)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _max_tokens(text: str) -> int:
    if not (text.isdecimal() and len(text) < 18 and 1 <= int(text) <= MOST_TOKENS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_TOKENS}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    # Python refuses numbers with thousands of digits.
    return int(text) if len(text) < 18 else sys.maxsize
