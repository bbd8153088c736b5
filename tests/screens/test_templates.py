"""Prompt templates are filled in and inserted, but not sent; and the app saves new ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import TextArea

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tests.test_demo import at_once
from tui.claude import demo
from tui.config.prompt_files import read_templates
from tui.ui.screens.choice import ChoiceScreen
from tui.ui.screens.form import FormScreen
from tui.ui.screens.line import LineScreen
from tui.ui.widgets.line_input import LineInput

REVIEW = """\
---
title: Review code
arguments:
  language: Python
  focus:
---
Review this {{language}} code, mind {{focus}}:

{{input}}
"""


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "hello.md").write_text("Say hello.")
    (folder / "review.md").write_text(REVIEW)
    return folder


async def run(journey: Journey, command: str) -> None:
    await journey.app._chat.action_run(command)


async def choose(journey: Journey, *keys: str) -> None:
    await run(journey, "composer.template")
    await journey.until(lambda: isinstance(journey.app.screen, ChoiceScreen))
    await journey.press(*keys)


async def at_form(journey: Journey) -> None:
    await journey.until(lambda: isinstance(journey.app.screen, FormScreen))


async def until_back(journey: Journey) -> None:
    await journey.until(lambda: journey.app.screen is journey.app._chat)


@pytest.mark.usefixtures("prompts")
async def test_a_template_is_inserted_where_the_cursor_is_and_not_sent(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await journey.write("First: ")
        await choose(journey, "enter")
        await until_back(journey)
        await journey.until(lambda: journey.composer == "First: Say hello.")
        await journey.press("!")
        assert journey.composer == "First: Say hello.!"
        assert not server.asked


@pytest.mark.usefixtures("prompts")
async def test_arguments_are_filled_in_and_the_text_in_the_composer_is_the_input(
    opened: Open,
) -> None:
    async with opened(size=(80, 24)) as journey:
        await journey.write("x = 1")
        await choose(journey, "j", "enter")
        await at_form(journey)
        # The focus is on the first field without a default.
        assert "Review code" in journey.seen
        await journey.press("enter")
        assert "focus needs a value." in journey.seen
        await journey.press(*"speed", "enter")
        await until_back(journey)
        text = "Review this Python code, mind speed:\n\nx = 1"
        await journey.until(lambda: journey.composer == text)
        await journey.press("ctrl+z")
        assert journey.composer == "x = 1"


@pytest.mark.usefixtures("prompts")
async def test_esc_in_the_form_changes_nothing(opened: Open) -> None:
    async with opened() as journey:
        await journey.write("x = 1")
        await choose(journey, "j", "enter")
        await at_form(journey)
        await journey.press(*"Rust", "shift+tab", "escape")
        await until_back(journey)
        assert journey.composer == "x = 1"


async def test_without_templates_the_folder_is_named(opened: Open, tmp_path: Path) -> None:
    async with opened() as journey:
        await run(journey, "composer.template")
        line = f"There are no templates yet. They are files in {tmp_path / 'prompts'}."
        await journey.until(lambda: line in journey.notices)


async def test_a_broken_template_is_named_and_the_others_are_offered(
    opened: Open, prompts: Path
) -> None:
    (prompts / "broken.md").write_text("---\ntitle: [\n---\nHi")
    async with opened() as journey:
        await choose(journey)
        assert any("broken.md, line " in notice for notice in journey.notices)
        assert "review" in journey.seen


async def test_what_is_written_is_saved_as_a_template(opened: Open, prompts: Path) -> None:
    async with opened() as journey:
        await run(journey, "composer.save-template")
        await journey.until(
            lambda: any("Write the question first" in n for n in journey.notices)
        )
        await journey.write("Explain {{this}}\nin short")
        await run(journey, "composer.save-template")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        assert journey.app.screen.query_one(LineInput).value == "explain-this-in-short"
        await journey.press("end", "ctrl+u", *"My Own", "enter")
        await until_back(journey)
        await journey.until(lambda: f"Saved {prompts / 'my-own.md'}" in journey.notices)
        saved = read_templates(prompts).by_name["my-own"]
        assert (saved.title, saved.filled({})) == ("My Own", "Explain {{this}}\nin short")
        assert journey.composer == "Explain {{this}}\nin short"


async def test_a_question_in_the_transcript_is_saved_as_a_template(
    opened: Open, server: Scripted, prompts: Path
) -> None:
    server.will(says("Because."))
    async with opened() as journey:
        await journey.ask("Why {{this}}?\nIn short.")
        await journey.go_to_messages()
        await journey.press("t")
        refused = "Only a question can be saved as a template. Go to one first."
        await journey.until(lambda: refused in journey.notices)
        await journey.press("k", "t")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press("enter")
        await until_back(journey)
        name = "why-this-in-short"
        await journey.until(lambda: f"Saved {prompts / name}.md" in journey.notices)
        assert read_templates(prompts).by_name[name].filled({}) == "Why {{this}}?\nIn short."
        assert journey.transcript.has_focus


async def test_a_template_that_is_there_is_not_replaced(opened: Open, prompts: Path) -> None:
    async with opened() as journey:
        await journey.write("Hi")
        await run(journey, "composer.save-template")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press("end", "ctrl+u", *"hello", "enter")
        await journey.until(
            lambda: any("There is a template hello already" in n for n in journey.notices)
        )
        assert (prompts / "hello.md").read_text() == "Say hello."


async def test_a_template_sets_the_model_and_the_system_prompt_that_it_names(
    opened: Open, server: Scripted, prompts: Path
) -> None:
    (prompts / "ask.md").write_text("---\nmodel: own-model\nsystem: Be brief.\n---\nHi")
    async with opened() as journey:
        await choose(journey, "enter")
        line = "ask asks own-model, with its own system prompt"
        await journey.until(lambda: line in journey.notices)
        await journey.press("enter")
        await journey.until_done()
    assert (server.asked[-1].json["model"], server.asked[-1].json["system"]) == (
        "own-model",
        "Be brief.",
    )


async def test_the_demo_is_not_shown_as_the_model_that_a_template_names(
    opened: Open, prompts: Path
) -> None:
    (prompts / "ask.md").write_text("---\nmodel: claude-opus-5-5\neffort: high\n---\nhello")
    async with opened(demo.connect(at_once)) as journey:
        await choose(journey, "enter")
        await journey.until(lambda: journey.composer == "hello")
        await journey.press("enter")
        await journey.until_done()
        journey.app.clear_notifications()
        await journey.pilot.pause(0.1)
        assert "Opus" not in journey.seen
        assert "Offline demo" in journey.seen


def in_tab(journey: Journey) -> str:
    return journey.app.screen.query_one(TextArea).text


async def open_system_tab(journey: Journey) -> None:
    await journey.app.run_action("settings('system')")
    await journey.until(lambda: isinstance(journey.app.focused, TextArea))


@pytest.mark.parametrize("size", [(110, 34), (80, 24)], ids=str)
async def test_a_template_gives_the_system_prompt_which_is_not_saved_by_itself(
    opened: Open, prompts: Path, size: tuple[int, int]
) -> None:
    """Templates without one are not offered, and a broken file is named with its line."""
    (prompts / "strict.md").write_text("---\nsystem: |\n  Be strict.\n  Be kind.\n---\nGo.")
    (prompts / "brief.md").write_text("---\ntitle: Short\nsystem: Be brief.\n---\n")
    (prompts / "worse.md").write_text("---\ntitle: x\nsystem: [a\n---\nGo.")
    async with opened(size=size) as journey:
        await open_system_tab(journey)
        assert "Ctrl+T Templates" in journey.seen
        await journey.press(*"Mine", "ctrl+t")
        await journey.until(lambda: isinstance(journey.app.screen, ChoiceScreen))
        assert journey.options == ["brief Short", "strict Be strict. Be kind."]
        assert any("worse.md, line 4: " in notice for notice in journey.notices)
        await journey.press("j", "enter")
        await journey.until(lambda: in_tab(journey) == "Be strict.\nBe kind.")
        assert isinstance(journey.app.focused, TextArea)
        assert journey.app.session.current.conversation.parameters.system == ""
        # One edit, which can be undone and made again.
        await journey.press("ctrl+z")
        assert in_tab(journey) == "Mine"
        await journey.press("ctrl+y", "ctrl+s")
        await until_back(journey)
        system = journey.app.session.current.conversation.parameters.system
        assert system == "Be strict.\nBe kind."


@pytest.mark.usefixtures("prompts")
async def test_the_system_tab_says_where_templates_go(opened: Open, tmp_path: Path) -> None:
    async with opened() as journey:
        await open_system_tab(journey)
        await journey.press("ctrl+t")
        await journey.until(lambda: journey.notices)
        where = f"Templates are files in {tmp_path / 'prompts'}."
        assert journey.notices == [f"No template has a line “system: …” yet. {where}"]
        # In another tab there is nothing to write into.
        await journey.press("ctrl+pageup", "ctrl+t")
        assert not isinstance(journey.app.screen, ChoiceScreen)
