"""Who may import whom. The tables are the architecture; the tests keep them true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tui

PACKAGE = Path(tui.__file__).parent

ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "app": {
        "bindings",
        "claude",
        "clock",
        "conversation",
        "draft",
        "ending",
        "keymap",
        "preload",
        "replies",
        "sanitise",
        "screens",
        "store",
        "turn",
        "widgets",
        "wording",
        "clipboard",
        "desk",
        "notices",
        "palette",
        "preparing",
        "themes",
        "titles",
        "terminal",
        "containment",
        "window",
        "pages",
    },
    "bindings": {"keymap", "screens", "widgets"},
    "garbage": set(),
    "claude": {"conversation", "endpoint", "garbage", "recording", "sanitise"},
    "cli": {
        "app",
        "claude",
        "clock",
        "config",
        "conversation",
        "draft",
        "demo",
        "ending",
        "endpoint",
        "sanitise",
        "search",
        "settings",
        "store",
        "turn",
        "wording",
    },
    "clipboard": {"emulator"},
    "clock": set(),
    "config": {"keymap", "textfile", "toml_lines"},
    "containment": set(),
    "continuing": {"conversation"},
    "conversation": set(),
    "draft": {"conversation"},
    "folding": set(),
    "graphemes": set(),
    "demo": {"claude", "conversation", "endpoint"},
    "emulator": set(),
    "ending": set(),
    "endpoint": set(),
    "journal": {"conversation", "draft"},
    "notices": {"emulator", "sanitise"},
    "preparing": {"conversation", "store"},
    "preload": {"markdown"},
    "prompt": {"conversation"},
    "journaling": {"conversation", "draft", "journal", "store"},
    "ledger": {"clock", "conversation", "draft", "recording", "store"},
    "desk": {"conversation", "store"},
    "listing": {"clock", "conversation"},
    "keymap": set(),
    "markdown": {"sanitise"},
    "recording": set(),
    "replies": {
        "claude",
        "clock",
        "conversation",
        "desk",
        "draft",
        "finishing",
        "store",
        "turn",
    },
    "sanitise": set(),
    "pairs": set(),
    "pages": {"endpoint", "keymap", "sanitise", "screens"},
    "palette": set(),
    "schema": {"folding", "pairs"},
    "search": {"conversation"},
    "screens": {
        "clock",
        "conversation",
        "draft",
        "endpoint",
        "replies",
        "sanitise",
        "markdown_export",
        "store",
        "trash",
        "turn",
        "widgets",
        "wording",
        "desk",
        "listing",
        "reading",
        "search",
        "tree",
    },
    "markdown_export": {"conversation", "draft"},
    "settings": {"config", "endpoint", "textfile", "toml_lines"},
    "store": {
        "clock",
        "conversation",
        "draft",
        "folding",
        "journal",
        "listing",
        "pairs",
        "sanitise",
        "schema",
        "search",
        "tree",
    },
    "reading": {"continuing", "conversation", "draft", "replies", "store", "trash", "turn"},
    "terminal": {"keymap"},
    "textfile": set(),
    "themes": set(),
    "titles": {"claude", "conversation", "draft", "ledger", "sanitise", "store"},
    "toml_lines": set(),
    "trash": {"store"},
    "tree": {"conversation"},
    "finishing": {"conversation", "draft", "ledger", "sanitise", "store"},
    "turn": {
        "claude",
        "continuing",
        "conversation",
        "draft",
        "journaling",
        "ledger",
        "prompt",
        "finishing",
        "store",
    },
    "widgets": {
        "garbage",
        "graphemes",
        "containment",
        "conversation",
        "draft",
        "keymap",
        "listing",
        "markdown",
        "sanitise",
        "wording",
        "continuing",
        "search",
    },
    "window": set(),
    "wording": {
        "clock",
        "conversation",
        "draft",
    },
}
"""Each room, and the others it may import, at any depth and however late."""

GUESTS: dict[str, set[str]] = {
    "anthropic": {"claude", "demo"},
    "dotenv": {"settings"},
    "httpx2": {"claude", "demo"},
    "jiter": {"claude"},
    "markdown_it": {"markdown", "widgets"},
    "platformdirs": {"settings"},
    "pygments": {"markdown"},
    "rich": {"containment", "markdown", "screens", "widgets", "window"},
    "sqlite3": {"schema", "store"},
    "sqlite_utils": {"schema", "store"},
    "textual": {
        "app",
        "bindings",
        "containment",
        "markdown",
        "pages",
        "screens",
        "terminal",
        "themes",
        "widgets",
        "window",
    },
    "wcwidth": {"graphemes", "preload"},
}
"""What is not ours and matters where it is known: the rooms that may import it.

