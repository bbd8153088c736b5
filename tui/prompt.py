"""What is sent for a line of conversation, and what a reply was made under.

Current models bind a thought to everything before it. So each reply is kept with a
digest of the prompt it was made under, and its thinking goes back only where the
prompt before it is still the same: whatever was edited, deleted, brought back or
copied meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tui.conversation import THINKING, Json, Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a request is made of."""

    messages: list[Json]
    system: str
    context: str
    """A digest of it all."""


def prompt(line: Sequence[Message], *, endpoint: str, system: str = "") -> Prompt:
    """Return what to send for a line of conversation, oldest first.

    Thinking made by another account, or under another prompt than the one that now
    stands before it, is left out, and so is thinking at the end of a reply; everything
    else goes as it came. Left out are also replies with nothing to send, and those
    before the first question, should that have been deleted. Messages of the same role
    may follow each other: the API takes them for one.
    """
    sent: list[Json] = []
    digest = hashlib.blake2b(_bytes(system), digest_size=16)
    for message in line:
        is_made_here = message.endpoint == endpoint and message.context == _name(digest)
        blocks = [
            block.wire
            for block in message.blocks
            if block.is_sendable and (is_made_here or block.type not in THINKING)
        ]
        # "The final block in an assistant message cannot be `thinking`."
        while blocks and blocks[-1].get("type") in THINKING:
            blocks.pop()
        if blocks and (sent or message.role == "user"):
            sent.append({"role": message.role, "content": blocks})
            digest.update(_bytes(sent[-1]))
    return Prompt(sent, system, _name(digest))


def _name(digest: hashlib.blake2b) -> str:
    return f"prompt:{digest.hexdigest()}"


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
