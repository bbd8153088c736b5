"""Lets the user choose one of the prompt templates in a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from tui.config.prompt_files import read_templates
from tui.domain.prompt_template import PromptTemplate
from tui.text.sanitise import clean_line

MOST_PROBLEMS = 3
"""At most so many unusable files are reported at once."""

Describe = Callable[[PromptTemplate], str | None]
"""Returns a line about a template; None if it is not offered."""


async def choose_template(
    over: Widget, folder: Path, title: str, describe: Describe, *, none: str
) -> PromptTemplate | None:
    """Show the templates in a dialog over a widget; return the chosen one, or None.

    Reports the files that cannot be used. If there is no template to offer, a notice says
    `none`. Must run in a worker.
    """
    from tui.ui.screens.choice import ChoiceScreen

    found = await asyncio.to_thread(read_templates, folder)
    for problem in found.problems[:MOST_PROBLEMS]:
        over.notify(clean_line(problem), severity="warning", timeout=10, markup=False)
    described = {name: describe(each) for name, each in found.by_name.items()}
    offered = {name: line for name, line in described.items() if line is not None}
    if not offered:
        over.notify(clean_line(none), timeout=6, markup=False)
        return None
    width = max(cell_len(clean_line(name)) for name in offered)
    lines = [(name, _line(name, what, width)) for name, what in offered.items()]
    chosen = await over.app.push_screen_wait(ChoiceScreen(title, lines))
    return None if chosen is None else found.by_name[chosen]


def _line(name: str, what: str, width: int) -> Content:
    """Return the line of a template in the list: its name and its description."""
    name = clean_line(name)
    room = " " * (width - cell_len(name) + 2)
    return Content.assemble(name, room, (clean_line(what), "$text-muted"))
