"""One finding of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    section: str
    name: str
    value: str
    level: Level = "ok"
    fix: str = ""
    """What to do about it."""


def failed(is_failed: bool) -> Level:  # noqa: FBT001 - the question is its name
    """Return "error" if a check has failed."""
    return "error" if is_failed else "ok"


def warned(is_warned: bool) -> Level:  # noqa: FBT001 - likewise
    """Return "warning" if a check found something that works, but not well."""
    return "warning" if is_warned else "ok"
