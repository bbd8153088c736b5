"""Finds the reason in an endpoint's error, whatever its format.

Anthropic's API has one error format; gateways and local servers have many. The reason
becomes one clean, short line without the key.
"""

from __future__ import annotations

import json

from tui.domain.endpoint import Endpoint
from tui.text.sanitise import clean_line

LONGEST = 400
"""The longest reason that is shown, in characters."""

_DEEPEST = 6
# The most informative names first: next to a `message`, `error` is often only a type.
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
    """Return the reason in a body, which is parsed JSON or text; "" for a web page."""
    if isinstance(body, str):
        body = _parsed(body)
    found = _found(body, 0)
    # A proxy may have sent a page for browsers.
    return "" if found.lstrip().startswith("<") else line(found, endpoint)


def error_type(body: object) -> str | None:
    """Return the type of an error in the Messages API's format; None for other formats."""
    match body:
        case {"error": {"type": str(found)}}:
            return found
        case _:
            return None


def line(text: str, endpoint: Endpoint, *, longest: int = LONGEST) -> str:
    """Return foreign text as one clean line without the key."""
    # Remove the key before cutting the text: a part of the key would not be recognised.
    shown = endpoint.without_secrets(clean_line(text))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def is_error(body: object) -> bool:
    """Return whether a body with the status 200 is an error nevertheless."""
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
