"""Continues a reply that broke off, and joins the two texts.

Current models refuse a prompt that ends with the beginning of a reply. So the program asks
for the rest and quotes the end of what has arrived. Some models repeat a part of the quote.
"""

from __future__ import annotations

import re

from tui.domain.conversation import Message

BROKEN_OFF = ("cut_off", "stopped", "interrupted", "max_tokens")
"""The end reasons of replies that can be continued."""

MAX_QUOTE = 200
"""The most characters of the end that are quoted."""

MAX_REPETITION = 400
"""The most characters that are recognised as a repetition."""

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")

MIN_REPETITION = 12
"""Fewer equal characters than this count as a coincidence."""


def can_continue(reply: Message) -> bool:
    """Return whether a reply broke off and has text to continue."""
    return reply.state in BROKEN_OFF and bool(reply.text.strip())


def request(broken_off: Message) -> str:
    """Return the question that asks for the rest of a reply.

    Raises `ValueError` if the reply cannot be continued.
    """
    if not can_continue(broken_off):
        raise ValueError("this reply cannot be continued")
    quoted = broken_off.text.rstrip()[-MAX_QUOTE:]
    return (
        "Your last reply broke off before its end. It ended with:\n\n"
        f"<end>{quoted}</end>\n\n"
        "Go on exactly where it ended, in the middle of the word or the line if that is"
        " where it was. Repeat nothing of it, and say nothing else before or after."
    )


def repeated(first: str, second: str) -> int:
    """Return how many characters of `second` repeat the end of `first`."""
    end = first[-MAX_REPETITION:]
    for length in range(min(len(end), len(second)), MIN_REPETITION - 1, -1):
        if end.endswith(second[:length]):
            return length
    return 0


def joined(first: str, second: str) -> str:
    """Return a text that broke off and its rest as one text, without the repetition."""
    return first + second[repeated(first, second) :]


def shown(first: str, second: str) -> str:
    """Return the rest of a text as it is shown below its beginning.

    Leaves out the repetition. Opens again a code block that the beginning left open.
    """
    return opening(first) + second[repeated(first, second) :] if first else second


def opening(first: str) -> str:
    """Return the opening line of the code block that a text leaves open; "" if none."""
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
