"""The system prompt is the first entry of the transcript, and no message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Static, TextArea

from tests.conftest import wait_until
from tests.screens.conftest import Journey, Open
from tests.screens.test_transcript import conversation, current, message, rows
from tests.scripted import Scripted, says
from tui.domain.conversation import SystemPrompt
from tui.store import open_store

LONG = "\n".join(f"Rule {number}: be brief." for number in range(40))


def prompt(text: str) -> SystemPrompt:
    return SystemPrompt("c", text)


def shown(journey: Journey) -> list[str]:
    """The lines of the transcript in view that are not blank, without the bar beside them."""
    view = journey.transcript
    lines = (view.render_line(y).text.strip("▌ ") for y in range(view.size.height))
    return [line for line in lines if line]


async def write_system_prompt(journey: Journey, text: str) -> None:
    """Replace the text in the tab, which is open, and save it."""
    await journey.until(lambda: isinstance(journey.app.focused, TextArea))
    await journey.press("f7", "backspace", *text, "ctrl+s")
    await journey.until(lambda: journey.app.screen is journey.app._chat)


async def test_the_system_prompt_is_read_and_edited_above_the_messages(
    opened: Open, server: Scripted, history: Path
) -> None:
    server.will(says("Hello."), says("Hello again."))
    async with opened(size=(80, 24)) as journey:
        await journey.app.run_action("settings('system')")
        await journey.until(lambda: isinstance(journey.app.focused, TextArea))
        hint = journey.app.screen.query_one("#system .head", Static)
        assert str(hint.visual).endswith("Ctrl+G Editor")
        assert len(str(hint.visual)) <= hint.content_size.width
        await write_system_prompt(journey, "Be brief, and kind to beginners.")
        # Before the first question too.
        assert shown(journey)[0] == "▸ System prompt · Be brief, and kind to beginners."
        await journey.ask("one")
        await journey.go_to_messages()
        await journey.press("g")
        assert journey.pointed_at == "Be brief, and kind to beginners."
        assert journey.footer.startswith("Esc Back y Copy e Edit Enter Collapse Ctrl+N")
        assert "Code" not in journey.footer

        # Enter unfolds it, as it does thinking.
        await journey.press("enter")
        assert shown(journey)[0] == "▾ System prompt"
        assert shown(journey)[1] == "Be brief, and kind to beginners."
        await journey.press("y")
        assert journey.app.clipboard == "Be brief, and kind to beginners."
        assert any("Copied the system prompt" in each for each in journey.notices)

        # What messages can do, it cannot: one line says so, and nothing changes.
        for key in ("x", "r", "b", "o", "v", "right_square_bracket", "s"):
            await journey.press(key)
        assert sum("This is the system prompt" in each for each in journey.notices) == 1
        assert [each.text for each in await journey.line()] == ["one", "Hello."]

        await journey.press("e")
        await write_system_prompt(journey, "Be long.")
        assert shown(journey)[:2] == ["▾ System prompt", "Be long."]
        assert journey.transcript.has_focus
        await journey.press("j")
        assert journey.pointed_at == "one"
        assert "c Code" in journey.footer

        # Another window changes it, and removes it.
        with open_store(history) as other:
            (kept,) = await other.conversations()
            there = replace(kept.parameters, system="Be there.")
            await other.labels.set_parameters(kept.id, there)
            await journey.until(lambda: shown(journey)[1] == "Be there.")
            await other.labels.set_parameters(kept.id, replace(there, system=""))
            await journey.until(lambda: shown(journey)[0].startswith("You"))
        await journey.ask("two")
        await journey.until_done()
        assert "system" not in server.asked[-1].json


async def test_find_shows_a_match_in_the_collapsed_system_prompt(
    opened: Open, server: Scripted
) -> None:
    server.will(says("A heron."))
    async with opened() as journey:
        await journey.app.run_action("settings('system')")
        await write_system_prompt(journey, "Answer like a heron.")
        await journey.ask("Who?")
        await journey.until_done()
        await journey.press("ctrl+f", *"heron")
        await journey.until(lambda: "1/2" in journey.seen)
        assert shown(journey)[0] == "▾ System prompt"
        await journey.press("enter", "enter")
        assert "1/2" in journey.seen
        assert journey.pointed_at == "Answer like a heron."


@pytest.mark.parametrize("is_collapsed", [True, False])
async def test_what_is_read_stays_in_place_when_the_system_prompt_changes(
    *, is_collapsed: bool
) -> None:
    async with current(*conversation(60)) as (app, pilot):
        transcript = app.transcript
        transcript.is_collapsed = is_collapsed
        transcript.scroll_relative(y=-150, animate=False)
        await pilot.pause()
        seen, cursor = rows(app), transcript.cursor
        pointed_at = transcript.entries[cursor].id
        for text in (LONG, "short", LONG, None):
            transcript.show_system_prompt(None if text is None else prompt(text))
            await pilot.pause()
            assert rows(app) == seen
            assert transcript.entries[transcript.cursor].id == pointed_at
        # At the end, the end is followed.
        transcript.show_end()
        await pilot.pause()
        seen = rows(app)
        transcript.show_system_prompt(prompt(LONG))
        await pilot.pause()
        assert rows(app) == seen
        assert transcript.is_at_end
        # And where the prompt itself is read, it goes.
        transcript.scroll_home(animate=False)
        await pilot.pause()
        assert "System prompt" in rows(app)[0]
        transcript.show_system_prompt(None)
        await pilot.pause()
        assert rows(app)[0].strip("▌ ").startswith("You")


async def test_it_scrolls_row_by_row_and_its_place_is_found_again() -> None:
    messages = conversation(40)
    async with current(*messages) as (app, pilot):
        transcript = app.transcript
        transcript.is_collapsed = False
        transcript.show(messages, None, now_ms=0, system=prompt(LONG))
        transcript.scroll_home(animate=False)
        transcript.scroll_relative(y=9, animate=False)
        await pilot.pause()
        seen, place = rows(app), transcript.place
        assert seen[0].strip() == "Rule 8: be brief."
        transcript.show(messages, None, now_ms=0, system=prompt(LONG), place=place)
        await pilot.pause()
        assert [row[2:] for row in rows(app)] == [row[2:] for row in seen]
        # As a front end without the prompt would find it: at the end.
        transcript.show(messages, None, now_ms=0, place=place)
        await pilot.pause()
        assert transcript.is_at_end


@pytest.mark.parametrize("by", ["key", "click"])
async def test_a_prompt_longer_than_the_screen_is_shown_from_its_beginning(by: str) -> None:
    async with current(*conversation(2)) as (app, pilot):
        transcript = app.transcript
        transcript.show_system_prompt(prompt(LONG))
        transcript.cursor = 0
        await pilot.pause()
        assert transcript.is_at_end
        if by == "key":
            transcript.action_collapse()
        else:
            await pilot.click(transcript, offset=(4, 0))
        await pilot.pause()
        assert "System prompt" in rows(app)[0]
        assert "Rule 0" in rows(app)[1]
        transcript.action_collapse()
        await pilot.pause()
        assert "▸ System prompt" in rows(app)[0]
        assert transcript.is_at_end


async def test_a_click_on_a_label_shows_what_it_hides() -> None:
    thought = message(1, "Done.", thinking="Let me see.")
    async with current(message(0, "Why?", "user"), thought) as (app, pilot):
        app.transcript.show_system_prompt(prompt("Be\nkind."))
        await pilot.pause()
        seen = [row.strip("▌ ") for row in rows(app) if row.strip()]
        assert seen[0] == "▸ System prompt · Be kind."
        assert "Let me see." not in seen
        await pilot.click(app.transcript, offset=(5, 0))
        await pilot.click(
            app.transcript,
            offset=(5, next(y for y, row in enumerate(rows(app)) if "Thought" in row)),
        )
        seen = [row.strip("▌ ") for row in rows(app) if row.strip()]
        assert seen[:3] == ["▾ System prompt", "Be", "kind."]
        assert "Let me see." in seen
        await pilot.click(app.transcript, offset=(5, 0))
        assert rows(app)[0].strip("▌ ") == "▸ System prompt · Be kind."
        # Not a click on the text.
        done = next(y for y, row in enumerate(rows(app)) if row.endswith("Done."))
        await pilot.click(app.transcript, offset=(5, done))
        assert "Let me see." in "\n".join(rows(app))


async def test_a_long_system_prompt_is_one_line_of_any_width() -> None:
    async with current(message(0, "Why?", "user"), size=(30, 20)) as (app, pilot):
        app.transcript.show_system_prompt(prompt("\n\n検索 \x1b[31m" * 5_000))
        await pilot.pause()
        assert rows(app)[0].startswith("  ▸ System prompt · 検索 ␛[…")
        assert rows(app)[1] == ""
        await pilot.resize_terminal(50, 20)
        await wait_until(lambda: rows(app)[0].count("検索") > 2)
        assert rows(app)[1] == ""
