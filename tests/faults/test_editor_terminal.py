"""An editor has the terminal as a shell gives it; afterwards the app has it again."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.editors import script
from tests.faults.test_signals import PATIENCE, WORDS, is_restored, leave, replies, stream
from tests.scripted import Scripted
from tests.terminal import Terminal, terminal

SIZE = (100, 30)
CTRL_G, CTRL_Q = "\x07", "\x11"
SET_LOCAL = 3
"""Where the local modes stand, with the echo among them."""


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """The folder for temporary files, which is empty again afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@contextmanager
def editing(
    home: Path, server: Scripted, temporary: Path, body: str, *, pace: float = 0.005
) -> Iterator[tuple[Terminal, list[object]]]:
    """The app with a reply in its middle and a draft in the editor; and the modes before."""
    server.will(stream(pace))
    environ = {
        "ANTHROPIC_API_KEY": "sk-test",
        "ANTHROPIC_BASE_URL": server.url,
        "EDITOR": str(script(home.parent / "bin", f"echo in the editor: $$; {body}")),
        "TMPDIR": str(temporary),
    }
    with terminal(home=home, environ=environ, size=SIZE) as screen:
        modes = screen.modes()
        screen.until_seen("Ask anything")
        screen.press("Go\r")
        screen.until_seen("w0009")
        screen.press("a draft")
        screen.until_seen("a draft")
        screen.press(CTRL_G)
        screen.until_seen("in the editor")
        yield screen, modes


def pid_of_editor(screen: Terminal) -> int:
    screen.until_seen("in the editor: ")
    return int(screen.text.split("in the editor: ")[1].split()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_reply_that_streams_meanwhile_is_whole_and_the_terminal_is_right(
    empty_home: Path, server: Scripted, temporary: Path
) -> None:
    body = 'read typed; echo "$typed was typed" >> "$1"'
    with editing(empty_home, server, temporary, body) as (screen, modes):
        # As a shell has it: what is typed is shown, and Enter ends a line.
        assert screen.modes() == modes
        before = len(screen.raw)
        until = time.monotonic() + 30
        while not replies_ended(empty_home):
            assert time.monotonic() < until
            time.sleep(0.05)
        # The app has not drawn into the editor's screen.
        assert screen.raw[before:] == b""
        screen.press("something\r")
        screen.until_seen("a draftsomething was typed")
        screen.until_seen("s to first text")
        screen.until_seen("w0399")
        assert screen.modes()[SET_LOCAL] & termios.ECHO == 0
        assert "in the editor" not in screen.text
        screen.press(" and more")
        screen.until_seen("was typed and more")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
        assert is_restored(screen)
        assert screen.modes() == modes
    assert replies(empty_home) == [("complete", "".join(WORDS))]


def replies_ended(home: Path) -> bool:
    return [state for state, _ in replies(home)] == ["complete"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_an_editor_is_open_leaves_nothing_behind(
    empty_home: Path, server: Scripted, temporary: Path, signum: signal.Signals
) -> None:
    body = "exec sleep 60"
    with editing(empty_home, server, temporary, body, pace=0.05) as (screen, modes):
        editor = pid_of_editor(screen)
        code, took = leave(screen, lambda: screen.process.send_signal(signum))
        screen.until_left()
        assert code == 128 + signum
        assert took < PATIENCE
        assert is_restored(screen)
        assert screen.modes() == modes
        assert not is_alive(editor)
    ((state, kept),) = replies(empty_home)
    assert state == "interrupted"
    assert kept.startswith("w0000 w0001")


def test_ctrl_c_in_the_editor_is_the_editors(
    empty_home: Path, server: Scripted, temporary: Path
) -> None:
    with editing(empty_home, server, temporary, "exec sleep 60") as (screen, modes):
        # As the terminal does at Ctrl+C: to all that are in the foreground.
        os.killpg(screen.process.pid, signal.SIGINT)
        screen.until_seen("was ended by SIGINT")
        screen.until_seen("a draft")
        screen.until_seen("w0399")
        screen.press(CTRL_Q)
        screen.until_left()
        assert screen.modes() == modes


def test_an_editor_that_leaves_the_terminal_raw_and_dies_does_no_harm(
    empty_home: Path, server: Scripted, temporary: Path
) -> None:
    body = "stty raw -echo; printf '\\033[?1049h'; kill -9 $$"
    with editing(empty_home, server, temporary, body) as (screen, modes):
        screen.until_seen("was ended by SIGKILL")
        screen.until_seen("a draft")
        screen.until_seen("w0399")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
        assert is_restored(screen)
        assert screen.modes() == modes
