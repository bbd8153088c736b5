"""Text put on the clipboard, by the first way that works here.

What has not been seen to work is not called copied: a terminal never answers whether
it took a text, so it is believed only where its kind is known to. A text that no way
can be trusted with is written to a file, and the reader told where.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui.emulator import Emulator, emulator

PATIENCE = 2.0
"""How long a tool may take, in seconds."""
OSC52_LIMIT = 74_000
"""How much terminals take at once, in bytes of base64; most drop what is longer."""

_TAKES = {
    *(Emulator.ALACRITTY, Emulator.FOOT, Emulator.GHOSTTY, Emulator.ITERM),
    *(Emulator.KITTY, Emulator.WEZTERM, Emulator.WINDOWS),
}
"""What takes a text by OSC 52 as it is delivered."""
_TAKES_NOT = {
    *(Emulator.APPLE, Emulator.CONSOLE, Emulator.DUMB, Emulator.SCREEN, Emulator.VTE),
}
"""What ignores it, or writes it over the screen."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """A program that puts on the clipboard what it reads."""

    command: tuple[str, ...]
    done: str
    """What is true when it has done so."""
    encoding: str = "utf-8"
    environ: Mapping[str, str] = field(default_factory=dict)
    """What it needs beside the environment."""


async def copy(
    text: str,
    *,
    osc52: Callable[[str], None],
    environ: Mapping[str, str],
    folder: Path,
    platform: str = sys.platform,
) -> str:
    """Put `text` on the clipboard, and return one line that says how.

    `text` must be clean of what can drive a terminal. `osc52` asks the terminal;
    `folder` is where `copied.txt` is written if nothing is known to work. Raises nothing
    that a missing clipboard, a broken tool or a full disk could cause.
    """
    for tool in _tools(environ, platform):
        if await _is_taken(tool, text, environ):
            return tool.done
    kind = emulator(environ)
    # Base64 makes four bytes of three.
    is_short = (len(text.encode("utf-8", "replace")) + 2) // 3 * 4 <= OSC52_LIMIT
    if kind in _TAKES_NOT or not is_short:
        why = "No clipboard here" if is_short else "Too long for the terminal's clipboard"
        return f"{why}: {await asyncio.to_thread(_written, text, folder)}"
    osc52(text)
    if kind in _TAKES:
        return "Copied through the terminal."
    if kind is Emulator.TMUX:
        return "Sent to the terminal through tmux."
    where = await asyncio.to_thread(_written, text, folder)
    return f"Sent to the terminal, which may not take it; also {where}"


def files(folder: Path) -> tuple[Path, Path]:
    """Return where a text is written that no clipboard takes, and where it is on the way."""
    return folder / "copied.txt", folder / ".copied.txt"


def _tools(environ: Mapping[str, str], platform: str) -> Iterator[_Tool]:
    """Yield what is installed and meant for where the reader sits, the best first."""
    for tool in _possible(environ, platform):
        if path := shutil.which(tool.command[0], path=environ.get("PATH", "")):
            yield _Tool((path, *tool.command[1:]), tool.done, tool.encoding, tool.environ)


def _possible(environ: Mapping[str, str], platform: str) -> Iterator[_Tool]:
    if environ.get("WAYLAND_DISPLAY"):
        yield _Tool(("wl-copy", "--type", "text/plain;charset=utf-8"), "Copied with wl-copy.")
    if environ.get("DISPLAY"):
        yield _Tool(("xclip", "-selection", "clipboard"), "Copied with xclip.")
        yield _Tool(("xsel", "--clipboard", "--input"), "Copied with xsel.")
    # Over ssh these would fill the clipboard of a machine that nobody sits at.
    if not (environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")):
        if platform == "darwin":
            # Without it, pbcopy takes the text for Mac Roman.
            utf8 = {"LC_CTYPE": "UTF-8"}
            yield _Tool(("pbcopy",), "Copied with pbcopy.", environ=utf8)
        if platform == "win32" or environ.get("WSL_DISTRO_NAME"):
            # It takes UTF-8 for the code page of the console.
            yield _Tool(("clip.exe",), "Copied with clip.exe.", encoding="utf-16-le")
    if environ.get("TMUX"):
        # -w hands it on to the terminal, unless tmux's set-clipboard is off.
        done = "Copied to tmux, and sent to the terminal."
        yield _Tool(("tmux", "load-buffer", "-w", "-"), done)


async def _is_taken(tool: _Tool, text: str, environ: Mapping[str, str]) -> bool:
    """Run a tool on a text, and tell whether it said in time that all is well."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *tool.command,
            stdin=asyncio.subprocess.PIPE,
            # What stays behind to serve the clipboard must hold nothing of ours.
            stdout=nowhere,
            stderr=nowhere,
            env={**environ, **tool.environ},
            # Neither Ctrl+C nor the end of the terminal may take the clipboard along.
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate(text.encode(tool.encoding, "replace"))
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            _kill(process)
            await process.wait()
    return process.returncode == 0


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process with all it has started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        process.kill()


def _written(text: str, folder: Path) -> str:
    """Write `copied.txt` for its owner's eyes, and return where, or why not."""
    path, fresh = files(folder)
    try:
        # Made anew and renamed, so that it follows no link and is never half a text.
        fresh.unlink(missing_ok=True)
        made = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(made, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}."
    return f"written to {path}."
