"""Which folder may import which. The tables are the architecture; the tests enforce them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tui

PACKAGE = Path(tui.__file__).parent


def _name(path: Path) -> str:
    """Return the name of a module or of a package."""
    return ".".join(("tui", *path.with_suffix("").parts)).removesuffix(".__init__")


MODULES = {_name(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}

FOLDERS: dict[str, tuple[str, set[str]]] = {
    "domain": ("values and pure functions: no I/O, no Textual, no SDK, no SQL", set()),
    "text": ("makes foreign text safe and readable; Markdown", {"domain"}),
    "store": ("the history on disk; the only SQL", {"domain", "text"}),
    "claude": ("the only package that talks to an endpoint; the demo", {"domain", "text"}),
    "terminal": (
        "the terminal: its input, its driver, the clipboard, the shutdown",
        {"domain", "text"},
    ),
    "chat": (
        "the session without a screen: what a person can do, and how a reply is made",
        {"domain", "text", "store", "claude", "terminal"},
    ),
    "config": ("what a person can choose: settings, commands and keys", {"domain"}),
    "ui": (
        "the Textual application",
        {"domain", "text", "store", "claude", "terminal", "chat", "config"},
    ),
    "cli": (
        "the commands of the shell",
        {"domain", "text", "store", "claude", "terminal", "chat", "config", "ui"},
    ),
}
"""By folder: its purpose, and the folders that it may import, even inside functions."""

GUESTS: dict[str, set[str]] = {
    "PIL": {"chat"},
    "anthropic": {"claude"},
    "boto3": {"claude"},
    "botocore": {"claude"},
    "charset_normalizer": {"chat"},
    "dotenv": {"config"},
    "genai_prices": {"domain"},
    "httpx2": {"claude"},
    "jiter": {"claude"},
    "keyring": {"config"},
    "markdown_it": {"text", "ui"},
    "pathspec": {"chat"},
    "platformdirs": {"config"},
    "pygments": {"text"},
    "pypdf": {"chat"},
    "rich": {"text", "ui"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "textual": {"text", "terminal", "ui"},
    "tomlkit": {"config"},
    "wcwidth": {"text", "ui"},
    "yaml": {"config"},
}
"""By foreign module: the folders that may import it.

