"""What an endpoint itself says went wrong, in whatever form it says so.

Anthropic's API has one form of error, gateways and local servers have many. What is
found is made one clean line, without the key, and short enough to be read at a glance.
"""

from __future__ import annotations

import json

from tui.endpoint import Endpoint
from tui.sanitise import clean_line

LONGEST = 400
"""The longest reason that is told, in characters."""

_DEEPEST = 6
# What says most of it first: beside a message, an error is often its mere name.
_NAMES = (
    "message",
    "error_description",
    "detail",
    "msg",
    "error",
    "errors",
    "details",
    "title",
    "reason",
)


def reason(body: object, endpoint: Endpoint) -> str:
    """Return the reason that a body gives: parsed JSON, or text. Nothing for a web page."""
    if isinstance(body, str):
        body = _parsed(body)
    # It may be a page that a proxy made for a browser.
    said = _found(body, 0)
    return "" if said.lstrip().startswith("<") else line(said, endpoint)


def error_type(body: object) -> str | None:
    """Return the type of an error in the form of the Messages API; None in any other."""
    match body:
        case {"error": {"type": str(found)}}:
            return found
        case _:
            return None


def line(said: str, endpoint: Endpoint, *, longest: int = LONGEST) -> str:
    """Return foreign text as one clean line without the key."""
    # The key goes first: cut in two, it would not be known any more.
    shown = endpoint.without_secrets(clean_line(said))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def is_error(body: object) -> bool:
    """Tell whether a body that came with the status 200 is an error all the same."""
    match body:
        case {"type": "error"} | {"errors": [_, *_]}:
            return True
        case {"error": found} if found:
            return True
        case {"content": _} | {"data": _}:
            return False
        case {"detail": _} | {"message": str()}:
            return True
        case _:
            return False


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _found(body: object, depth: int) -> str:
    match body:
        case str():
            return body
        case dict() if depth < _DEEPEST:
            inner = (_found(body.get(name), depth + 1) for name in _NAMES)
            return next(filter(str.strip, inner), "")
        case [first, *_] if depth < _DEEPEST:
            return _found(first, depth + 1)
        case _:
            return ""
