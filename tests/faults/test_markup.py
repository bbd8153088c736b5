"""Foreign text that looks like markup is shown as text: nothing runs or crashes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tui
from tests.screens.conftest import Open
from tests.scripted import Scripted, refuses, says

MARKUP = (
    "[/nope]",
    "[@click=app.quit]x[/]",
    "[bold]",
    "[/]",
    "[[",
    "[not closed",
    "$text [$error]",
    "[link=https://evil.org]y[/link]",
    "[]",
    "\\[",
    "［全角］",
)


@pytest.mark.parametrize("words", MARKUP)
async def test_markup_is_shown_literally_everywhere(
    opened: Open, server: Scripted, words: str
) -> None:
    server.will(
        says(f"`{words}`"),
        refuses(400, "invalid_request_error", f"error {words}"),
        refuses(429, "rate_limit_error", f"wait {words}", retry_after="90"),
    )
    async with opened(size=(120, 40)) as journey:
        await journey.ask(f"asked {words}")
        await journey.until_done()
        assert journey.title == f"asked {words}"
        assert any(f"asked {words}"[:15] in row for row in journey.sidebar)
        # The heading, the question and the reply; the sidebar may cut it short.
        assert journey.seen.count(words) >= 3
        await journey.ask("again")
        await journey.until_done()
        assert f"error {words}" in journey.seen
        await journey.ask("and again")
        await journey.until(lambda: "The endpoint asks to wait" in journey.seen)
        assert f"wait {words}" in journey.seen
        await journey.press("escape")
        await journey.until_done()
        await journey.press("f1")
        await journey.press("escape")
        await journey.press("ctrl+s", "tab", "x")
        await journey.until(
            lambda: f"asked {words}" in journey.seen and "Deleted" in journey.seen
        )
        assert journey.app.is_running


SHOWN = {"Static", "Label", "Button", "notify", "Tooltip", "from_markup"}
"""Functions that read a `str` as markup."""


def takes_markup(call: ast.Call) -> bool:
    """Tell whether a call passes a text that is not constant to such a function."""
    name = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    if name not in SHOWN or not call.args or isinstance(call.args[0], ast.Constant):
        return False
    is_off = any(
        word.arg == "markup" and getattr(word.value, "value", 1) is False
        for word in call.keywords
    )
    first = call.args[0]
    is_content = isinstance(first, ast.Call) and ast.unparse(first.func).startswith("Content")
    return not (is_off or is_content)


def test_no_widget_is_given_foreign_text_as_markup() -> None:
    wrong = [
        f"{path.name}:{node.lineno}"
        for path in Path(tui.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and takes_markup(node)
    ]
    assert wrong == []


LINKS = {
    "javascript:alert(1)": False,
    "file:///etc/passwd": False,
    "data:text/html,x": False,
    "-flag": False,
    "https://x.org/%0a%1b]0;x": True,
    "https://xn--80ak6aa92e.com/": True,
    "mailto:me@x.org": True,
}


@pytest.mark.parametrize("target", LINKS)
async def test_a_link_is_opened_only_after_its_target_was_seen(
    opened: Open, server: Scripted, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.ui.widgets.transcript import Transcript

    opened_urls: list[str] = []
    server.will(says("x"))
    async with opened() as journey:
        monkeypatch.setattr(journey.app, "open_url", opened_urls.append)
        await journey.ask("Hi")
        await journey.until_done()
        journey.transcript.post_message(Transcript.LinkChosen(target))
        if LINKS[target]:
            await journey.until(lambda: "Open " in journey.seen and target in journey.seen)
            assert opened_urls == []
            await journey.press("escape")
            assert target not in journey.seen
        else:
            await journey.until(lambda: "Not opened" in journey.seen)
        assert opened_urls == []