Other modules of the standard library may be imported everywhere.
"""

DEFERRED: dict[tuple[str, str], str] = {
    ("__main__.py", "tui.cli"): "the entry point loads what it runs, and nothing at import",
    ("ui/terminal_app.py", "tui.terminal.driver"): "not on Windows, where what it mends is not",
    ("ui/app.py", "tui.ui.screens.help"): "a screen that is not the first",
    ("ui/leaving.py", "tui.ui.screens.confirm"): "likewise",
    ("ui/app.py", "tui.ui.screens.actions"): "likewise",
    ("ui/theming.py", "tui.ui.screens.actions"): "likewise",
    ("ui/copying.py", "tui.terminal.clipboard"): "for who copies something",
    ("ui/desktop_notifier.py", "tui.terminal.desktop_notification"): "for who looks elsewhere",
    ("ui/app.py", "tui.ui.pages"): "with the help",
    ("ui/app.py", "tui.ui.screens.conversation_settings"): "likewise",
    ("ui/preload.py", "tui.ui.screens.conversation_settings"): "it is what is preloaded",
    ("ui/controllers/message_actions.py", "tui.ui.screens.choice"): "a later screen",
    ("ui/controllers/message_actions.py", "tui.ui.screens.tree"): "likewise",
    ("ui/controllers/save_code.py", "tui.ui.screens.confirm"): "likewise",
    ("ui/controllers/save_code.py", "tui.ui.screens.save_code"): "likewise",
    ("ui/controllers/search.py", "tui.ui.screens.search"): "likewise",
    ("ui/controllers/slash.py", "tui.ui.pages"): "with the help",
    ("ui/controllers/recall.py", "tui.ui.screens.recall"): "likewise",
    ("ui/controllers/conversation_list.py", "tui.ui.screens.line"): "likewise",
    ("ui/controllers/template_choice.py", "tui.ui.screens.choice"): "likewise",
    ("ui/controllers/templates.py", "tui.ui.screens.form"): "likewise",
    ("ui/controllers/templates.py", "tui.ui.screens.line"): "likewise",
    ("ui/widgets/transcript.py", "tui.ui.widgets.entry"): "40 ms, with the first message",
    ("ui/widgets/transcript.py", "tui.ui.widgets.message_content"): "likewise",
    ("ui/widgets/system_prompt_view.py", "tui.ui.widgets.entry"): "likewise",
    ("ui/widgets/system_prompt_view.py", "tui.ui.widgets.message_content"): "likewise",
    ("chat/attachments/folder.py", "pathspec"): "20 ms, with the first folder",
    ("chat/attachments/image.py", "PIL"): "60 ms, with the first image",
    ("chat/attachments/pdf.py", "pypdf"): "0.3 s, with the first PDF",
    ("chat/attachments/plain_text.py", "charset_normalizer"): "with the first old text",
    ("claude/__init__.py", "anthropic"): "two seconds, after the first screen in a thread",
    ("claude/__init__.py", "tui.claude.failures"): "it imports anthropic, to know its errors",
    ("claude/client.py", "tui.claude.clouds"): "for a profile of a cloud",
    ("claude/clouds.py", "boto3"): "for who uses the credentials of AWS",
    ("claude/clouds.py", "botocore.auth"): "likewise",
    ("claude/event_stream.py", "jiter"): "with the SDK, for who sends a tool's input",
    ("claude/__init__.py", "tui.claude.client"): "it imports anthropic, to build its client",
    ("claude/__init__.py", "tui.claude.errors"): "it imports anthropic, to know its errors",
    ("claude/answers.py", "anthropic"): "likewise",
    ("claude/answers.py", "httpx2"): "likewise",
    ("claude/answers.py", "tui.claude.errors"): "likewise",
    ("claude/network.py", "anthropic"): "likewise: variables are looked at before it",
    ("claude/network.py", "httpx2"): "likewise",
    ("claude/response_recorder.py", "tui.claude.aws_frames"): "for a reply of Bedrock",
    ("claude/response_recorder.py", "httpx2"): "half of those two seconds",
    ("claude/preload.py", "anthropic"): "likewise: it is what is warmed up",
    ("claude/preload.py", "httpx2"): "likewise",
    (
        "claude/demo/__init__.py",
        "httpx2",
    ): "the demo is connected before the first screen",
    ("cli/__init__.py", "tui.cli.ask"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.dry_run"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.doctor"): "one command does not pay for another",
    (
        "cli/doctor/chosen_settings.py",
        "tui.ui.bindings",
    ): "Textual, for who has chosen a theme or keys",
    ("cli/doctor/chosen_settings.py", "tui.ui.themes"): "likewise",
    ("cli/doctor/endpoint.py", "tui.claude"): "only when the endpoint is asked",
    ("cli/doctor/endpoint.py", "tui.claude.extras"): "for a profile of a cloud",
    ("cli/doctor/endpoint.py", "tui.claude.network"): "likewise",
    ("cli/__init__.py", "tui.cli.keys"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.credentials"): "likewise",
    ("cli/__init__.py", "tui.cli.models"): "likewise",
    ("cli/__init__.py", "tui.cli.log"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.usage"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.prompts"): "one command does not pay for another",
    ("cli/__init__.py", "tui.cli.chat"): "one command does not pay for another",
    ("cli/chat.py", "tui.cli.open"): "plain mode does not pay for the app",
    ("cli/connecting.py", "tui.claude.demo"): "for --demo, or without a key",
    ("cli/open.py", "tui.ui.app"): "Textual, 0.2 s, which no other command needs",
    ("cli/open.py", "tui.terminal.shutdown"): "for the app only",
    ("cli/open.py", "tui.ui.themes"): "Textual's colours, which no other command needs",
    ("text/graphemes.py", "wcwidth"): "50 ms, for what is more than a letter of Europe",
    ("text/markdown/highlight.py", "pygments.lexer"): "with the first code that is drawn",
    ("text/markdown/highlight.py", "pygments.lexers"): "likewise: 10 ms, and up to 60 a lexer",
    ("text/markdown/highlight.py", "pygments.token"): "likewise",
    ("text/markdown/highlight.py", "pygments.util"): "likewise",
    ("text/markdown/highlight.py", "textual.highlight"): "it loads pygments",
    ("ui/preload.py", "tui.text.markdown"): "40 ms with its parser: it is what is preloaded",
    ("ui/preload.py", "wcwidth"): "likewise",
    ("store/schema/__init__.py", "sqlite_utils"): "0.2 s, for an old or an empty file only",
    ("domain/price_table.py", "genai_prices.data"): "0.3 s, in a thread with the first reply",
    ("config/config_file.py", "tomlkit"): "0.1 s, for who changes a setting in the app",
    ("config/config_file.py", "tomlkit.container"): "likewise",
    ("config/config_file.py", "tomlkit.items"): "likewise",
    ("config/prompt_files.py", "yaml"): "30 ms, with the first template",
    ("config/credentials.py", "keyring"): "0.1 s, for who has a key there",
    ("config/credentials.py", "keyring.backends.fail"): "likewise",
    ("config/credentials.py", "keyring.errors"): "likewise",
    ("config/env_file.py", "dotenv.parser"): "only where there is a .env",
    ("store/connection.py", "sqlite_utils"): "0.2 s, at the first write or migration",
}
"""The imports inside functions, and their reasons; the standard library needs none."""

UNLOADED: dict[str, set[str]] = {
    "tui.ui.app": {
        "anthropic",
        "boto3",
        "google.auth",
        "genai_prices",
        "httpx2",
        "pydantic",
        "sqlite_utils",
        "tomlkit",
        "tui.text.markdown",
    },
    "tui.cli": {
        "anthropic",
        "boto3",
        "google.auth",
        "dotenv",
        "genai_prices",
        "httpx2",
        "keyring",
        "sqlite_utils",
        "textual",
        "tomlkit",
    },
    "tui.claude.demo": {"anthropic", "httpx2", "textual"},
    "tui.text.markdown": {"anthropic", "httpx2", "pygments", "textual.app", "textual.widget"},
    "tui.chat.turn": {"anthropic", "genai_prices", "httpx2", "textual"},
    "tui.chat.attachments.attaching": {"PIL", "charset_normalizer", "pathspec", "pypdf"},
}
"""By module: the modules that its import must not load."""

MOST_METHODS, MOST_LINES, MOST_LINES_OF_A_FUNCTION = 25, 400, 40

LARGE_CLASSES: dict[str, str] = {
    "Store": "the one door to the database, with a method for each question",
}
"""Classes with more than `MOST_METHODS` methods, and why. This list must only shrink."""

LONG_FILES: dict[str, str] = {}
"""Files with more than `MOST_LINES` lines, and why. This list must only shrink."""

LONG_FUNCTIONS: dict[tuple[str, str], str] = {}
"""Functions with more than `MOST_LINES_OF_A_FUNCTION` lines, and why."""


@dataclass(frozen=True)
class Import:
    path: Path
    line: int
    module: str
    is_deferred: bool
    is_for_types: bool
    """Whether it is under `TYPE_CHECKING`, and so never runs."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


