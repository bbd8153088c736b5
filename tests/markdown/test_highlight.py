from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.content import Span
from textual.highlight import highlight

import tui
from tests.markdown.documents import unhurried
from tui.text.markdown import CodeLeaf, Document
from tui.text.markdown.highlight import Highlighter

PYTHON = '''import os

class Home:
    """A long
    comment."""

    def path(self, name: str) -> str:
        return os.environ["HOME"] + f"/{name!r:>{10}}"  # where

'''

JAVASCRIPT = """/**
 * Adds.
 */
export function add(a, b = 1) {
  const text = `sum ${a + b}`;
  return /x+/.test(text) ? a + b : null;
}

"""


def colours(language: str, lines: list[str]) -> list[list[Span]]:
    highlighter = Highlighter(language)
    return [highlighter.spans(lines, index) for index in range(len(lines))]


def plain(spans: list[list[Span]]) -> list[list[tuple[int, str]]]:
    """Return each character with its style, because tokens may be split in several ways."""
    return [
        sorted((n, str(style)) for a, b, style in line for n in range(a, b)) for line in spans
    ]


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", PYTHON), ("js", JAVASCRIPT), ("rust", "fn main() { /* a\n b */ }\n\n")],
)
def test_code_in_segments_is_coloured_like_code_in_one(language: str, code: str) -> None:
    lines = (code * 12).rstrip().splitlines()
    whole = highlight("\n".join(lines), language=language).split("\n", allow_blank=True)
    for index, spans in enumerate(colours(language, lines)):
        ours = dict(plain([spans])[0])
        theirs = [
            (n, str(span.style))
            for span in whole[index].spans
            for n in range(span.start, span.end)
            if span.style != "$text"
        ]
        assert sorted(ours.items()) == sorted(theirs), lines[index]


@pytest.mark.parametrize("language", ["python", "js", "html", "yaml", "json", "c", "console"])
@pytest.mark.parametrize("step", [1, 3, 50])
def test_colours_are_the_same_however_the_code_came(language: str, step: int) -> None:
    lines = (PYTHON + JAVASCRIPT).splitlines() * 6
    growing = Highlighter(language)
    seen: list[str] = []
    for index in range(0, len(lines), step):
        growing.forget(len(seen))
        seen += lines[index : index + step]
        growing.spans(seen, len(seen) - 1)
    ours = [growing.spans(seen, index) for index in range(len(lines))]
    assert ours == colours(language, lines)


def test_a_language_that_is_not_known_has_no_colours() -> None:
    assert colours("nonsense", ["a = 1"]) == [[]]
    assert colours("", ["import os"]) == [[]]


def test_only_code_that_is_looked_at_is_lexed() -> None:
    lines = PYTHON.splitlines() * 100
    highlighter = Highlighter("python")
    highlighter.spans(lines, 3)
    assert len(highlighter._spans) < 50


def test_colours_lie_on_tabs_as_they_are_drawn() -> None:
    leaf = Document.from_text("```python\n\treturn 1\n```").leaves[0]
    row = leaf.row(1, 40)
    assert isinstance(leaf, CodeLeaf)
    assert (row.content.plain, row.prefix, leaf.source) == ("     return 1", 1, "\treturn 1")
    assert any(row.content.plain[a:b] == "return" for a, b, _ in row.content.spans)
    assert [row.place(n) for n in (0, 1, 4, 5, 6, 99)] == [0, 0, 0, 1, 2, 9]


def test_colours_come_while_the_line_is_being_written() -> None:
    document = unhurried()
    document.feed("```python\nreturn 1")
    document.flush()
    assert document.leaves[0].row(1, 40).content.spans


def test_pygments_is_loaded_for_the_first_code_that_is_drawn_and_no_sooner() -> None:
    code = """
import sys
from tui.text.markdown import Document
leaf = Document.from_text("```python\\nx = 1\\n```").leaves[0]
leaf.height(80)
print("pygments" in sys.modules, "textual.app" in sys.modules)
leaf.row(1, 80)
print("pygments.lexers" in sys.modules, "textual.app" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(tui.__file__).parents[1])},
    )
    assert done.stdout.split() == ["False", "False", "True", "False"]


def test_a_line_that_nobody_wrote_has_no_colours() -> None:
    spans = colours("python", ["x = 1", f"y = {list(range(999))}", "z = 1"])
    assert [bool(line) for line in spans] == [True, False, True]


def test_half_a_word_of_code_is_not_marked_as_wrong() -> None:
    assert "error" not in str(colours("python", ["x = 'half"])).replace("$text-error", "")
