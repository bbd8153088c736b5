"""The exit codes of the commands, and the errors that lead to them."""

from __future__ import annotations

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """The command line is wrong. The text is one line for the user."""


class CommandFailed(Exception):
    """The command cannot do what was asked. The text is one line for the user."""
