"""Converts prompt templates of other programs into ours.

`llm` has a template in YAML; its placeholders are `$name`, and `$input` for piped text
(https://llm.datasette.io/en/stable/templates.html). Claude Code has a command in Markdown;
`$ARGUMENTS` is the text typed after its name, and `$1` the first word of that
(https://code.claude.com/docs/en/slash-commands).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

from tui.config.prompt_files import (
    MOST_FILES,
    SUFFIX,
    BadTemplate,
    name_for,
    split_front_matter,
    text_in,
    yaml_in,
)
from tui.domain.prompt_template import INPUT, Argument, PromptTemplate, template_text

LLM_SUFFIXES = (".yaml", ".yml")

_WORDS = re.compile(r"\$(ARGUMENTS|[1-9])\b")


def files_to_import(path: Path) -> list[Path]:
    """Return the template files at a path: the file itself, or those in a folder. Blocks.

    Raises `BadTemplate` if the path cannot be read.
    """
    suffixes = (SUFFIX, *LLM_SUFFIXES)
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        found = (each for each in path.rglob("*") if each.suffix in suffixes)
        return sorted(each for each, _ in zip(found, range(MOST_FILES), strict=False))
    except OSError as error:
        raise BadTemplate(f"{path} cannot be read: {error.strerror}.") from error


def import_template(path: Path, *, root: Path | None = None) -> PromptTemplate:
    """Return another program's template as ours. Raises `BadTemplate`. Blocks.

    Its name is made from the names of the file and of the folders between it and `root`.
    """
    parts = path.relative_to(root).parts if root is not None else (path.name,)
    name = name_for("-".join((*parts[:-1], path.stem)))
    if path.suffix in LLM_SUFFIXES:
        return _from_llm(path, name)
    return _from_claude_code(path, name)


def _from_llm(path: Path, name: str) -> PromptTemplate:
    text = text_in(path)
    table = yaml_in(path, text)
    prompt = _text(path, table, "prompt")
    defaults = table.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise BadTemplate(f"{path}: defaults must be lines of `name: value`.")
    return PromptTemplate(
        name=name,
        # A template with only a system prompt asks with the piped text.
        text=template_text(*(_parts_of_llm(prompt) if prompt else [Argument(INPUT)])),
        title=path.stem,
        system=_text(path, table, "system") or None,
        declared=tuple(Argument(str(each), str(value)) for each, value in defaults.items()),
    )


def _parts_of_llm(prompt: str) -> Iterator[str | Argument]:
    """Yield the text and the placeholders of a prompt of `llm`, in order."""
    text, at = "", 0
    for found in Template.pattern.finditer(prompt):
        text += prompt[at : found.start()]
        at = found.end()
        name = found["named"] or found["braced"]
        if name is None:
            text += "$"
            continue
        yield text
        yield Argument(name)
        text = ""
    yield text + prompt[at:]


def _from_claude_code(path: Path, name: str) -> PromptTemplate:
    table, body = split_front_matter(path, text_in(path))
    if not body.strip():
        raise BadTemplate(f"{path} has no prompt below its front matter.")
    return PromptTemplate(
        name=name,
        text=template_text(*_parts_of_claude_code(body.strip("\n"))),
        title=path.stem,
        description=_text(path, table, "description"),
    )


def _parts_of_claude_code(body: str) -> Iterator[str | Argument]:
    """Yield the text and the placeholders of a command of Claude Code, in order."""
    at = 0
    for found in _WORDS.finditer(body):
        yield body[at : found.start()]
        at = found.end()
        yield Argument(INPUT if found[1] == "ARGUMENTS" else f"argument_{found[1]}")
    yield body[at:]


def _text(path: Path, table: dict[str, Any], name: str) -> str:
    value = table.get(name)
    if isinstance(value, dict | list):
        raise BadTemplate(f"{path}: {name} must be text.")
    return "" if value is None else str(value)
