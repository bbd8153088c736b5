"""A scripted server that refuses what the Messages API refuses.

A signature binds thinking to everything before it: the account at its host, the system prompt,
all earlier messages, and the blocks before it in its own message. A request in which any of
that has changed is refused, as current models refuse it. This module knows nothing about the
code under test.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.scripted import (
    SONNET,
    Close,
    Event,
    Hold,
    Json,
    Reply,
    Scripted,
    Seen,
    Step,
    block,
    delta,
    end,
    refuses,
    start,
    text,
    thinking,
)
from tests.strict_media import media_errors

EFFORTS = ("low", "medium", "high", "xhigh", "max")
OPUS: Json = SONNET | {
    "id": "claude-opus-5-5",
    "display_name": "Claude Opus 5.5",
    "capabilities": SONNET["capabilities"]
    | {"effort": {"supported": True, **{each: {"supported": True} for each in EFFORTS}}},
}

PARAMETERS = {
    *("model", "max_tokens", "messages", "system", "stream"),
    *("thinking", "cache_control", "output_config"),
}
"""The fields of a request that this program may use."""

FIELDS: dict[str, set[str]] = {
    "text": {"type", "text"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input"},
    "tool_result": {"type", "tool_use_id", "content"},
    "image": {"type", "source"},
    "document": {"type", "source", "title"},
}
ROLES: dict[str, set[str]] = {
    "user": {"text", "tool_result", "image", "document"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
}
THOUGHTS = ("thinking", "redacted_thinking")


@dataclass(frozen=True)
class Piece:
    """A block of a planned reply."""

    kind: Literal["text", "thinking", "redacted_thinking", "tool_use"]
    words: tuple[str, ...] = ()
    """One delta for each of them."""
    is_signed: bool = True
    """False for thinking that was cut off: it cannot be sent back."""


@dataclass(frozen=True)
class Plan:
    """The planned answer to a request."""

    pieces: tuple[Piece, ...] = (Piece("text", ("Hello", " there")),)
    stop_reason: str = "end_turn"
    ending: Literal["whole", "cut", "error", "overloaded"] = "whole"
    """How the reply ends; "overloaded" refuses the request."""
    until: int = 10**6
    """How many events of its blocks are sent before it is held, or ends."""
    is_held: bool = False
    """Whether it is silent there until the test releases it."""


@dataclass
class Said:
    """An answer that was given."""

    id: str
    url: str
    """The server that gave it."""
    seen: Seen
    plan: Plan
    blocks: list[Json]
    """Its complete blocks."""
    events: list[Json]
    """The events of its blocks that are sent in the end."""
    before: list[Json]
    """The events that are sent before it is held."""
    hold: Hold = field(default_factory=Hold)

    @property
    def is_held(self) -> bool:
        return self.plan.is_held and not self.hold.released.is_set()

    def arrived(self, events: list[Json]) -> list[tuple[Json, bool]]:
        """Return the blocks that these events make, each with whether it is complete."""
        found: dict[int, tuple[Json, bool]] = {}
        for event in events:
            match event:
                case {"type": "content_block_start", "index": at, "content_block": opening}:
                    found[at] = dict(opening), False
                case {"type": "content_block_delta", "index": at, "delta": piece}:
                    for name in {"text", "thinking"} & piece.keys():
                        found[at][0][name] += piece[name]
                case {"type": "content_block_stop", "index": at}:
                    found[at] = self.blocks[at], True
                case _:
                    pass
        return [found[at] for at in sorted(found)]


class Refused(Exception):
    """The API's error for a request that it refuses."""

    status, type = 400, "invalid_request_error"


class NoSuchModel(Refused):
    """The model was never there, or is retired."""

    status, type = 404, "not_found_error"


