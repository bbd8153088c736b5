"""What a crash leaves behind, and what the user is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import tui
from tests.faults.test_signals import WORDS, is_restored, replies, stream
from tests.scripted import Scripted
from tests.terminal import Terminal, terminal
from tests.turns import on_disk

SIZE = (100, 30)
F1 = "\x1bOP"

SABOTAGE = """
import importlib.machinery, sys

class Saboteur(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != {module!r}:
            return None
        spec = super().find_spec(name, path, target)
        execute = spec.loader.exec_module
        def execute_and_break(module):
            execute(module)
            exec({code!r}, vars(module))
        spec.loader.exec_module = execute_and_break
        return spec

sys.meta_path.insert(0, Saboteur)
"""

NO_KEYS = """
_whole = StreamChat._check_bindings
async def _check_bindings(self, key, priority=False):
    if key == "f1":
        raise RuntimeError("broken on purpose")
    return await _whole(self, key, priority)
StreamChat._check_bindings = _check_bindings
"""
"""The app fails at F1. After several of these it crashes."""

NO_END = (
    NO_KEYS
    + """
async def _stop_all(*_, **__):
    import asyncio
    await asyncio.sleep(3600)
from tui.chat.reply_scheduler import ReplyScheduler
ReplyScheduler.stop_all = _stop_all
"""
)
"""A normal quit fails too."""

NO_START = """
def _compose(self):
    raise RuntimeError("broken on purpose")
ChatScreen.compose = _compose
"""

NO_THREAD = """
def _on_mount(self):
    def fail():
        raise RuntimeError("broken on purpose")
    import threading
    threading.Thread(target=fail).start()
_whole = StreamChat.on_mount
StreamChat.on_mount = lambda self: (_whole(self), _on_mount(self))[0]
"""


def broken(code: str, folder: Path, server: Scripted) -> dict[str, str]:
    """Return the environment of a program that `code` breaks."""
    folder.mkdir()
    sabotage = SABOTAGE.format(module="tui.ui.app", code=code)
    (folder / "sitecustomize.py").write_text(sabotage, encoding="utf-8")
    return {
        "PYTHONPATH": f"{folder}:{Path(tui.__file__).parent.parent}",
        "ANTHROPIC_API_KEY": "sk-test",
        "ANTHROPIC_BASE_URL": server.url,
    }


def last_words(screen: Terminal) -> list[str]:
    """Return the text on the terminal after the app has restored it."""
    last = screen.raw.rpartition(b"\x1b[?1049l")[2].decode()
    shown = "".join(part for part in last.split("\x1b") if "streamchat-tui" in part)
    return [line for line in shown.partition("streamchat-tui")[2].splitlines() if line]


@pytest.mark.parametrize(
    "code", [NO_KEYS, NO_END], ids=["in order", "with a saving that hangs"]
)
def test_a_crash_gives_back_the_terminal_says_where_the_log_is_and_keeps_the_reply(
    empty_home: Path, tmp_path: Path, server: Scripted, code: str
) -> None:
    server.will(stream())
    environ = broken(code, tmp_path / "site", server)
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        modes = screen.modes()
        screen.press("Go\r")
        screen.until_seen("w0009")
        screen.press(F1 * 5)
        assert screen.until_left() == 1
        assert is_restored(screen)
        assert screen.modes() != modes
        (log,) = empty_home.rglob("streamchat.log")
        assert last_words(screen) == [f": An internal error occurred; {log} has the details."]
        assert b"Traceback" not in screen.raw
    assert "RuntimeError" in log.read_text(encoding="utf-8")
    if code == NO_END:
        # The next start recovers the journal.
        with terminal("--demo", home=empty_home, size=SIZE) as screen:
            screen.until_seen("✗ Go")
    ((state, kept),) = replies(empty_home)
    assert state == "interrupted"
    assert kept.startswith("w0000 w0001")
    assert "".join(WORDS).startswith(kept)


def test_a_start_that_fails_says_so_in_one_line_and_is_no_success(
    empty_home: Path, tmp_path: Path, server: Scripted
) -> None:
    environ = broken(NO_START, tmp_path / "site", server)
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        assert screen.until_left() == 1
        assert is_restored(screen)
        (log,) = empty_home.rglob("streamchat.log")
        assert last_words(screen) == [f": An internal error occurred; {log} has the details."]
        assert b"Traceback" not in screen.raw


def test_a_thread_that_fails_is_logged_and_shows_nothing(
    empty_home: Path, tmp_path: Path, server: Scripted
) -> None:
    environ = broken(NO_THREAD, tmp_path / "site", server)
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        screen.until(lambda: any(empty_home.rglob("streamchat.log")))
        screen.press("\x11")
        assert screen.until_left() == 0
        assert b"Traceback" not in screen.raw
    (log,) = empty_home.rglob("streamchat.log")
    assert "RuntimeError" in log.read_text(encoding="utf-8")
    (history,) = empty_home.rglob("history.db")
    assert on_disk(history, "SELECT count(*) AS n FROM messages")[0]["n"] == 0