Of the standard library only what stands here is watched.
"""

DEFERRED: dict[tuple[str, str], str] = {
    ("__main__.py", "tui.cli"): "the entry point loads what it runs, and nothing at import",
    ("app.py", "tui.bindings"): "every screen, for who asks for the keys or has chosen some",
    ("app.py", "tui.terminal.driver"): "not on Windows, where what it mends is not",
    ("app.py", "tui.screens.help"): "a screen that is not the first",
    ("app.py", "tui.screens.confirm"): "likewise",
    ("app.py", "tui.titles"): "asked for after the first reply",
    ("app.py", "tui.clipboard"): "for who copies something",
    ("app.py", "tui.notices"): "for who looks elsewhere",
    ("app.py", "tui.pages"): "with the help",
    ("app.py", "tui.palette"): "with the palette",
    ("screens/chat.py", "tui.screens.confirm"): "a screen that is not the first",
    ("screens/acting.py", "tui.screens.choice"): "likewise",
    ("screens/acting.py", "tui.screens.tree"): "likewise",
    ("screens/looking.py", "tui.screens.search"): "likewise",
    ("screens/organising.py", "tui.screens.line"): "likewise",
    ("widgets/transcript.py", "tui.widgets.entry"): "40 ms, with the first message",
    ("widgets/transcript.py", "tui.widgets.message_layout"): "likewise",
    ("claude/__init__.py", "anthropic"): "two seconds, after the first screen in a thread",
    ("claude/__init__.py", "tui.claude.failures"): "it imports anthropic, to know its errors",
    ("claude/event_stream.py", "jiter"): "with the SDK, for who sends a tool's input",
    ("claude/__init__.py", "tui.claude.client"): "it imports anthropic, to build its client",
    ("claude/__init__.py", "tui.claude.errors"): "it imports anthropic, to know its errors",
    ("claude/answers.py", "anthropic"): "likewise",
    ("claude/answers.py", "httpx2"): "likewise",
    ("claude/answers.py", "tui.claude.errors"): "likewise",
    ("claude/tap.py", "httpx2"): "half of those two seconds",
    ("claude/warming.py", "anthropic"): "likewise: it is what is warmed up",
    ("claude/warming.py", "httpx2"): "likewise",
    ("demo/__init__.py", "httpx2"): "likewise: the demo is connected before the first screen",
    ("cli/__init__.py", "tui.cli.ask"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.doctor"): "one command does not pay for another",
    ("cli/doctor.py", "tui.claude"): "only when the endpoint is asked",
    ("cli/doctor.py", "tui.claude.network"): "likewise",
    ("cli/__init__.py", "tui.cli.log"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.open"): "one command does not pay for another",
    ("cli/ask.py", "tui.demo"): "for --demo only",
    ("cli/open.py", "tui.app"): "Textual, 0.2 s, which no other command needs",
    ("cli/open.py", "tui.ending"): "for the app only",
    ("cli/open.py", "tui.demo"): "for --demo, or without a key",
    ("graphemes.py", "wcwidth"): "50 ms, for what is more than a letter of Europe",
    ("markdown/highlight.py", "pygments.lexer"): "with the first code that is drawn",
    ("markdown/highlight.py", "pygments.lexers"): "likewise: 10 ms, and up to 60 a lexer",
    ("markdown/highlight.py", "pygments.token"): "likewise",
    ("markdown/highlight.py", "pygments.util"): "likewise",
    ("markdown/highlight.py", "textual.highlight"): "it loads pygments",
    ("preload.py", "tui.markdown"): "40 ms with its parser: it is what is preloaded",
    ("preload.py", "wcwidth"): "likewise",
    ("schema/__init__.py", "sqlite_utils"): "0.2 s, for an old or an empty file only",
    ("settings.py", "dotenv.parser"): "only where there is a .env",
    ("store/connection.py", "sqlite_utils"): "0.2 s, at the first write or migration",
}
"""Imports inside functions, and what each saves. Those of the standard library are free."""

UNLOADED: dict[str, set[str]] = {
    "tui.app": {"anthropic", "httpx2", "pydantic", "sqlite_utils", "tui.markdown"},
    "tui.cli": {"anthropic", "dotenv", "httpx2", "sqlite_utils", "textual"},
    "tui.demo": {"anthropic", "httpx2", "textual"},
    "tui.markdown": {"anthropic", "httpx2", "pygments", "textual.app", "textual.widget"},
    "tui.turn": {"anthropic", "httpx2", "textual"},
}
"""What importing a module must not have loaded when it is done."""


@dataclass(frozen=True)
class Import:
    path: Path
    line: int
    module: str
    is_deferred: bool
    is_for_types: bool
    """Whether it stands under `TYPE_CHECKING`, and never runs."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