class Strict:
    """Answers for a scripted server, and records what it refused.

    It can also answer for `others`, which keep the models that they have.
    """

    def __init__(self, server: Scripted, *others: Scripted) -> None:
        server.models = [SONNET, OPUS]
        for each in (server, *others):
            each.answer = functools.partial(self._answer, each)
        self.plans: deque[Plan] = deque()
        """The answers to the next requests; after them, `Plan()`."""
        self.said: dict[str, Said] = {}
        """The answers, by the API's message id."""
        self.refusals: list[str] = []
        self.thoughts_taken = 0
        """How many valid thinking blocks were sent back."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def running(self) -> list[Said]:
        """The answers that are running now."""
        with self._lock:
            return [said for said in self.said.values() if not said.seen.ended.is_set()]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.said.clear()
        self.plans.clear()
        self.refusals.clear()

    def _answer(self, server: Scripted, seen: Seen) -> Reply:
        request = seen.json
        account = f"{seen.headers.get('authorization', '')} at {server.url}"
        try:
            check_parameters(request, server.models)
            self.thoughts_taken += check(request, account)
            check_media(request, server.models)
        except Refused as refusal:
            self.refusals.append(str(refusal))
            return refuses(refusal.status, refusal.type, str(refusal))
        plan = self.plans.popleft() if self.plans else Plan()
        if plan.ending == "overloaded":
            return refuses(529, "overloaded_error", "Overloaded")
        said, reply = self._say(server, seen, plan, context(request, account))
        with self._lock:
            self.said[said.id] = said
        return reply

    def _say(
        self, server: Scripted, seen: Seen, plan: Plan, prefix: list[str]
    ) -> tuple[Said, Reply]:
        number, model = next(self._numbers), seen.json["model"]
        blocks: list[Json] = []
        steps: list[Step] = []
        for index, piece in enumerate(plan.pieces):
            made, sent = _made(piece, index, number, [*prefix, *map(_line, solid(blocks))])
            blocks.append(made)
            steps += sent
        until, rest = steps[: plan.until], steps[plan.until :]
        opening = start(model)
        opening.data["message"]["id"] = f"msg_{number}"
        said = Said(
            f"msg_{number}", server.url, seen, plan, blocks, _events(steps), _events(until)
        )
        ending = [*rest, *end(plan.stop_reason)]
        if plan.ending != "whole":
            said.events = said.before
            error = {"type": "overloaded_error", "message": "Overloaded"}
            broken = Event({"type": "error", "error": error})
            ending = [Close()] if plan.ending == "cut" else [broken]
        held = [said.hold] if plan.is_held else []
        return said, Reply([opening, *until, *held, *ending])


def _events(steps: Sequence[Step]) -> list[Json]:
    return [step.data for step in steps if isinstance(step, Event)]


def _made(piece: Piece, index: int, number: int, prefix: list[str]) -> tuple[Json, list[Step]]:
    """Return a block, and its events."""
    words = "".join(piece.words)
    made: Json = {"type": piece.kind}
    match piece.kind:
        case "text":
            return made | {"text": words}, text(index, *piece.words)
        case "thinking":
            sign = signature(prefix, words) if piece.is_signed else ""
            made |= {"thinking": words, "signature": sign}
            return made, thinking(index, *piece.words, signature=sign)
        case "redacted_thinking":
            made["data"] = f"{number}.{index}:{signature(prefix, f'{number}.{index}')}"
            return made, block(index, made)
        case "tool_use":
            made |= {"id": f"toolu_{number}_{index}", "name": "look", "input": {}}
            taken = delta(index, "input_json_delta", partial_json="{}")
            return made, block(index, made, taken)


# What the API accepts


def check_parameters(request: Json, models: list[Json] | None) -> None:
    """Raise `Refused` for what the model that is asked does not take.

    An endpoint without a Models API, or that does not describe the model, takes nothing
    optional.
    """
    found: Json = {}
    if models is not None:
        found = next((each for each in models if each["id"] == request["model"]), {})
        if not found or found.get("lifecycle") == "retired":
            raise NoSuchModel(f"model: {request['model']}")
    if not 1 <= request["max_tokens"] <= found.get("max_tokens", 10**6):
        raise Refused(f"max_tokens: {request['max_tokens']} is not possible")
    can = found.get("capabilities") or {}
    if "cache_control" in request and not can:
        raise Refused("cache_control: Extra inputs are not permitted")
    _check_thinking(request, can)
    if config := request.get("output_config"):
        level = can.get("effort", {}).get(config.get("effort"), {})
        if config.keys() != {"effort"} or not level.get("supported"):
            raise Refused(f"output_config: {config} is not supported")


def _check_thinking(request: Json, can: Json) -> None:
    if thinking := request.get("thinking"):
        types = can.get("thinking", {}).get("types", {})
        if not types.get(thinking.get("type"), {}).get("supported"):
            raise Refused(f"thinking.type: {thinking.get('type')} is not supported")
        if thinking.keys() - {"type", "display"}:
            raise Refused("thinking: Extra inputs are not permitted")
        if thinking.get("display") not in ("summarized", "omitted", None):
            raise Refused("thinking.display: Input should be 'summarized' or 'omitted'")


def check_media(request: Json, models: list[Json] | None) -> None:
    """Raise `Refused` for images and documents that the API does not take."""
    found = (each for each in models or () if each["id"] == request["model"])
    for error in media_errors(request, next(found, {})):
        raise Refused(error)


def check(request: Json, account: str) -> int:
    """Return how many thinking blocks a request has. Raises `Refused`."""
    for name in request.keys() - PARAMETERS:
        raise Refused(f"{name}: Extra inputs are not permitted")
    messages = request["messages"]
    if not messages:
        raise Refused("messages: at least one message is required")
    for at, message in enumerate(messages):
        _check_message(f"messages.{at}", message)
    if messages[0]["role"] != "user":
        raise Refused('messages: first message must use the "user" role')
    if messages[-1]["role"] != "user":
        raise Refused(
            "This model does not support assistant message prefill. The conversation must"
            " end with a user message."
        )
    turns = merged(messages)
    _check_tools(turns)
    return _check_thoughts(turns, [_line(request.get("system", "")), account])


def _check_message(where: str, message: Json) -> None:
    if message.keys() != {"role", "content"}:
        raise Refused(f"{where}: Extra inputs are not permitted")
    if message["role"] not in ROLES:
        raise Refused(f'messages: Unexpected role "{message["role"]}"')
    if not message["content"]:
        raise Refused(f"{where}: all messages must have non-empty content")
    for at, each in enumerate(message["content"]):
        _check_block(f"{where}.content.{at}", message["role"], each)


def _check_block(where: str, role: str, each: Json) -> None:
    kind = each.get("type")
    if kind not in ROLES[role]:
        raise Refused(f"{where}: Input tag {kind!r} does not match any of the expected tags")
    if each.keys() != FIELDS[kind]:
        wrong = ", ".join(sorted(each.keys() ^ FIELDS[kind]))
        raise Refused(f"{where}.{kind}.{wrong}: Extra inputs are not permitted, or missing")
    if kind == "text" and not each["text"]:
        raise Refused("messages: text content blocks must be non-empty")
    if kind == "text" and not each["text"].strip():
        raise Refused("messages: text content blocks must contain non-whitespace text")


def merged(messages: list[Json]) -> list[tuple[str, list[Json]]]:
    """Return the turns: consecutive messages of one role are joined."""
    return [
        (role, [each for message in same for each in message["content"]])
        for role, same in itertools.groupby(messages, lambda message: message["role"])
    ]


def _check_tools(turns: list[tuple[str, list[Json]]]) -> None:
    known: set[str] = set()
    open_ids: set[str] = set()
    for at, (_, blocks) in enumerate(turns):
        results = [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"]
        if not open_ids <= set(results):
            raise Refused(
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks"
                f" immediately after: {', '.join(sorted(open_ids - set(results)))}"
            )
        if not set(results) <= open_ids:
            raise Refused(f"messages.{at}: unexpected `tool_use_id` found in `tool_result`")
        uses = [each["id"] for each in blocks if each["type"] == "tool_use"]
        if len(set(uses)) < len(uses) or known & set(uses):
            raise Refused(f"messages.{at}: `tool_use` ids must be unique")
        known |= set(uses)
        open_ids = set(uses)


def _check_thoughts(turns: list[tuple[str, list[Json]]], prefix: list[str]) -> int:
    taken = 0
    for at, (role, blocks) in enumerate(turns):
        if role == "assistant" and blocks[-1]["type"] in THOUGHTS:
            raise Refused(
                f"messages.{at}: The final block in an assistant message cannot be `thinking`."
            )
        prefix = [*prefix, role]
        for number, each in enumerate(blocks):
            if each["type"] in THOUGHTS:
                taken += 1
                _check_signature(f"messages.{at}.content.{number}", each, prefix)
            prefix = [*prefix, _line(each)]
    return taken


def _check_signature(where: str, each: Json, prefix: list[str]) -> None:
    if each["type"] == "thinking":
        words, given = each["thinking"], each["signature"]
    else:
        words, _, given = each["data"].partition(":")
    if not given:
        raise Refused(f"{where}: Invalid `signature` in `thinking` block")
    if given != signature(prefix, words):
        raise Refused(
            f"{where}: Invalid signature in thinking block. The block is bound to a different"
            " conversation."
        )


def context(request: Json, account: str) -> list[str]:
    """Return everything to which the answer's thinking is bound."""
    prefix = [_line(request.get("system", "")), account]
    for role, blocks in merged(request["messages"]):
        prefix += [role, *map(_line, blocks)]
    return [*prefix, "assistant"]


def solid(blocks: list[Json]) -> Iterator[Json]:
    """Yield the blocks that may be sent back: no blank text, no unsigned thinking."""
    for each in blocks:
        is_blank = each["type"] == "text" and not each["text"].strip()
        is_unsigned = each["type"] == "thinking" and not each["signature"]
        if not (is_blank or is_unsigned):
            yield each


def signature(prefix: list[str], words: str) -> str:
    """Return the signature that binds thinking to everything before it."""
    return hashlib.blake2b(_line([prefix, words]).encode(), digest_size=12).hexdigest()


def _line(value: object) -> str:
    # The SDK may change the order of a block's fields.
    return json.dumps(value, sort_keys=True)
