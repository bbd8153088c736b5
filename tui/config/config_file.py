"""Writes settings into `config.toml`, and leaves everything else as it is.

tomlkit changes settings that exist. This module inserts new ones itself, so that every
comment stays with its subject: tomlkit would insert them after the comment above the next
table, and would remove that comment together with the table before it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from tui.config.textfile import NotPlain, open_text, replace_text

Names = tuple[str, ...]
"""The tables of a setting, the outermost first, and then its own name."""

Value = str | bool | int

_BOM = "\ufeff"


class CannotSet(Exception):
    """The file cannot be changed safely. The text is one line for the user."""


class NotUnderstood(Exception):
    """A text sets a name in a form that this module cannot change."""


def set_values(path: Path, changes: Mapping[Names, Value | None]) -> None:
    """Set values in a file; None removes one. Create the file if it does not exist.

    Comments, order, line ends and the file's mode stay the same. Raises `CannotSet`, and
    has changed nothing then.
    """
    try:
        # Write the target of a link; do not replace the link.
        path = path.resolve()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_text(path, with_values(_read(path), changes))
    except tomllib.TOMLDecodeError as error:
        raise CannotSet(f"{path}: {error}. Correct it, then try again.") from error
    except UnicodeDecodeError as error:
        raise CannotSet(f"{path} is not a text file in UTF-8.") from error
    except NotPlain as error:
        raise CannotSet(f"{path} {error}, so it cannot be written.") from error
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CannotSet(f"{path} cannot be written: {why}.") from error
    except NotUnderstood as error:
        what = ", ".join(".".join(names) for names in changes)
        raise CannotSet(
            f"{path} has {what} in a form that this program cannot change. Edit it there."
        ) from error


def with_values(text: str, changes: Mapping[Names, Value | None]) -> str:
    """Return a TOML text with values set in it, or removed.

    Raises `NotUnderstood` if that would change anything else, and `TOMLDecodeError`.
    """
    begin = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    has_crlf = 0 < text.count("\n") == text.count("\r\n")
    if has_crlf:
        # tomlkit ends the lines that it adds with a line feed.
        text = text.replace("\r\n", "\n")
    wanted = tomllib.loads(text)
    for names, value in changes.items():
        _put(wanted, names, value)
    try:
        changed = _changed(text, changes)
        is_all = _filled(tomllib.loads(changed)) == _filled(wanted)
    except Exception as error:
        # tomlkit also raises errors that are not its own.
        raise NotUnderstood from error
    if not is_all:
        raise NotUnderstood
    return begin + (changed.replace("\n", "\r\n") if has_crlf else changed)


def _put(table: dict[str, Any], names: Names, value: Value | None) -> None:
    *outer, name = names
    for each in outer:
        if value is None and each not in table:
            return
        table = table.setdefault(each, {})
        if not isinstance(table, dict):
            raise NotUnderstood
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


def _filled(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table without inner tables that are empty."""
    return {name: value for name, value in table.items() if value != {}}


def _changed(text: str, changes: Mapping[Names, Value | None]) -> str:
    # Imported here: only a change of the settings needs it.
    import tomlkit

    for (*outer, name), value in changes.items():
        document = tomlkit.parse(text)
        table = _table(document, outer, name)
        is_there = table is not None and name in table
        if value is None and not is_there:
            continue
        if table is None or not (is_there or outer):
            text = _with_new(text, [*outer, name], value)
        elif tomlkit.dumps(document) != text:
            # tomlkit joins tables that have other tables between them.
            raise NotUnderstood
        elif value is None:
            text = _without(document, table, name)
        else:
            _set(table, name, value)
            text = tomlkit.dumps(document)
    return text


def _with_new(text: str, names: list[str], value: Value | None) -> str:
    """Return a text with a new value before every table, or in a new table at the end."""
    if len(names) == 1:
        return _snippet(names, value) + text
    end = "" if not text or text.endswith("\n") else "\n"
    gap = "" if not text or text.endswith("\n\n") else "\n"
    return f"{text}{end}{gap}{_snippet(names, value)}"


def _table(document: Any, names: list[str], name: str) -> Any:
    """Return the inner table that has a name, or should have it; None if there is none.

    tomlkit's own lookup would join a table that is written in several places.
    """
    if not names:
        return document
    found = list(_parts(document, names))
    having = (part for part in found if name in part)
    whole = (part for part in found if not getattr(part, "is_super_table", bool)())
    return next(having, next(whole, None))


def _parts(table: Any, names: list[str]) -> Iterator[Any]:
    from tomlkit.container import Container
    from tomlkit.items import InlineTable, Table

    first, *inner = names
    for key, item in (table if isinstance(table, Container) else table.value).body:
        if key is not None and key.key == first and isinstance(item, Table | InlineTable):
            if inner:
                yield from _parts(item, inner)
            else:
                yield item


def _set(table: Any, name: str, value: Value) -> None:
    if name in table:
        table[name] = value
        return
    # Comments below the last name of a table are mostly about the next table.
    body, tail = table.value.body, []
    while body and body[-1][0] is None:
        tail.append(body.pop())
    table[name] = value
    table.value.body.extend(reversed(tail))


def _without(document: Any, table: Any, name: str) -> str:
    import tomlkit
    from tomlkit.items import Table

    removed = table[name]
    if not isinstance(removed, Table) or removed.is_super_table():
        table.remove(name)
        return tomlkit.dumps(document)
    # The comments below it stay: only its heading and its names are removed.
    body, tail = removed.value.body, []
    while body and body[-1][0] is None:
        tail.append(body.pop())
    for each in list(removed):
        removed.remove(each)
    mark = uuid4().hex
    removed.value.body[:] = [(None, tomlkit.comment(mark)), *reversed(tail)]
    lines = tomlkit.dumps(document).splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if mark in line)
    return "".join([*lines[: at - 1], *lines[at + 1 :]])


def _snippet(names: list[str], value: Value | None) -> str:
    """Return the lines that set a value, with the heading of its table if it has one."""
    import tomlkit

    *outer, name = names
    document = tomlkit.document()
    table: Any = document
    for number, each in enumerate(outer, 1):
        inner = tomlkit.table(is_super_table=number < len(outer))
        table[each] = inner
        table = inner
    table[name] = value
    return tomlkit.dumps(document)


def _read(path: Path) -> str:
    try:
        with open_text(path, follows_links=True) as file:
            raw: Any = file.buffer
            return bytes(raw.read()).decode()
    except FileNotFoundError:
        return ""
