"""What only a real terminal shows: the bytes, the start and the end."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scripted import Scripted, refuses, says
from tests.terminal import terminal
from tui.terminal.background import ASK

SIZE = (110, 34)
ENTER, CTRL_N, CTRL_Q = "\r", "\x0e", "\x11"

WAIT_FOR_GATE = """
import importlib.machinery, pathlib, sys, time

class Gate(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "anthropic":
            return None
        spec = super().find_spec(name, path, target)
        execute = spec.loader.exec_module
        def wait_and_execute(module):
            pathlib.Path({begun!r}).touch()
            while not pathlib.Path({gate!r}).exists():
                time.sleep(0.01)
            execute(module)
        spec.loader.exec_module = wait_and_execute
        return spec

sys.meta_path.insert(0, Gate)
"""


def test_the_demo_streams_and_is_there_when_opened_again(empty_home: Path) -> None:
    with terminal(home=empty_home, size=SIZE) as screen:
        screen.until_seen("Offline demo")
        screen.press("help" + ENTER)
        screen.until_seen("There is no connection and no key")
        screen.until_seen("s to first text")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
        assert screen.raw.rfind(b"\x1b[?1049l") > screen.raw.rfind(b"\x1b[?1049h")
    with terminal(home=empty_home, size=SIZE) as screen:
        screen.until_seen("Today")
        screen.until(lambda: "help" in screen.text)
        screen.press(CTRL_Q)
        assert screen.until_left() == 0


def test_typing_is_seen_before_the_sdk_is_imported(
    empty_home: Path, tmp_path: Path, server: Scripted
) -> None:
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    site = tmp_path / "site"
    site.mkdir()
    code = WAIT_FOR_GATE.format(begun=str(begun), gate=str(gate))
    (site / "sitecustomize.py").write_text(code)
    here = Path(__file__).parent.parent
    environ = {
        "PYTHONPATH": f"{site}:{here}",
        "ANTHROPIC_API_KEY": "sk-test",
        "ANTHROPIC_BASE_URL": server.url,
    }
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        screen.press("typed early")
        screen.until_seen("typed early")
        screen.until(begun.exists)
        assert not gate.exists()
        screen.press(ENTER)
        screen.until_seen("waiting")
        assert server.seen == []
        gate.touch()
        screen.until_seen("Hello there")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0


def test_no_control_character_of_a_reply_a_title_or_an_error_reaches_the_terminal(
    empty_home: Path, server: Scripted
) -> None:
    hostile = (
        "\x1b]52;c;aGk=\x07\x1b]0;PWNED\x1b\\ \x9b31m\x9d0;PWNED\x9c [@click=app.quit]x[/] end"
    )
    fenced = f"```python\n{hostile}\n```"
    server.will(
        says(hostile, "\n\n", fenced),
        says(hostile),
        refuses(400, "invalid_request_error", hostile),
    )
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal("--model", hostile, home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        for number, sign in enumerate(("[/nope]", "[@click=app.quit]x[/]", "[bold]"), 1):
            # The contents of a bracketed paste arrive as text.
            screen.press(f"\x1b[200~{sign} \x1b]0;PWNED\x07 \u202e\x1b[201~{ENTER}")
            screen.until(lambda n=number: len(server.asked) == n)  # type: ignore[misc]
            screen.until_seen("first text" if number < 3 else "r regenerate")
            screen.until_seen("[@click=app.quit]x[/]")
            screen.press(CTRL_N)
            screen.until_seen("Ask Claude something")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
        raw = screen.raw
    # One OSC is Textual's own: the shape of the mouse pointer.
    raw = re.sub(rb"\x1b\]22;[a-z]*\x07", b"", raw)
    # One is ours: the query for the background's colour.
    raw = raw.replace(ASK.encode(), b"")
    assert b"\x1b]" not in raw
    assert b"\x07" not in raw
    assert not any(f"{chr(code)}".encode() in raw for code in range(0x80, 0xA0))
    assert "\u202e".encode() not in raw


def test_without_a_terminal_it_says_so_in_one_line(empty_home: Path) -> None:
    import subprocess
    import sys

    ended = subprocess.run(
        [sys.executable, "-m", "tui"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(empty_home), "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "needs a terminal" in ended.stderr
