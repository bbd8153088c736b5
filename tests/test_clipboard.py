"""A text gets to the clipboard, or the reader is told where it is instead."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from tui.clipboard import OSC52_LIMIT, copy

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools are shell scripts")

WAYLAND = {"WAYLAND_DISPLAY": "wayland-0"}
X = {"DISPLAY": ":0"}
KITTY = {"TERM": "xterm-kitty"}
UNKNOWN = {"TERM": "xterm-256color"}
TMUX = {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "tmux-256color"}
WSL = {"WSL_DISTRO_NAME": "Debian"}
SSH = {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
KEEPS = 'cat > "$KEPT"; echo "$*" > "$KEPT.words"'
TEXT = "def é():\n    return '日本 ☕'\n"


class Desk:
    """A machine with tools of our own making, and a terminal that is asked."""

    def __init__(self, path: Path) -> None:
        self.tools = path / "bin"
        self.folder = path / "data"
        self.kept = path / "kept"
        self.asked: list[str] = []
        self.tools.mkdir()
        self.folder.mkdir()

    def has(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
        path.chmod(0o700)

    async def copy(
        self, environ: Mapping[str, str], text: str = TEXT, platform: str = "linux"
    ) -> str:
        told = await copy(
            text,
            osc52=self.asked.append,
            environ={"PATH": str(self.tools), "KEPT": str(self.kept), **environ},
            folder=self.folder,
            platform=platform,
        )
        assert len(told.splitlines()) == 1
        return told

    @property
    def words(self) -> str:
        """What the tool was started with."""
        return Path(f"{self.kept}.words").read_text(encoding="utf-8").strip()

    @property
    def file(self) -> Path:
        return self.folder / "copied.txt"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("name", "environ", "platform", "words"),
    [
        ("wl-copy", WAYLAND, "linux", "--type text/plain;charset=utf-8"),
        ("xclip", X, "linux", "-selection clipboard"),
        ("xsel", X, "linux", "--clipboard --input"),
        ("pbcopy", {}, "darwin", ""),
    ],
)
async def test_the_desktops_own_tool_is_given_the_text(
    desk: Desk, name: str, environ: Mapping[str, str], platform: str, words: str
) -> None:
    desk.has(name, KEEPS)
    assert await desk.copy({**environ, **KITTY}, platform=platform) == f"Copied with {name}."
    assert desk.kept.read_bytes() == TEXT.encode()
    assert desk.words == words
    assert desk.asked == []


@pytest.mark.parametrize(("environ", "platform"), [(WSL, "linux"), ({}, "win32")])
async def test_windows_is_given_what_it_reads_without_guessing(
    desk: Desk, environ: Mapping[str, str], platform: str
) -> None:
    desk.has("clip.exe", KEEPS)
    assert await desk.copy(environ, platform=platform) == "Copied with clip.exe."
    assert desk.kept.read_bytes().decode("utf-16-le") == TEXT


async def test_macos_is_told_the_encoding(desk: Desk) -> None:
    desk.has("pbcopy", 'cat > /dev/null; echo "$LC_CTYPE" > "$KEPT"')
    await desk.copy({"LC_CTYPE": "C"}, platform="darwin")
    assert desk.kept.read_text(encoding="utf-8") == "UTF-8\n"


async def test_tmux_hands_it_on(desk: Desk) -> None:
    desk.has("tmux", KEEPS)
    assert await desk.copy(TMUX) == "Copied to tmux, and sent to the terminal."
    assert desk.kept.read_bytes() == TEXT.encode()
    assert desk.words == "load-buffer -w -"


async def test_a_tool_of_another_desktop_is_left_alone(desk: Desk) -> None:
    for name in ("wl-copy", "xclip", "xsel", "pbcopy", "clip.exe", "tmux"):
        desk.has(name, KEEPS)
    assert await desk.copy(KITTY) == "Copied through the terminal."
    assert not desk.kept.exists()


@pytest.mark.parametrize(
    ("name", "environ", "platform"), [("pbcopy", {}, "darwin"), ("clip.exe", WSL, "linux")]
)
async def test_over_ssh_the_far_machine_is_not_meant(
    desk: Desk, name: str, environ: Mapping[str, str], platform: str
) -> None:
    desk.has(name, KEEPS)
    told = await desk.copy({**environ, **SSH, **KITTY}, platform=platform)
    assert told == "Copied through the terminal."
    assert not desk.kept.exists()


async def test_after_a_tool_that_fails_the_next_is_tried(desk: Desk) -> None:
    desk.has("wl-copy", "exit 1")
    desk.has("xclip", "cat > /dev/null; exit 3")
    desk.has("xsel", KEEPS)
    assert await desk.copy({**WAYLAND, **X}) == "Copied with xsel."
    assert desk.kept.read_bytes() == TEXT.encode()


async def test_a_tool_that_cannot_be_started_is_passed_over(desk: Desk) -> None:
    desk.has("wl-copy", "")
    (desk.tools / "wl-copy").write_bytes(b"#!/nowhere/at/all\n")
    assert await desk.copy({**WAYLAND, **KITTY}) == "Copied through the terminal."


async def test_a_tool_that_hangs_is_ended_and_the_loop_goes_on(desk: Desk) -> None:
    # It starts another, and reads nothing of more than a pipe holds.
    desk.has("xclip", 'exec 3> "$KEPT"; sleep 600 & wait')
    os.mkfifo(desk.kept)
    alive = os.open(desk.kept, os.O_RDONLY | os.O_NONBLOCK)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn())
    told = await desk.copy({**X, **KITTY}, "x" * 200_000)
    turning.cancel()
    assert told == f"Too long for the terminal's clipboard: written to {desk.file}."
    assert turns > 100
    # Which it is only when all that had it open are gone.
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""
    os.close(alive)


async def test_a_tool_that_stays_to_serve_the_clipboard_is_not_waited_for(desk: Desk) -> None:
    desk.has("wl-copy", 'cat > "$KEPT"; sleep 600 & echo $! > "$KEPT.pid"')
    assert await desk.copy(WAYLAND) == "Copied with wl-copy."
    serving = int(Path(f"{desk.kept}.pid").read_text(encoding="utf-8"))
    os.kill(serving, 9)


@pytest.mark.parametrize(
    "environ",
    [
        KITTY,
        {"TERM": "xterm-ghostty"},
        {"TERM": "foot"},
        {"TERM": "alacritty"},
        {"TERM_PROGRAM": "WezTerm"},
        {"TERM_PROGRAM": "iTerm.app"},
        {"WT_SESSION": "1"},
    ],
)
async def test_a_terminal_that_is_known_to_take_it_is_believed(
    desk: Desk, environ: Mapping[str, str]
) -> None:
    assert await desk.copy(environ) == "Copied through the terminal."
    assert desk.asked == [TEXT]
    assert not desk.file.exists()


async def test_of_tmux_alone_no_more_is_said_than_is_known(desk: Desk) -> None:
    assert await desk.copy(TMUX) == "Sent to the terminal through tmux."
    assert desk.asked == [TEXT]


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": "linux"},
        {"TERM": "dumb"},
        {"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"},
        {"TERM": "xterm-256color", "VTE_VERSION": "7600"},
        {"TERM": "screen", "STY": "1.pts-0"},
    ],
)
async def test_where_nothing_takes_it_there_is_a_file(
    desk: Desk, environ: Mapping[str, str]
) -> None:
    desk.file.write_text("an older and longer text, for everyone", encoding="utf-8")
    desk.file.chmod(0o644)
    assert await desk.copy(environ, "short") == f"No clipboard here: written to {desk.file}."
    assert desk.asked == []
    assert desk.file.read_bytes() == b"short"
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert list(desk.folder.iterdir()) == [desk.file]


async def test_a_terminal_of_unknown_kind_is_asked_and_there_is_a_file(desk: Desk) -> None:
    told = await desk.copy(UNKNOWN)
    assert told == (
        f"Sent to the terminal, which may not take it; also written to {desk.file}."
    )
    assert desk.asked == [TEXT]
    assert desk.file.read_bytes() == TEXT.encode()


async def test_a_text_too_long_for_a_terminal_is_not_called_copied(desk: Desk) -> None:
    most = OSC52_LIMIT // 4 * 3
    assert await desk.copy(KITTY, "x" * most) == "Copied through the terminal."
    told = await desk.copy(KITTY, "x" * (most + 1))
    assert told == f"Too long for the terminal's clipboard: written to {desk.file}."
    assert len(desk.asked) == 1
    assert desk.file.stat().st_size == most + 1


async def test_a_tool_takes_what_is_too_long_for_a_terminal(desk: Desk) -> None:
    desk.has("xclip", KEEPS)
    assert await desk.copy({**X, **KITTY}, "é" * 1_000_000) == "Copied with xclip."
    assert desk.kept.stat().st_size == 2_000_000


async def test_a_link_in_the_place_of_the_file_is_not_followed(
    desk: Desk, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("mine", encoding="utf-8")
    desk.file.symlink_to(other)
    (desk.folder / ".copied.txt").symlink_to(other)
    await desk.copy({"TERM": "linux"})
    assert other.read_text(encoding="utf-8") == "mine"
    assert desk.file.read_bytes() == TEXT.encode()


async def test_a_folder_that_is_not_there_is_told(desk: Desk) -> None:
    desk.folder.rmdir()
    told = await desk.copy({"TERM": "linux"})
    assert told == (
        f"No clipboard here: {desk.file} cannot be written: No such file or directory."
    )


async def test_half_a_character_does_not_break_it(desk: Desk) -> None:
    desk.has("xclip", KEEPS)
    assert await desk.copy(X, "a\ud83d") == "Copied with xclip."
    assert desk.kept.read_bytes() == b"a?"
