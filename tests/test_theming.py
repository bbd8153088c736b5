"""The theme follows the terminal until the user chooses one, which is then saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal import Terminal, terminal
from tui.ui.themes import DARK, LIGHT

SIZE = (110, 34)
CTRL_Q, CTRL_P = "\x11", "\x10"
ASKED = b"\x1b]11;?\x1b\\"
WHITE, BLACK = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b]11;rgb:0000/0000/0000\x07"


def drawn_in(background: str | None) -> bytes:
    """Return the bytes that set a background colour."""
    assert background is not None
    red, green, blue = bytes.fromhex(background[1:])
    return f"48;2;{red};{green};{blue}".encode()


ON_DARK, ON_LIGHT = drawn_in(DARK.background), drawn_in(LIGHT.background)


@contextmanager
def opened(home: Path, *arguments: str) -> Iterator[Terminal]:
    environ = {"COLORTERM": "truecolor"}
    with terminal("--demo", *arguments, home=home, size=SIZE, environ=environ) as screen:
        yield screen
        if screen.process.poll() is None:
            screen.press(CTRL_Q)
            assert screen.until_left() == 0


def change_shade(screen: Terminal) -> None:
    """Change from the dark theme to the light one, through the palette."""
    screen.press(CTRL_P)
    screen.until_seen("Redraw")
    screen.press("light or dark")
    screen.until(lambda: "Switch between" in screen.text and "Redraw" not in screen.text)
    screen.press("\r")


def test_a_light_terminal_is_never_painted_dark(empty_home: Path) -> None:
    with opened(empty_home) as screen:
        screen.until(lambda: ASKED in screen.raw)
        screen.press(WHITE)
        screen.until_seen("Ask anything")
        assert ON_LIGHT in screen.raw
        assert ON_DARK not in screen.raw


@pytest.mark.parametrize("answer", [b"", BLACK])
def test_a_terminal_that_is_dark_or_silent_is_painted_dark(
    empty_home: Path, answer: bytes
) -> None:
    with opened(empty_home) as screen:
        screen.until(lambda: ASKED in screen.raw)
        if answer:
            screen.press(answer)
        screen.until_seen("Ask anything")
        assert ON_DARK in screen.raw
        assert ON_LIGHT not in screen.raw


def test_an_answer_that_comes_late_counts_and_is_not_typed(empty_home: Path) -> None:
    with opened(empty_home) as screen:
        screen.until_seen("Ask anything")
        screen.press(b"on" + WHITE + b"ce")
        screen.until(lambda: ON_LIGHT in screen.raw)
        screen.until_seen("once")
        assert "rgb" not in screen.text


def test_a_theme_chosen_in_the_palette_is_saved_and_comments_stay(empty_home: Path) -> None:
    config = empty_home / "mine.toml"
    config.write_text('# mine\ntheme = "auto" # as it comes\n', encoding="utf-8")
    with opened(empty_home, "--config", "mine.toml") as screen:
        screen.until_seen("Ask anything")
        change_shade(screen)
        screen.until(lambda: ON_LIGHT in screen.raw)
        chosen = '# mine\ntheme = "streamchat-light" # as it comes\n'
        screen.until(lambda: config.read_text(encoding="utf-8") == chosen)
    with opened(empty_home, "--config", "mine.toml") as screen:
        screen.until_seen("Ask anything")
        assert ON_LIGHT in screen.raw
        assert ON_DARK not in screen.raw


def test_a_theme_that_cannot_be_saved_says_why(empty_home: Path) -> None:
    config = empty_home / "mine.toml"
    config.write_text("titles = true\n", encoding="utf-8")
    config.chmod(0o400)
    with opened(empty_home, "--config", "mine.toml") as screen:
        screen.until_seen("Ask anything")
        change_shade(screen)
        screen.until_seen("The theme could not be saved")
