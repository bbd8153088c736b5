"""Ctrl+G opens the composer's text in the user's editor, and takes the saved text back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import TextArea

from tests.editors import script
from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, delta, end, says, start, text
from tui.domain.conversation import ComposerDraft
from tui.ui.widgets.composed_text import LONGEST_LINE


@pytest.fixture(autouse=True)
def terminal_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the headless driver be suspended, as the drivers of terminals can be."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


def named(path: Path | str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "EDITOR": str(path)}


async def drafted(journey: Journey) -> ComposerDraft:
    await journey.app.session.drafts.save()
    return await journey.app._store.drafts.draft(journey.app.session.open_id)


async def test_what_is_saved_is_the_draft_and_undo_brings_the_old_one_back(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    changing = script(tmp_path, 'printf "%s\\nand more\\n" "$(cat "$1")" > "$1"')
    async with opened(environ=named(changing)) as journey:
        await journey.send("a draft")
        await journey.press("left", "ctrl+g")
        await journey.until(lambda: journey.composer == "a draft\nand more")
        assert journey.app.screen.focused is journey.app._chat.composer
        assert await drafted(journey) == ComposerDraft("a draft\nand more")
        await journey.press("ctrl+z")
        assert journey.composer == "a draft"
        assert journey.app._chat.composer.cursor_location == (0, 6)
        await journey.press("ctrl+y")
        assert journey.composer == "a draft\nand more"
        assert server.asked == []
        await journey.press("enter")
        await journey.until_done()
        assert journey.questions == ["a draft\nand more"]


async def test_a_question_is_edited_there_too(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    server.will(says("a1"), says("a2"))
    shouting = script(tmp_path, 'tr a-z A-Z < "$1" > "$1.new" && mv "$1.new" "$1"')
    async with opened(environ=named(shouting)) as journey:
        await journey.ask("one")
        await journey.send("draft")
        await journey.go_to_messages()
        await journey.press("k", "e", "ctrl+g")
        await journey.until(lambda: journey.composer == "ONE")
        await journey.press("enter")
        await journey.until(lambda: journey.questions == ["ONE"])
        await journey.until(lambda: journey.composer == "draft")


@pytest.mark.parametrize(
    ("editor", "told"),
    [
        ("there-is-none", "there-is-none was not found. Set $VISUAL or $EDITOR to an editor."),
        ("false", "false ended with code 1: your text has not changed."),
        (
            "sh -c 'echo x > $0; kill -9 $$'",
            "sh was ended by SIGKILL: your text has not changed.",
        ),
        ("'", "$EDITOR cannot be read: No closing quotation."),
    ],
)
async def test_an_editor_that_fails_changes_nothing(
    opened: Open, editor: str, told: str
) -> None:
    async with opened(environ=named(editor)) as journey:
        await journey.send("a draft")
        await journey.press("left", "ctrl+g")
        await journey.until(lambda: journey.notices == [told])
        assert journey.composer == "a draft"
        assert journey.app._chat.composer.cursor_location == (0, 6)
        await journey.press("ctrl+z")
        assert journey.composer == ""


async def test_what_was_not_changed_keeps_its_cursor(opened: Open) -> None:
    async with opened(environ=named("true")) as journey:
        await journey.send("a draft")
        await journey.press("left", "ctrl+g")
        await journey.until(lambda: not journey.app._chat.is_acting)
        assert journey.app._chat.composer.cursor_location == (0, 6)


async def test_a_missing_terminal_is_reported(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadlessDriver, "can_suspend", False)
    async with opened(environ=named("true")) as journey:
        await journey.press("ctrl+g")
        await journey.until(lambda: "There is no terminal" in " ".join(journey.notices))


async def test_a_text_of_any_size_comes_back(opened: Open, tmp_path: Path) -> None:
    long = script(tmp_path, f'head -c {3 * LONGEST_LINE} /dev/zero | tr "\\0" x > "$1"')
    async with opened(environ=named(long)) as journey:
        await journey.send("a draft")
        await journey.press("ctrl+g")
        composer = journey.app._chat.composer
        await journey.until(lambda: composer.whole == "x" * 3 * LONGEST_LINE)
        await journey.press("ctrl+z")
        assert composer.whole == "a draft"
        await journey.press("ctrl+y")
        assert composer.whole == "x" * 3 * LONGEST_LINE


async def test_a_reply_goes_on_meanwhile(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    """The reply ends while the editor is open; the editor waits for that."""
    hold, done = Hold(), tmp_path / "done"
    words = [delta(0, "text_delta", text=f"w{number} ") for number in range(50)]
    server.will(
        Reply([start(), text(0)[0], *words, hold, *words, text(0)[1], *end()]), says("a title")
    )
    waiting = script(
        tmp_path, f'while ! [ -e "{done}" ]; do sleep 0.01; done; echo edited > "$1"'
    )
    async with opened(environ=named(waiting)) as journey:
        await journey.ask("question")
        await journey.until(hold.reached.is_set)
        await journey.write("a draft")
        journey.app._chat.composer.screen.call_later(
            journey.app._chat.action_run, "composer.editor"
        )
        await journey.until(lambda: journey.app._chat.is_acting)
        hold.release()
        await journey.until_done()
        done.touch()
        await journey.until(lambda: journey.composer == "edited")
        assert journey.replies == ["".join(f"w{n} " for n in range(50)) * 2]


async def test_what_was_recalled_can_be_edited_and_left(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    server.will(says("a1"))
    changing = script(tmp_path, 'echo more >> "$1"')
    async with opened(environ=named(changing)) as journey:
        await journey.ask("earlier ")
        await journey.until_done()
        await journey.send("draft")
        await journey.press("up", "ctrl+g")
        await journey.until(lambda: journey.composer == "earliermore")
        assert await drafted(journey) == ComposerDraft("earliermore\ndraft")
        await journey.press("ctrl+z", "down")
        assert journey.composer == "draft"


async def test_the_system_prompt_is_edited_there_and_saved_by_its_key_only(
    opened: Open, tmp_path: Path
) -> None:
    brief = script(tmp_path, 'printf "Be brief.\\n" > "$1"')
    async with opened(environ=named(brief)) as journey:
        session = journey.app.session
        await journey.press("ctrl+o", "ctrl+g", "ctrl+pagedown")
        field = journey.app.screen.query_one(TextArea)
        # In the first tab, the key had nothing to edit.
        assert field.text == ""
        await journey.press("ctrl+g")
        await journey.until(lambda: field.text == "Be brief.")
        assert session.current.conversation.parameters.system == ""
        await journey.press("ctrl+z")
        assert field.text == ""
        await journey.press("ctrl+y")
        assert field.text == "Be brief."
        await journey.press("ctrl+s")
        await journey.until(lambda: session.current.conversation.parameters.system != "")
        assert session.current.conversation.parameters.system == "Be brief."


async def test_an_editor_that_fails_leaves_the_system_prompt(opened: Open) -> None:
    async with opened(environ=named("false")) as journey:
        await journey.press("ctrl+o", "ctrl+pagedown", *"Be brief", "ctrl+g")
        told = "false ended with code 1: your text has not changed."
        await journey.until(lambda: told in journey.notices)
        assert journey.app.screen.query_one(TextArea).text == "Be brief"
