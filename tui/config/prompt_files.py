"""Prompt templates as files: one template in each, Markdown with YAML front matter.

A file that cannot be used is reported with the line that is wrong. The others still work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tui.config.textfile import NotPlain, open_text
from tui.domain.model import EFFORTS
from tui.domain.prompt_template import INPUT, Argument, PromptTemplate, template_text

SUFFIX = ".md"

MOST_FILES = 1000
"""At most so many templates are read from a folder."""

_FENCE = "---"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
_KEPT_OUT = re.compile(r"[^A-Za-z0-9._-]+")


class BadTemplate(Exception):
    """A template cannot be used. The text is one line for the user, and names the file."""


@dataclass(frozen=True, slots=True)
class PromptTemplates:
    """The templates of a folder."""

    by_name: Mapping[str, PromptTemplate]
    problems: tuple[str, ...] = ()
    """A line for the user about each file that cannot be used."""


def read_templates(folder: Path) -> PromptTemplates:
    """Return the templates in a folder, by name; none if there is no folder. Blocks."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except FileNotFoundError:
        return PromptTemplates({})
    except OSError as error:
        return PromptTemplates({}, (f"{folder} cannot be read: {error.strerror}.",))
    found: dict[str, PromptTemplate] = {}
    problems: list[str] = []
    for path in paths[:MOST_FILES]:
        try:
            found[path.stem] = read_template(path)
        except BadTemplate as error:
            problems.append(str(error))
    if len(paths) > MOST_FILES:
        problems.append(f"{folder} holds more than {MOST_FILES:,} templates.")
    return PromptTemplates(found, tuple(problems))


def template_named(folder: Path, name: str) -> PromptTemplate:
    """Return a template by its name. Raises `BadTemplate` if there is none. Blocks."""
    found = read_templates(folder)
    if name in found.by_name:
        return found.by_name[name]
    path = folder / f"{name}{SUFFIX}"
    if broken := [line for line in found.problems if line.startswith(str(path))]:
        raise BadTemplate(broken[0])
    if not found.by_name:
        raise BadTemplate(f"There is no template {name!r}. Templates are files in {folder}.")
    near = get_close_matches(name, found.by_name, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    names = ", ".join(found.by_name)
    raise BadTemplate(f"There is no template {name!r}.{meant} Templates: {names}.")


def read_template(path: Path) -> PromptTemplate:
    """Return the template in a file. Raises `BadTemplate`. Blocks."""
    return parse_template(path, text_in(path))


def text_in(path: Path) -> str:
    """Return the text of a small file. Raises `BadTemplate`. Blocks."""
    try:
        with open_text(path, follows_links=True) as file:
            return file.read()
    except UnicodeDecodeError:
        raise BadTemplate(f"{path} is not a text file in UTF-8.") from None
    except NotPlain as error:
        raise BadTemplate(f"{path} {error}.") from None
    except OSError as error:
        raise BadTemplate(f"{path} cannot be read: {error.strerror}.") from error


def parse_template(path: Path, text: str) -> PromptTemplate:
    """Parse the text of a template. `path` gives its name, and is in the errors.

    Unknown names in the front matter are ignored: other programs have their own.
    Raises `BadTemplate`.
    """
    table, body = split_front_matter(path, text)
    reader = _FrontMatter(path, text, table)
    system = reader.text("system")
    if not body.strip() and system:
        # Then it asks with the text that the user writes.
        body = template_text(Argument(INPUT))
    template = PromptTemplate(
        name=path.stem,
        text=body.strip("\n"),
        title=reader.text("title") or "",
        description=reader.text("description") or "",
        model=reader.text("model") or None,
        effort=reader.one_of("effort", EFFORTS),
        system=system,
        declared=tuple(reader.arguments()),
    )
    if not template.text.strip():
        raise BadTemplate(f"{path} has no prompt below its front matter.")
    return template


def split_front_matter(path: Path, text: str) -> tuple[dict[str, Any], str]:
    """Return the front matter of a text as a table, and the text after it.

    Raises `BadTemplate`.
    """
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        return {}, text
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            return yaml_in(path, "".join(lines[1:number]), first=2), "".join(
                lines[number + 1 :]
            )
    raise BadTemplate(f"{path}, line 1: the front matter has no end; close it with {_FENCE}.")


def yaml_in(path: Path, text: str, *, first: int = 1) -> dict[str, Any]:
    """Parse YAML that must be a table. Raises `BadTemplate`.

    `first` is the line of the file on which the text begins, for the errors.
    """
    import yaml

    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = first + mark.line if mark is not None else first
        what = getattr(error, "problem", None) or "it is not YAML"
        raise BadTemplate(f"{path}, line {line}: {what}.") from None
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise BadTemplate(f"{path}, line {first}: this must be lines of `name: value`.")
    return table


class _FrontMatter:
    """Reads the values of a front matter, and reports the line of a wrong one."""

    def __init__(self, path: Path, text: str, table: dict[str, Any]) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._table = table

    def text(self, name: str) -> str | None:
        """Return a value as text; None if it is missing."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, dict | list):
            raise self._bad(name, f"{name} must be text")
        return str(value)

    def one_of(self, name: str, choices: tuple[Any, ...]) -> Any:
        """Return a value that must be one of `choices`; None if it is missing."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise self._bad(name, f"{name} must be one of: {', '.join(choices)}")
        return value

    def arguments(self) -> Iterable[Argument]:
        """Yield the arguments: a table of names and defaults, or a list of names."""
        value = self._table.get("arguments") or {}
        if isinstance(value, list):
            value = dict.fromkeys(value)
        if not isinstance(value, dict):
            raise self._bad("arguments", "arguments must be lines of `name: default`")
        for name, default in value.items():
            if isinstance(default, dict | list) or not isinstance(name, str):
                raise self._bad("arguments", f"the default of {name} must be text")
            yield Argument(name, None if default is None else str(default))

    def _bad(self, name: str, what: str) -> BadTemplate:
        at = next(
            (number for number, line in enumerate(self._lines, 1) if line.startswith(name)), 1
        )
        return BadTemplate(f"{self._path}, line {at}: {what}.")


def template_file(template: PromptTemplate) -> str:
    """Return the text of a template's file; `parse_template` reads an equal template."""
    import yaml

    table: dict[str, Any] = {
        name: value
        for name in ("title", "description", "model", "effort", "system")
        if (value := getattr(template, name))
    }
    if template.declared:
        table["arguments"] = {each.name: each.default for each in template.declared}
    if not table:
        # Without front matter, a text that begins like one would be parsed as one.
        table["title"] = template.name
    front = yaml.safe_dump(table, allow_unicode=True, sort_keys=False, width=10_000)
    return f"{_FENCE}\n{front}{_FENCE}\n\n{template.text}\n"


def name_for(title: str) -> str:
    """Return a template's name, made from the words of a title; it is a valid file name."""
    words = _KEPT_OUT.sub("-", title.casefold()).strip("-._")
    return words[:60].strip("-._") or "prompt"


def save_template(folder: Path, template: PromptTemplate) -> Path:
    """Write a template into its own file, and return the path. Blocks.

    Raises `BadTemplate` if one with this name exists, or if it cannot be written.
    """
    if not _NAME.fullmatch(template.name):
        raise BadTemplate(f"{template.name!r} is no name for a template: use letters and -.")
    path = folder / f"{template.name}{SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, template_file(template))
    except FileExistsError:
        raise BadTemplate(f"There is a template {template.name} already: {path}.") from None
    except OSError as error:
        raise BadTemplate(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _write_new(path: Path, text: str) -> None:
    """Create a file, completely or not at all. Raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