class _Reader(ast.NodeVisitor):
    """Collects all imports of one file."""

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
        for alias in node.names:
            # `from tui.store import backup` imports a module; `HistoryError` is not one.
            inner = f"{module}.{alias.name}"
            self._add(node, inner if inner in MODULES else module)

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


def folder_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_every_module_is_in_a_folder_of_the_table() -> None:
    folders = {name.split(".")[1] for name in MODULES if name.count(".")}
    assert folders == FOLDERS.keys() | {"__main__"}


def test_folders_import_only_the_folders_they_may() -> None:
    wrong = []
    for found in every_import():
        here = folder_of(found.path)
        if not found.module.startswith("tui.") or here == "__main__":
            continue
        there = found.module.split(".")[1]
        if there not in FOLDERS[here][1] | {here}:
            wrong.append(str(found))
    assert wrong == []


def test_no_module_reaches_itself_through_others() -> None:
    """Cycles inside a folder count too, and so do imports for types only."""
    imports: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in every_import():
        here = _name(found.path)
        if found.module in MODULES and found.module != here:
            imports[here].add(found.module)
    assert [name for name in MODULES if name in _reached_from(name, imports)] == []


def _reached_from(name: str, imports: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    left = set(imports[name])
    while left:
        reached |= left
        left = set().union(*(imports[other] for other in left)) - reached
    return reached


def test_sql_is_spoken_in_the_store_alone() -> None:
    sql = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE FROM|CREATE|DROP|PRAGMA|WITH) [\w(*]")
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if folder_of(path.relative_to(PACKAGE)) == "store":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and sql.match(str(node.value)):  # type: ignore[attr-defined]
                wrong.append(f"{path}:{node.lineno}: {node.value}")  # type: ignore[attr-defined]
    assert wrong == []


def test_contributing_has_the_table() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for folder, (purpose, may_import) in FOLDERS.items():
        others = ", ".join(f"`{name}`" for name in FOLDERS if name in may_import) or "nothing"
        assert f"| `{folder}/` | {purpose} | {others} |" in text


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    glossary = text.partition("## Glossary")[2].partition("\n## ")[0]
    names = re.findall(r"`([A-Z]\w+)`", glossary)
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    defined = re.findall(r"^(?:class )?(\w+)\b", code, re.MULTILINE)
    assert names
    assert set(names) - set(defined) == set()


def test_guests_are_known_only_where_they_belong() -> None:
    wrong = []
    for found in every_import():
        guest = found.module.partition(".")[0]
        if guest == "tui":
            continue
        if guest not in GUESTS:
            if guest not in sys.stdlib_module_names:
                wrong.append(f"{found}, which is not in the table")
        elif folder_of(found.path) not in GUESTS[guest]:
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


def test_no_class_has_more_methods_than_can_be_kept_in_mind() -> None:
    large = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body)
        > MOST_METHODS
    }
    assert large == LARGE_CLASSES.keys()


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == LONG_FILES.keys()


def test_no_function_is_longer_than_can_be_read_at_once() -> None:
    """Lines are counted from `def` to the end, with the docstring and inner functions."""
    long = {
        (path.relative_to(PACKAGE).as_posix(), node.name)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    }
    assert long == LONG_FUNCTIONS.keys()
