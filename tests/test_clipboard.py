"""A text is copied to the clipboard, or the user is told where it is instead."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from tui.terminal.clipboard import OSC52_LIMIT, copy

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


class Machine:
    """A machine with fake clipboard tools, and a terminal that records OSC 52."""

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
            what="it",
            osc52=self.asked.append,
            environ={"PATH": str(self.tools), "KEPT": str(self.kept), **environ},
            folder=self.folder,
            platform=platform,
        )
        assert len(told.splitlines()) == 1
        return told

    @property
    def words(self) -> str:
        """The arguments of the tool."""
        return Path(f"{self.kept}.words").read_text(encoding="utf-8").strip()

    @property
    def file(self) -> Path:
        return self.folder / "copied.txt"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("name", "environ", "platform", "words"),
    [
        ("wl-copy", WAYLAND, "linux", "--type text/plain;charset=utf-8"),
        ("xclip", X, "linux", "-selection clipboard"),
        ("xsel", X, "linux", "--clipboard --input"),
        ("pbcopy", {}, "darwin", ""),
    ],
)
async def test_the_desktops_own_tool_gets_the_text(
    machine: Machine, name: str, environ: Mapping[str, str], platform: str, words: str
) -> None:
    machine.has(name, KEEPS)
    assert (
        await machine.copy({**environ, **KITTY}, platform=platform) == f"Copied it with {name}."
    )
    assert machine.kept.read_bytes() == TEXT.encode()
    assert machine.words == words
    assert machine.asked == []


@pytest.mark.parametrize(("environ", "platform"), [(WSL, "linux"), ({}, "win32")])
async def test_windows_is_given_what_it_reads_without_guessing(
    machine: Machine, environ: Mapping[str, str], platform: str
) -> None:
    machine.has("clip.exe", KEEPS)
    assert await machine.copy(environ, platform=platform) == "Copied it with clip.exe."
    assert machine.kept.read_bytes().decode("utf-16-le") == TEXT


async def test_macos_is_told_the_encoding(machine: Machine) -> None:
    machine.has("pbcopy", 'cat > /dev/null; echo "$LC_CTYPE" > "$KEPT"')
    await machine.copy({"LC_CTYPE": "C"}, platform="darwin")
    assert machine.kept.read_text(encoding="utf-8") == "UTF-8\n"


async def test_tmux_hands_it_on(machine: Machine) -> None:
    machine.has("tmux", KEEPS)
    assert await machine.copy(TMUX) == "Copied it to tmux, and sent it to the terminal."
    assert machine.kept.read_bytes() == TEXT.encode()
    assert machine.words == "load-buffer -w -"


async def test_a_tool_of_another_desktop_is_left_alone(machine: Machine) -> None:
    for name in ("wl-copy", "xclip", "xsel", "pbcopy", "clip.exe", "tmux"):
        machine.has(name, KEEPS)
    assert await machine.copy(KITTY) == "Copied it through the terminal."
    assert not machine.kept.exists()


@pytest.mark.parametrize(
    ("name", "environ", "platform"), [("pbcopy", {}, "darwin"), ("clip.exe", WSL, "linux")]
)
async def test_over_ssh_the_far_machine_is_not_meant(
    machine: Machine, name: str, environ: Mapping[str, str], platform: str
) -> None:
    machine.has(name, KEEPS)
    told = await machine.copy({**environ, **SSH, **KITTY}, platform=platform)
    assert told == "Copied it through the terminal."
    assert not machine.kept.exists()


async def test_after_a_tool_that_fails_the_next_is_tried(machine: Machine) -> None:
    machine.has("wl-copy", "exit 1")
    machine.has("xclip", "cat > /dev/null; exit 3")
    machine.has("xsel", KEEPS)
    assert await machine.copy({**WAYLAND, **X}) == "Copied it with xsel."
    assert machine.kept.read_bytes() == TEXT.encode()


async def test_a_tool_that_cannot_be_started_is_passed_over(machine: Machine) -> None:
    machine.has("wl-copy", "")
    (machine.tools / "wl-copy").write_bytes(b"#!/nowhere/at/all\n")
    assert await machine.copy({**WAYLAND, **KITTY}) == "Copied it through the terminal."


async def test_a_tool_that_hangs_is_killed_and_the_loop_is_not_blocked(
    machine: Machine,
) -> None:
    # It starts another process, and does not read a text larger than a pipe.
    machine.has("xclip", 'exec 3> "$KEPT"; sleep 600 & wait')
    os.mkfifo(machine.kept)
    alive = os.open(machine.kept, os.O_RDONLY | os.O_NONBLOCK)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn())
    told = await machine.copy({**X, **KITTY}, "x" * 200_000)
    turning.cancel()
    assert told == f"Too long for the terminal's clipboard: it is written to {machine.file}."
    assert turns > 100
    # The pipe ends only when all processes that had it open are gone.
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""
    os.close(alive)


async def test_a_tool_that_stays_to_serve_the_clipboard_is_not_waited_for(
    machine: Machine,
) -> None:
    machine.has("wl-copy", 'cat > "$KEPT"; sleep 600 & echo $! > "$KEPT.pid"')
    assert await machine.copy(WAYLAND) == "Copied it with wl-copy."
    serving = int(Path(f"{machine.kept}.pid").read_text(encoding="utf-8"))
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
    machine: Machine, environ: Mapping[str, str]
) -> None:
    assert await machine.copy(environ) == "Copied it through the terminal."
    assert machine.asked == [TEXT]
    assert not machine.file.exists()


async def test_in_tmux_the_notice_claims_only_what_is_known(machine: Machine) -> None:
    assert await machine.copy(TMUX) == "Sent it to the terminal through tmux."
    assert machine.asked == [TEXT]


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
async def test_without_a_clipboard_the_text_is_saved_as_a_file(
    machine: Machine, environ: Mapping[str, str]
) -> None:
    machine.file.write_text("an older and longer text, for everyone", encoding="utf-8")
    machine.file.chmod(0o644)
    assert (
        await machine.copy(environ, "short")
        == f"No clipboard here: it is written to {machine.file}."
    )
    assert machine.asked == []
    assert machine.file.read_bytes() == b"short"
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o600
    assert list(machine.folder.iterdir()) == [machine.file]


async def test_a_terminal_of_unknown_kind_is_asked_and_there_is_a_file(
    machine: Machine,
) -> None:
    told = await machine.copy(UNKNOWN)
    assert told == (
        f"Sent it to the terminal, which may not take it; also written to {machine.file}."
    )
    assert machine.asked == [TEXT]
    assert machine.file.read_bytes() == TEXT.encode()


async def test_a_text_too_long_for_a_terminal_is_not_called_copied(machine: Machine) -> None:
    most = OSC52_LIMIT // 4 * 3
    assert await machine.copy(KITTY, "x" * most) == "Copied it through the terminal."
    told = await machine.copy(KITTY, "x" * (most + 1))
    assert told == f"Too long for the terminal's clipboard: it is written to {machine.file}."
    assert len(machine.asked) == 1
    assert machine.file.stat().st_size == most + 1


async def test_a_tool_takes_what_is_too_long_for_a_terminal(machine: Machine) -> None:
    machine.has("xclip", KEEPS)
    assert await machine.copy({**X, **KITTY}, "é" * 1_000_000) == "Copied it with xclip."
    assert machine.kept.stat().st_size == 2_000_000


async def test_a_link_in_the_place_of_the_file_is_not_followed(
    machine: Machine, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("mine", encoding="utf-8")
    machine.file.symlink_to(other)
    (machine.folder / ".copied.txt").symlink_to(other)
    await machine.copy({"TERM": "linux"})
    assert other.read_text(encoding="utf-8") == "mine"
    assert machine.file.read_bytes() == TEXT.encode()


async def test_a_missing_folder_is_reported(machine: Machine) -> None:
    machine.folder.rmdir()
    told = await machine.copy({"TERM": "linux"})
    assert told == (
        f"No clipboard here: it is not copied, {machine.file} cannot be written:"
        " No such file or directory."
    )


async def test_half_a_character_does_not_break_it(machine: Machine) -> None:
    machine.has("xclip", KEEPS)
    assert await machine.copy(X, "a\ud83d") == "Copied it with xclip."
    assert machine.kept.read_bytes() == b"a?"
