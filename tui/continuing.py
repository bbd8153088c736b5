"""Going on with a reply that broke off, and making one text of the two.

Current models refuse a prompt that ends in an answer's beginning, so they are asked
for the rest, with the end of what has come quoted. Some repeat a little of it.
"""

from __future__ import annotations

from tui.conversation import Message

BROKEN_OFF = ("cut_off", "stopped", "interrupted", "max_tokens")
"""How a reply may have ended that can be gone on with."""

QUOTED = 200
"""How many characters of the end are quoted, at most."""

LOOKED_AT = 400
"""How many characters a repetition may have."""

LEAST = 12
"""Fewer equal characters than these are taken for chance."""


def can_go_on(reply: Message) -> bool:
    """Tell whether there is something to go on with."""
    return reply.state in BROKEN_OFF and bool(reply.text.strip())


def request(broken_off: Message) -> str:
    """Return the question that asks for the rest. Raises `ValueError` if there is none."""
    if not can_go_on(broken_off):
        raise ValueError("this reply cannot be gone on with")
    quoted = broken_off.text.rstrip()[-QUOTED:]
    return (
        "Your last reply broke off before its end. It ended with:\n\n"
        f"<end>{quoted}</end>\n\n"
        "Go on exactly where it ended, in the middle of the word or the line if that is"
        " where it was. Repeat nothing of it, and say nothing else before or after."
    )


def repeated(first: str, second: str) -> int:
    """Return how many characters of `second` repeat the end of `first`."""
    end = first[-LOOKED_AT:]
    for length in range(min(len(end), len(second)), LEAST - 1, -1):
        if end.endswith(second[:length]):
            return length
    return 0


def joined(first: str, second: str) -> str:
    """Return a text that broke off and its rest as one, without what was repeated."""
    return first + second[repeated(first, second) :]
