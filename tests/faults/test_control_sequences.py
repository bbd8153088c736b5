"""No foreign text can control the terminal, wherever it is shown.

A mark follows each payload. The mark must be visible, and the payload must not reach the
terminal unchanged.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.faults.shell import Shell
from tests.scripted import Reply, Scripted, end, refuses, start, text, thinking
from tests.terminal import terminal
from tui.chat import turn
from tui.domain.conversation import Conversation
from tui.domain.parameters import Parameters
from tui.store import open_store

PAYLOADS = {
    "title": "\x1b]0;owned\x07",
    "title-st": "\x1b]2;owned\x1b\\",
    "link": "\x1b]8;;http://evil\x1b\\",
    "notify": "\x1b]9;owned\x07",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "folder": "\x1b]7;file:///owned\x07",
    "prompt": "\x1b]133;A\x07",
    "dcs": "\x1bPowned\x1b\\",
    "apc": "\x1b_Gowned\x1b\\",
    "pm": "\x1b^owned\x1b\\",
    "sos": "\x1bXowned\x1b\\",
    "leave": "\x1b[?1049l",
    "erase": "\x1b[2J\x1b[H",
    "report": "\x1b[6n",
    "attributes": "\x1b[>c",
    "reset": "\x1bc",
    "soft-reset": "\x1b[!p",
    "c1-csi": "\x9b2J",
    "c1-osc": "\x9d0;owned\x9c",
    "c1-dcs": "\x90owned\x9c",
    "bell": "\x07",
    "backspace": "owned\b\b\b\b\b",
    "nul-del": "\x00\x7f",
    "bidi": "\u202egnp.\u2066x",
    "tags": "\U000e0041\U000e0042",
    "zero-width": "\u200b\u2060\ufeff",
}
SIZE = (150, 70)
MARKS = [f"m{number:02}~" for number in range(len(PAYLOADS))]
LINES = [payload + mark for payload, mark in zip(PAYLOADS.values(), MARKS, strict=True)]
FENCE = "```"


def everywhere() -> str:
    """Return a reply with every payload in every kind of Markdown."""
    table = ["| a | b |", "|---|---|", *(f"| {line} | x |" for line in LINES)]
    code = [FENCE + "python", *(f"x = '{line}'" for line in LINES), FENCE]
    links = [f"[{line}](https://x.org/{number})" for number, line in enumerate(LINES)]
    return "\n\n".join(
        [
            *(f"- {line}" for line in LINES),
            *(f"# {line}" for line in LINES[:5]),
            "\n".join(table),
            "\n".join(code),
            *links,
            *(f"> {line}" for line in LINES[:5]),
        ]
    )


def leaks(raw: bytes) -> list[str]:
    """Return the sequences in the output that can only be from a payload."""
    # Textual's own: the shape of the mouse pointer.
    raw = re.sub(rb"\x1b\]22;[a-z]*\x07", b"", raw)
    found = [
        name
        for name, payload in PAYLOADS.items()
        if any((payload + mark).encode() in raw for mark in MARKS)
        or (payload.encode() in raw and len(payload) > 8)
    ]
    # The program's own query for the background.
    raw = re.sub(rb"\x1b\]11;\?(\x07|\x1b\\)", b"", raw)
    signs = (b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1bc", b"\x07", b"\x1b[!p")
    found += [repr(sign) for sign in signs if sign in raw]
    found += [repr(code) for code in range(0x80, 0xA0) if f"{chr(code)}".encode() in raw]
    found += [
        hex(ord(c)) for c in "\u202e\u2066\u200b\u2060\ufeff\U000e0041" if c.encode() in raw
    ]
    return found


async def fill(history: Path) -> None:
    """Make a conversation for each payload: in its title, question and model name."""
    with open_store(history) as store:
        for line in LINES:
            now = store.clock.now_ms()
            titled = Conversation(store.new_id(), Parameters(line), now, now, title=line)
            await turn.ask(store, titled, f"asked {line}")


def test_nothing_that_is_shown_in_the_app_drives_the_terminal(
    empty_home: Path, server: Scripted
) -> None:
    folder = empty_home / ".local" / "share" / "streamchat"
    folder.mkdir(parents=True, mode=0o700)
    asyncio.run(fill(folder / "history.db"))
    hostile = "".join(LINES[:6])
    server.will(
        Reply([start(model=hostile), *thinking(0, *LINES), *text(1, everywhere()), *end()]),
        refuses(400, "invalid_request_error", "".join(LINES)),
        refuses(429, "rate_limit_error", "".join(LINES), retry_after="90"),
    )
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal("--model", hostile, home=empty_home, size=SIZE, environ=environ) as screen:
        # Every title, in the sidebar.
        screen.until(lambda: all(mark in screen.text for mark in MARKS))
        for mark in reversed(MARKS):
            # Every title, in the heading, every question and every model's name.
            screen.press("\x1b[6;5~")
            screen.until(lambda m=mark: screen.text.count(m) >= 3)  # type: ignore[misc]
        screen.press("\x0e")
        screen.until_seen("Ask Claude something")
        # A paste, and the reply to it with its thinking.
        screen.press(f"\x1b[200~{''.join(LINES)}\x1b[201~\r")
        screen.until_seen("s to first text")
        screen.press("\x14")
        for _ in range(12):
            screen.press("\x1b[5~")
            screen.until_seen("m0")
        # The text of an endpoint's error.
        for seen in ("r regenerate", "asks to wait"):
            screen.press("\x0e")
            screen.until_seen("Ask Claude something")
            screen.press("Hi\r")
            screen.until_seen(seen)
        screen.press("\x1b")
        screen.until_seen("90 seconds")
        # A notice that contains a title.
        screen.press("\x13\t")
        screen.until_seen("x Delete")
        screen.press("\x1b[Bx")
        screen.until_seen("Deleted")
        screen.press("\x11")
        assert screen.until_left() == 0
        raw = screen.raw
    assert leaks(raw) == []
    assert raw.count(b"\x1b[?1049l") == 1
    assert all(mark.encode() in raw for mark in MARKS)


def test_nothing_that_is_printed_drives_the_terminal(shell: Shell, server: Scripted) -> None:
    asyncio.run(fill(shell.history))
    server.will(
        Reply([start(), *text(0, *LINES), *end()]),
        refuses(400, "invalid_request_error", "".join(LINES)),
    )
    several = ["".join(LINES[at : at + 7]).replace("\0", "") for at in range(0, len(LINES), 7)]
    paths = [shell.on_terminal("log", "--db", f"{each}/x") for each in several]
    shown = [
        shell.on_terminal("ask", "x"),
        shell.on_terminal("ask", "x"),
        shell.on_terminal("log", "-n", "0"),
        shell.on_terminal("log", "--search", "asked"),
        shell.on_terminal("log", "--json"),
        *paths,
        shell.on_terminal("doctor", "--offline", "--db", LINES[0]),
        shell.on_terminal("--profile", LINES[4], "log"),
        shell.on_terminal("ask", "--model", LINES[4], "x"),
        shell.on_terminal("log", LINES[4]),
        shell.on_terminal(LINES[4]),
    ]
    config = shell.folder / "config.toml"
    config.write_text(f'theme = "{LINES[4]}"\n', encoding="utf-8")
    shown.append(shell.on_terminal("log", "--config", str(config)))
    for raw in shown:
        # The doctor's colours are its own.
        assert leaks(re.sub(rb"\x1b\[\d*m", b"", raw)) == []
        assert b"\x1b[2J" not in raw
        assert b"\x1b[?" not in raw
    assert all(mark.encode() in shown[0] for mark in MARKS)
    assert all(mark.encode() in shown[2] for mark in MARKS)
    assert all(mark.encode() in b"".join(paths) for mark in MARKS)
