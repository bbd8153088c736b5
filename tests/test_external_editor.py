"""The user's editor gets the text in a private file, and a failure changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.editors import python, script
from tui.config.loading import Flags, load
from tui.config.settings import KEY_NAMES
from tui.terminal.external_editor import EditorFailed, ExternalEditor

Task = asyncio.Task[str]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, which is empty again afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def editor(command: str | Path, **environ: str) -> ExternalEditor:
    named = {"PATH": os.environ["PATH"], "EDITOR": str(command), **environ}
    return ExternalEditor(named, KEY_NAMES)


async def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    changing = script(tmp_path, 'printf "%s, changed\\n" "$(cat "$1")" > "$1"')
    assert await editor(changing).edit("a draft") == "a draft, changed"


@pytest.mark.parametrize(
    ("saved", "text"),
    [
        ("a\n", "a"),
        ("a\n\n", "a\n"),
        ("a", "a"),
        ("", ""),
        ("a\r\nb\r\n", "a\nb"),
        ("\ufeffé", "é"),
    ],
)
async def test_one_line_feed_at_the_end_is_the_editors(saved: str, text: str) -> None:
    writing = python(f"path.write_bytes({saved.encode()!r})")
    assert await editor(writing).edit("before") == text


@pytest.mark.parametrize("text", ["a draft", "ends in\n\n", "", "漢字 \x1b[31m 👍", "a\r\nb"])
async def test_what_is_not_changed_is_the_same(text: str) -> None:
    assert await editor("true").edit(text) == text


async def test_the_file_is_private_and_a_markdown_file(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    looking = python(
        f"pathlib.Path({str(seen)!r}).write_text(' '.join([oct(path.stat().st_mode & 0o777),"
        " oct(path.parent.stat().st_mode & 0o777), path.suffix, path.read_text()]));"
        " (path.parent / 'prompt.md~').touch()"
    )
    await editor(looking).edit("a draft")
    assert seen.read_text() == "0o600 0o700 .md a draft"


async def test_its_arguments_are_honoured(tmp_path: Path) -> None:
    telling = script(tmp_path / "with blanks", 'for each; do echo "$each"; done > "$3"')
    said = (await editor(f"'{telling}' --wait 'two words'").edit("")).splitlines()
    assert said[:2] == ["--wait", "two words"]


async def test_a_path_with_blanks_needs_no_quotes(tmp_path: Path) -> None:
    writing = script(tmp_path / "with blanks", 'echo done > "$1"')
    assert await editor(writing).edit("") == "done"


async def test_visual_counts_before_editor_and_vi_is_the_last(tmp_path: Path) -> None:
    first = script(tmp_path, "echo visual > $1", "first")
    assert await editor("false", VISUAL=str(first)).edit("") == "visual"
    script(tmp_path, "echo vi > $1", "vi")
    assert await editor(" ", VISUAL="", PATH=f"{tmp_path}:/bin:/usr/bin").edit("") == "vi"


async def test_the_editor_does_not_get_api_keys(tmp_path: Path) -> None:
    secrets = dict.fromkeys([*KEY_NAMES, "OTHER_KEY"], "sk-canary")
    config = tmp_path / "config.toml"
    config.write_text('[profiles.other]\napi_key_env = "OTHER_KEY"\nbase_url = "https://a.b"\n')
    settings = load(Flags(config=config), {})
    told = python("path.write_text(str({**os.environ}))")
    environ = {"PATH": os.environ["PATH"], "EDITOR": told, "LANG": "de", **secrets}
    said = await ExternalEditor(environ, settings.key_names).edit("")
    assert "'LANG': 'de'" in said
    assert "canary" not in said


FAILING = {
    "there-is-none --wait": "there-is-none was not found. Set $VISUAL or $EDITOR to an editor.",
    "'unclosed": "$EDITOR cannot be read: No closing quotation.",
    "false": "false ended with code 1: your text has not changed.",
    "sh -c 'echo changed > $0; exit 3'": "sh ended with code 3: your text has not changed.",
    "sh -c 'echo changed > $0; kill -9 $$'": "sh was ended by SIGKILL: your text has not",
    "sh -c 'printf \"\\377\" > $0'": "The text could not be edited: 'utf-8' codec can't",
    "sh -c 'rm $0'": "The text could not be edited: [Errno 2] No such file",
    "/": "/ was not found.",
}


@pytest.mark.parametrize("command", FAILING)
async def test_a_failure_is_reported_in_one_line(command: str) -> None:
    with pytest.raises(EditorFailed) as failed:
        await editor(command).edit("a draft")
    assert str(failed.value).startswith(FAILING[command])
    assert "\n" not in str(failed.value)


async def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", "/there/is/none")
        with pytest.raises(EditorFailed, match="No file can be created for the editor"):
            await editor("true").edit("a draft")


@asynccontextmanager
async def editing(tmp_path: Path, body: str) -> AsyncIterator[tuple[ExternalEditor, Task, int]]:
    """Yield an editor that is open, its task, and its process id."""
    begun = tmp_path / "begun"
    waiting = script(tmp_path, f"echo $$ > '{begun}'.new; mv '{begun}'.new '{begun}'; {body}")
    opened = editor(waiting)
    task = asyncio.create_task(opened.edit("a draft"))
    await wait_until(begun.exists)
    yield opened, task, json.loads(begun.read_text())


async def test_broken_off_it_ends_the_editor(tmp_path: Path) -> None:
    async with editing(tmp_path, "exec sleep 60") as (_, task, process):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


async def test_an_editor_that_does_not_end_is_abandoned_without_its_files(
    tmp_path: Path, temporary: Path
) -> None:
    async with editing(tmp_path, "trap '' TERM; exec sleep 60") as (opened, task, _):
        # As at the end of the program: in another thread, without the loop.
        thread = threading.Thread(target=opened.abandon)
        thread.start()
        thread.join()
        assert list(temporary.iterdir()) == []
        with pytest.raises(EditorFailed, match="ended by SIGKILL"):
            await task
