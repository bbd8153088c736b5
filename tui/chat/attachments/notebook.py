"""Reads a Jupyter notebook as text: its cells in order, each with what it printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_MOST_OUTPUT = 10_000
"""Characters of one output. A table or a log in a notebook may be longer than its code."""
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""A colour of a traceback."""


def notebook_text(text: str) -> str | None:
    """Return the cells of a notebook as text; None if the text is not a notebook."""
    if not text.lstrip().startswith("{") or '"nbformat"' not in text:
        return None
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not isinstance(notebook.get("nbformat"), int):
        return None
    parts = [
        part
        for number, cell in enumerate(cells, 1)
        if isinstance(cell, dict)
        for part in _cell(number, cell)
    ]
    found = "\n\n".join(parts)
    # Lone surrogates are valid in JSON, and cannot be sent.
    return found.encode("utf-8", "replace").decode() or None


def _cell(number: int, cell: dict[str, Any]) -> Iterator[str]:
    kind = cell.get("cell_type")
    yield f"# Cell {number} ({kind if isinstance(kind, str) else 'unknown'})"
    if source := _joined(cell.get("source")).strip("\n"):
        yield source
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict) and (said := _output(output)):
            yield f"## Output\n{said}"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data")
    match output.get("output_type"):
        case "stream":
            said = _joined(output.get("text"))
        case "error":
            said = _ESCAPE.sub("", "\n".join(_strings(output.get("traceback"))))
        case _ if isinstance(data, dict):
            said = _joined(data.get("text/plain")) or f"({', '.join(map(str, data))})"
        case _:
            said = ""
    said = said.strip("\n")
    if len(said) <= _MOST_OUTPUT:
        return said
    return f"{said[:_MOST_OUTPUT]}\n(… {len(said) - _MOST_OUTPUT:,} more characters)"


def _joined(value: object) -> str:
    """Return a text that is one string, or a list of its lines."""
    return value if isinstance(value, str) else "".join(_strings(value))


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
