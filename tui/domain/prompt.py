"""Makes the prompt of a request from a path, and decides which thinking may be sent again.

Current models bind thinking to everything before it. So each reply is stored with a digest
of its prompt. Its thinking is sent again only if the prompt before it is still the same,
whatever was edited, deleted, restored or copied meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui.domain.conversation import THINKING, Message
from tui.domain.parameters import Parameters
from tui.domain.wire import Json


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages of a request."""

    messages: list[Json]
    context: str
    """A digest of the system prompt and the messages."""


def prompt(path: Sequence[Message], *, endpoint: str, system: str = "") -> Prompt:
    """Return the messages to send for a path; `path` begins with the oldest message.

    Leaves out thinking of another account, thinking whose prompt has changed, and thinking
    at the end of a reply. All other blocks are sent as the API sent them. Leaves out
    replies without blocks to send, and replies before the first question, if the question
    above them was deleted. Two messages in a row may have the same role: the API joins them.
    """
    sent: list[Json] = []
    digest = hashlib.blake2b(_bytes(system), digest_size=16)
    for message in path:
        has_same_prompt = message.endpoint == endpoint and message.context == _name(digest)
        blocks = [
            block.wire
            for block in message.blocks
            if block.is_sendable and (has_same_prompt or block.type not in THINKING)
        ]
        # The API refuses it: "The final block in an assistant message cannot be `thinking`."
        while blocks and blocks[-1].get("type") in THINKING:
            blocks.pop()
        if blocks and (sent or message.role == "user"):
            sent.append({"role": message.role, "content": blocks})
            digest.update(_bytes(sent[-1]))
    return Prompt(sent, _name(digest))


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a change of parameters costs."""

    is_cache_lost: bool = False
    """Whether the next request reads nothing from the prompt cache."""
    thoughts: int = 0
    """How many thinking blocks are no longer sent with the conversation."""


def consequences(
    path: Sequence[Message], before: Parameters, after: Parameters, *, endpoint: str
) -> Consequences:
    """Return what it costs to continue a path with other parameters.

    `before` and `after` are as `parameters.sendable` returns them. Nothing is lost if
    `endpoint` has answered nothing on the path.
    """
    sent, still_sent = (
        _thoughts(prompt(path, endpoint=endpoint, system=each.system))
        for each in (before, after)
    )
    # The cache does not depend on the longest reply.
    is_other = replace(before, max_tokens=after.max_tokens) != after
    is_cached = any(message.endpoint == endpoint for message in path)
    return Consequences(is_other and is_cached, max(0, sent - still_sent))


def _thoughts(sent: Prompt) -> int:
    blocks = (block for message in sent.messages for block in message["content"])
    return sum(block.get("type") in THINKING for block in blocks)


def ends_with(path: Sequence[Message], question: Message) -> bool:
    """Return whether a path still ends with a question, and the question has blocks.

    While it waited, a user may have deleted it, or the reply that it continues.
    """
    return bool(path) and path[-1].id == question.id and bool(path[-1].blocks)


def _name(digest: hashlib.blake2b) -> str:
    return f"prompt:{digest.hexdigest()}"


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
