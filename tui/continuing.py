"""Going on with a reply that broke off, and making one text of the two.

Current models refuse a prompt that ends in an answer's beginning, so they are asked
for the rest, with the end of what has come quoted. Some repeat a little of it.
"""

from __future__ import annotations

import re

from tui.conversation import Message

BROKEN_OFF = ("cut_off", "stopped", "interrupted", "max_tokens")
"""How a reply may have ended that can be gone on with."""

QUOTED = 200
"""How many characters of the end are quoted, at most."""

LOOKED_AT = 400
"""How many characters a repetition may have."""

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")

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


def shown(first: str, second: str) -> str:
    """Return the rest of a text as it is shown below its beginning.

    Without what was repeated, and inside the code block that the beginning left open.
    """
    return opening(first) + second[repeated(first, second) :] if first else second


def opening(first: str) -> str:
    """Return the line that opens the code block which a text leaves open; or nothing."""
    fence = ""
    for line in first.splitlines():
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            fence = line.strip()
        elif not found[2].strip() and found[1].startswith(_marks(fence)):
            fence = ""
    return f"{fence}\n" if fence else ""


def _marks(fence: str) -> str:
    found = _FENCE.match(fence)
    return found[1] if found else fence
