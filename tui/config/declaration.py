"""Declares a setting once, as a field of a dataclass that is annotated with a `Setting`.

The field gives the name, the type and the default. The annotation gives the rest. Parsing,
error texts, `--help`, the list of `doctor` and the table in README derive from it.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a setting is, and where the user can set it."""

    name: str = ""
    """The name of its field. `declared` fills in the name, the type and the default."""
    kind: type = str
    default: Any = None
    help: str
    """One line, for `--help` and README."""
    otherwise: str = ""
    """The default in words, if `default` cannot say it."""
    flag: str = ""
    """The option that sets it, for every command; empty if there is none."""
    metavar: str = ""
    """The flag's value in `--help`."""
    variable: str = ""
    """The environment variable that sets it; empty if there is none."""
    is_in_file: bool = True
    """Whether `config.toml` can set it."""
    may_be_empty: bool = True
    """Whether a blank text is allowed."""
    between: tuple[int, int] | None = None
    """The least and the greatest number that is allowed."""
    one_of: tuple[str, ...] = ()
    """The values that are allowed, if the type is a `Literal`; else empty."""

    def shown(self, value: object) -> str:
        """Return a value as one writes it in `config.toml`, but without quotes."""
        if value is None:
            return self.otherwise
        return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def declared(group: type) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares; other fields are left out."""
    hints = get_type_hints(group, include_extras=True)
    return tuple(
        replace(
            given,
            name=each.name,
            kind=str if (one_of := _one_of(hint)) else _kind(hint),
            one_of=one_of,
            default=None if each.default is MISSING else each.default,
        )
        for each in fields(group)
        if get_origin(annotated := hints[each.name]) is Annotated
        for hint, given in [get_args(annotated)]
    )


def _one_of(hint: Any) -> tuple[str, ...]:
    """Return the values of a `Literal`, or of one that may be None."""
    hints = (hint, *get_args(hint))
    found = next((each for each in hints if get_origin(each) is Literal), None)
    return get_args(found)


def _kind(hint: Any) -> type:
    """Return the type of a value, without the None that means "not set"."""
    kind: type = next((each for each in get_args(hint) if each is not type(None)), hint)
    return kind
