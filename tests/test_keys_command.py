"""`keys` shows the bytes that the terminal sends, and restores the terminal."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.sent import messages
from tests.terminal import Terminal, terminal
from tests.test_cli import Program, failed, online, program
from tests.test_key_bytes import KEYS, NOT_IN_LEGACY, WAYS, legacy
from tui.config.commands import COMMANDS
from tui.terminal.key_reader import KeyReader
from tui.terminal.legacy_keys import sent_instead

__all__ = ["online", "program"]

SIZE = (120, 40)
CTRL_C, CTRL_D = "\x03", "\x04"
KITTY_HERE, NO_KITTY = "\x1b[?0u\x1b[?62;c", "\x1b[?62;c"


def answered(screen: Terminal, answer: str) -> None:
    """Answer the query for the kitty protocol, as a terminal does."""
    screen.until(lambda: b"\x1b[?u" in screen.raw)
    screen.press(answer)
    screen.until_seen("Press a key")


def line_with(screen: Terminal, words: str) -> str:
    screen.until_seen(words)
    (line,) = [each for each in screen.text.splitlines() if words in each]
    return " ".join(line.split())


SENT = {
    "legacy": (
        WAYS["legacy"]("ctrl+n"),
        r"\x0e ctrl+n Everywhere: New conversation (chat.new)",
    ),
    "kitty": (
        "\x1b[13;2u",
        r"\x1b[13;2u shift+enter While writing: New line (composer.newline)",
    ),
    "modifyOtherKeys": (
        "\x1b[27;5;110~",
        r"\x1b[27;5;110~ ctrl+n Everywhere: New conversation (chat.new)",
    ),
}


@pytest.mark.parametrize("way", SENT)
def test_a_key_is_shown_with_its_bytes_its_name_and_its_command(
    way: str, empty_home: Path
) -> None:
    sent, line = SENT[way]
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        before = screen.modes()
        answered(screen, KITTY_HERE)
        assert screen.modes() != before
        screen.press(sent)
        assert line_with(screen, line.split()[0]) == line
        screen.press(CTRL_D)
        assert screen.until_left() == 0
        assert screen.modes() == before
        assert screen.raw.endswith(b"\x1b[?2004l\x1b[<u")


def test_every_command_of_a_key_is_shown_with_its_scope(empty_home: Path) -> None:
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        answered(screen, NO_KITTY)
        screen.press("j")
        assert line_with(screen, "(message.next)").startswith("j j On a message")
        assert line_with(screen, "(sidebar.down)") == "In the sidebar: Down (sidebar.down)"
        screen.press("\x1b")
        assert line_with(screen, "(chat.stop)").startswith(r"\x1b escape Everywhere")
        screen.press("é")
        assert line_with(screen, r"\xc3\xa9").endswith("no command")
        screen.press("\x1b[200~one\ntwo\x1b[201~")
        assert line_with(screen, "a paste of 7 characters").startswith(r"\x1b[200~one")
        screen.press("\x1b[1;2;3;4;5q")
        assert line_with(screen, "ignores").startswith(r"\x1b[1;2;3;4;5q")
        screen.press("q")
        screen.until_seen("In this help: Close (help.close)")
        screen.press("q")
        assert screen.until_left() == 0


def test_a_key_that_the_user_chose_is_shown(empty_home: Path) -> None:
    config = empty_home / "config.toml"
    config.write_text('[keys]\n"chat.new" = "F7"\n', encoding="utf-8")
    with terminal("keys", "--config", str(config), home=empty_home, size=SIZE) as screen:
        answered(screen, NO_KITTY)
        screen.press("\x1b[18~")
        screen.until_seen(r"\x1b[18~")
        assert line_with(screen, "(chat.new)").endswith("New conversation (chat.new)")
        screen.press(CTRL_D)
        assert screen.until_left() == 0


def test_only_the_same_key_twice_in_a_row_ends_it(empty_home: Path) -> None:
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        answered(screen, KITTY_HERE)
        # With Ctrl itself between, as the kitty protocol reports it.
        screen.press(CTRL_C + "x" + "\x1b[99;5u" + "q")
        screen.until_seen("help.close")
        screen.press("\x1b[99;5u" + "\x1b[57442;5u" + "\x1b[99;5u")
        assert screen.until_left() == 0


def test_keys_that_the_terminal_cannot_send_are_listed_at_the_start(empty_home: Path) -> None:
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        answered(screen, NO_KITTY)
        assert line_with(screen, "Shift+Enter") == "Shift+Enter it sends Enter instead"
        screen.press(CTRL_D)
        assert screen.until_left() == 0
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        answered(screen, "x" + KITTY_HERE)
        screen.until_seen("it can send every key")
        # What was typed before the answer is not lost.
        assert line_with(screen, "message.delete").startswith("x x On a message")
        screen.press(CTRL_D)
        assert screen.until_left() == 0


def test_a_terminal_that_never_answers_is_not_waited_for(empty_home: Path) -> None:
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        screen.until_seen("Press a key")
        assert "Shift+Enter" in screen.text
        # The answer comes too late, but it is not a key.
        screen.press(KITTY_HERE + "j")
        screen.until_seen("sidebar.down")
        assert r"\x1b[?" not in screen.text
        screen.press(CTRL_D)
        assert screen.until_left() == 0


@pytest.mark.parametrize("ends_it", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(empty_home: Path, ends_it: signal.Signals) -> None:
    with terminal("keys", home=empty_home, size=SIZE) as screen:
        before = screen.modes()
        answered(screen, NO_KITTY)
        screen.process.send_signal(ends_it)
        assert screen.until_left() == (130 if ends_it == signal.SIGINT else 128 + ends_it)
        assert screen.modes() == before
        assert screen.raw.endswith(b"\x1b[?2004l\x1b[<u")


def test_a_dumb_terminal_is_asked_nothing(empty_home: Path) -> None:
    with terminal("keys", home=empty_home, size=SIZE, environ={"TERM": "dumb"}) as screen:
        screen.until_seen("Press a key")
        screen.press(CTRL_D)
        assert screen.until_left() == 0
        assert b"\x1b" not in screen.raw


def test_without_a_terminal_it_says_so_and_lists(program: Program) -> None:
    assert failed(program.run("keys")).startswith("keys needs a terminal.")
    done = program.run("keys", "--list")
    assert (done.code, done.err) == (0, "")
    with_keys = [command for command in COMMANDS if command.keys]
    assert len(done.out.splitlines()) == len(with_keys)
    assert all(f" {each.id} " in done.out for each in with_keys)
    assert not program.history.exists()
    listed = json.loads(program.run("keys", "--list", "--json").out)
    assert [each["command"] for each in listed] == [each.id for each in with_keys]
    newline = next(each for each in listed if each["command"] == "composer.newline")
    assert newline == {
        "command": "composer.newline",
        "title": "New line",
        "place": "While writing",
        "keys": ["ctrl+j", "shift+enter", "ctrl+enter"],
        "not_sent": None,
    }


def test_the_list_asks_the_terminal(empty_home: Path) -> None:
    with terminal("keys", "--list", home=empty_home, size=SIZE) as screen:
        before = screen.modes()
        screen.until(lambda: b"\x1b[?u" in screen.raw)
        screen.press(NO_KITTY)
        assert screen.until_left() == 0
        assert "Shift+Enter" in screen.text
        assert screen.modes() == before


def test_what_legacy_terminals_cannot_send_agrees_with_their_bytes() -> None:
    assert {key for key in KEYS if sent_instead(key) is not None} == NOT_IN_LEGACY.keys()


# Terminals differ on that one.
@pytest.mark.parametrize(
    "key", [key for key in KEYS if sent_instead(key) and key != "ctrl+backspace"]
)
def test_what_is_sent_instead_is_what_arrives(key: str) -> None:
    (event,) = messages(legacy(key).encode())
    assert getattr(event, "key", "") == sent_instead(key)


@pytest.mark.parametrize("way", WAYS)
def test_bytes_and_keys_belong_together_however_they_arrive(way: str) -> None:
    keys = [key for key in KEYS if key not in NOT_IN_LEGACY and key != "escape"]
    sent = [WAYS[way](key).encode() for key in keys]
    reader = KeyReader()
    assert [arrival.raw for arrival in reader.feed(b"".join(sent))] == sent