class _Reader(ast.NodeVisitor):
    """Collects the imports of one file, wherever in it they stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Import] = []
        self._functions = 0
        self._guards = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._in_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._in_function(node)

    def visit_If(self, node: ast.If) -> None:
        is_guard = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        self._guards += is_guard
        self.generic_visit(node)
        self._guards -= is_guard

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, f"{self.path}:{node.lineno}: imports here are absolute"
        module = node.module or ""
        if module != "tui":
            self._add(node, module)
            return
        for alias in node.names:
            # `from tui import settings` names a room, `__version__` does not.
            self._add(node, f"tui.{alias.name}" if alias.name in ROOMS else "tui.__init__")

    def _in_function(self, node: ast.AST) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def _add(self, node: ast.stmt, module: str) -> None:
        self.found.append(
            Import(self.path, node.lineno, module, self._functions > 0, self._guards > 0)
        )


def imports_of(path: Path) -> list[Import]:
    reader = _Reader(path.relative_to(PACKAGE))
    reader.visit(ast.parse(path.read_text(encoding="utf-8")))
    return reader.found


def every_import() -> Iterator[Import]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from imports_of(path)


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_every_file_is_in_a_room_of_the_table() -> None:
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    assert {room_of(path) for path in files} <= ROOMS.keys()


def test_rooms_import_only_the_rooms_they_may() -> None:
    wrong = []
    for found in every_import():
        top, _, rest = found.module.partition(".")
        here, there = room_of(found.path), rest.partition(".")[0] or "__init__"
        if top == "tui" and there not in ROOMS[here] | {here, "__init__"}:
            wrong.append(str(found))
    assert wrong == []


def test_no_room_reaches_itself_through_the_others() -> None:
    def reached_from(room: str) -> set[str]:
        reached: set[str] = set()
        left = set(ROOMS[room])
        while left:
            reached |= left
            left = set().union(*(ROOMS[other] for other in left)) - reached
        return reached

    assert [room for room in ROOMS if room in reached_from(room)] == []


def test_guests_are_known_only_where_they_belong() -> None:
    wrong = []
    for found in every_import():
        guest = found.module.partition(".")[0]
        if guest == "tui":
            continue
        if guest not in GUESTS:
            if guest not in sys.stdlib_module_names:
                wrong.append(f"{found}, which is not in the table")
        elif room_of(found.path) not in GUESTS[guest]:
            wrong.append(str(found))
    assert wrong == []


def test_every_deferred_import_has_a_reason_and_no_reason_is_left_over() -> None:
    deferred = {
        (found.path.as_posix(), found.module)
        for found in every_import()
        if found.is_deferred
        and not found.is_for_types
        and found.module.partition(".")[0] not in sys.stdlib_module_names
    }
    assert deferred == DEFERRED.keys()


@pytest.mark.parametrize("module", sorted(UNLOADED))
def test_importing_it_does_not_load_what_is_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({UNLOADED[module]!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert (done.stdout.split(), done.stderr) == ([], "")


def test_the_package_itself_imports_nothing() -> None:
    assert imports_of(PACKAGE / "__init__.py") == []
