"""s on a message saves its code as a file, and never replaces a file without asking."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.ui.screens.confirm import ConfirmScreen
from tui.ui.screens.save_code import ReplaceScreen, SaveCodeScreen
from tui.ui.widgets.transcript import Transcript

REPLY = "**`src/app.py`**\n\n```python\nx = 1\n```\n\nThen:\n\n```sh\nrun\n```\n"


async def begin(journey: Journey) -> None:
    await journey.ask("Hi")
    await journey.go_to_messages()
    await journey.press("s")
    await until_asked(journey)


async def until_asked(journey: Journey) -> None:
    await journey.until(lambda: isinstance(journey.app.screen, SaveCodeScreen))


def field(journey: Journey) -> Input:
    return journey.app.screen.query_one(Input)


async def save_as(journey: Journey, name: str) -> None:
    field(journey).value = name
    await journey.press("enter")


def is_seen(journey: Journey, words: str) -> bool:
    return words in journey.seen


def is_back(journey: Journey) -> bool:
    return not isinstance(journey.app.screen, SaveCodeScreen | ReplaceScreen | ConfirmScreen)


async def test_the_blocks_of_a_reply_are_saved_one_after_another(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        assert field(journey).value == "src/app.py"
        assert "Save code block 1 of 2 as" in journey.seen
        await journey.press("enter")
        await journey.until(lambda: is_back(journey))
        path = tmp_path / "src" / "app.py"
        assert path.read_bytes() == b"x = 1\n"
        assert journey.notices == [f"Saved code block 1 of 2 as {path}"]
        assert journey.app.screen.focused is journey.app.screen.query_one(Transcript)
        await journey.press("s")
        await until_asked(journey)
        assert field(journey).value == "reply.sh"
        await journey.press("escape")
        assert is_back(journey)
        assert not (tmp_path / "reply.sh").exists()
        await journey.press("s")
        await until_asked(journey)
        assert field(journey).value == "src/app.py"


async def test_an_existing_file_is_shown_against_the_code_and_asked_about(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "src" / "app.py"
    path.parent.mkdir()
    path.write_text("x = 2\n", encoding="utf-8")
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        await journey.press("enter")
        await journey.until(lambda: isinstance(journey.app.screen, ReplaceScreen))
        await journey.until(lambda: "-x = 2" in journey.seen and "+x = 1" in journey.seen)
        await journey.press("escape")
        await until_asked(journey)
        assert field(journey).value == "src/app.py"
        assert path.read_text(encoding="utf-8") == "x = 2\n"
        await journey.press("enter")
        await journey.until(lambda: isinstance(journey.app.screen, ReplaceScreen))
        await journey.press("enter")
        await journey.until(lambda: is_back(journey))
        assert path.read_text(encoding="utf-8") == "x = 1\n"


async def test_a_file_that_changes_while_it_is_asked_about_is_not_replaced(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "x.py"
    path.write_text("old\n", encoding="utf-8")
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        await save_as(journey, "x.py")
        await journey.until(lambda: isinstance(journey.app.screen, ReplaceScreen))
        path.write_text("somebody's\n", encoding="utf-8")
        await journey.press("y")
        await journey.until(lambda: "was changed meanwhile" in journey.seen)
        assert path.read_text(encoding="utf-8") == "somebody's\n"


async def test_a_path_out_of_the_folder_is_asked_about(
    opened: Open, server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "project")
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        for name in ("../out.py", "link/out.py"):
            await save_as(journey, name)
            await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
            await journey.until(lambda: "is outside of" in journey.seen)
            await journey.press("n")
            await until_asked(journey)
            assert not (tmp_path / "out.py").exists()
        await journey.press("enter")
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        await journey.press("y")
        await journey.until(lambda: is_back(journey))
        assert (tmp_path / "out.py").read_text(encoding="utf-8") == "x = 1\n"


async def test_a_failed_save_is_reported_and_keeps_the_typed_path(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        for name, said in (("folder", "is a folder"), ("a\u202eb", "invisible characters")):
            await save_as(journey, name)
            await journey.until(partial(is_seen, journey, said))
            assert field(journey).value == name
        await save_as(journey, "good.py")
        await journey.until(lambda: is_back(journey))
        assert (tmp_path / "good.py").exists()


async def test_a_message_without_code_says_so(opened: Open, server: Scripted) -> None:
    server.will(says("No code."))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.go_to_messages()
        await journey.press("s")
        await journey.until(
            lambda: journey.notices == ["There is no code block in this message."]
        )


OPENED: list[tuple[str, bool]] = []
"""The files that Python opened, each with whether it was in the event loop's thread."""


def note_opened(event: str, args: tuple[object, ...]) -> None:
    if event == "open":
        is_main = threading.current_thread() is threading.main_thread()
        OPENED.append((str(args[0]), is_main))


async def test_the_disk_is_left_to_a_thread(
    opened: Open, server: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "x.py"
    path.write_text("old\n", encoding="utf-8")
    server.will(says(REPLY))
    async with opened() as journey:
        await begin(journey)
        sys.addaudithook(note_opened)
        await save_as(journey, "x.py")
        await journey.until(lambda: isinstance(journey.app.screen, ReplaceScreen))
        await journey.press("y")
        await journey.until(lambda: is_back(journey))
    about = [
        each for each in OPENED if each[0].startswith((str(path), f"{tmp_path}/.streamch"))
    ]
    assert len(about) == 3
    assert not any(is_main for _, is_main in about)
