"""Copies text to the clipboard, in the first way that works here.

The program says "copied" only if it is sure. A terminal never answers whether it accepted a
text, so only terminals that are known to do it count. Without a sure way, the text is also
written to a file, and the notice says where.
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

from tui.terminal.emulator import Emulator, emulator

PATIENCE = 2.0
"""Seconds that a tool may take."""
OSC52_LIMIT = 74_000
"""The longest text for OSC 52, in bytes of base64. Most terminals drop a longer one."""

_SUPPORTS_OSC52 = {
    *(Emulator.ALACRITTY, Emulator.FOOT, Emulator.GHOSTTY, Emulator.ITERM),
    *(Emulator.KITTY, Emulator.WEZTERM, Emulator.WINDOWS),
}
"""Terminals that support OSC 52 in their default settings."""
_LACKS_OSC52 = {
    *(Emulator.APPLE, Emulator.CONSOLE, Emulator.DUMB, Emulator.SCREEN, Emulator.VTE),
}
"""Terminals that ignore OSC 52, or print it on the screen."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """A program that copies its standard input to the clipboard."""

    command: tuple[str, ...]
    done: str
    """The notice after success; `{what}` is replaced by the name of the text."""
    encoding: str = "utf-8"
    environ: Mapping[str, str] = field(default_factory=dict)
    """Additional variables for its environment."""


async def copy(
    text: str,
    *,
    what: str,
    osc52: Callable[[str], None],
    environ: Mapping[str, str],
    folder: Path,
    platform: str = sys.platform,
) -> str:
    """Copy `text` to the clipboard, and return one line that says how.

    `what` names the text in that line, for example "the message". `text` must not contain
    control sequences. `osc52` sends a text to the terminal. `folder` is for `copied.txt`,
    which is written if no way is sure. Does not raise for a missing clipboard, a broken tool
    or a full disk.
    """
    for tool in _tools(environ, platform):
        if await _runs_well(tool, text, environ):
            return tool.done.format(what=what)
    kind = emulator(environ)
    # Base64 encodes three bytes as four.
    is_short = (len(text.encode("utf-8", "replace")) + 2) // 3 * 4 <= OSC52_LIMIT
    if kind in _LACKS_OSC52 or not is_short:
        why = "No clipboard here" if is_short else "Too long for the terminal's clipboard"
        return f"{why}: {what} is {await asyncio.to_thread(_written, text, folder)}"
    osc52(text)
    if kind in _SUPPORTS_OSC52:
        return f"Copied {what} through the terminal."
    if kind is Emulator.TMUX:
        return f"Sent {what} to the terminal through tmux."
    where = await asyncio.to_thread(_written, text, folder)
    return f"Sent {what} to the terminal, which may not take it; also {where}"


def files(folder: Path) -> tuple[Path, Path]:
    """Return the file for a text that cannot be copied, and its temporary file."""
    return folder / "copied.txt", folder / ".copied.txt"


def _tools(environ: Mapping[str, str], platform: str) -> Iterator[_Tool]:
    """Yield the installed tools for the user's own clipboard, the best first."""
    for tool in _possible(environ, platform):
        if path := shutil.which(tool.command[0], path=environ.get("PATH", "")):
            yield _Tool((path, *tool.command[1:]), tool.done, tool.encoding, tool.environ)


def _possible(environ: Mapping[str, str], platform: str) -> Iterator[_Tool]:
    if environ.get("WAYLAND_DISPLAY"):
        yield _Tool(
            ("wl-copy", "--type", "text/plain;charset=utf-8"), "Copied {what} with wl-copy."
        )
    if environ.get("DISPLAY"):
        yield _Tool(("xclip", "-selection", "clipboard"), "Copied {what} with xclip.")
        yield _Tool(("xsel", "--clipboard", "--input"), "Copied {what} with xsel.")
    # Over ssh, these would use the clipboard of the remote machine.
    if not (environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")):
        if platform == "darwin":
            # Without this variable, pbcopy assumes Mac Roman.
            utf8 = {"LC_CTYPE": "UTF-8"}
            yield _Tool(("pbcopy",), "Copied {what} with pbcopy.", environ=utf8)
        if platform == "win32" or environ.get("WSL_DISTRO_NAME"):
            # clip.exe would read UTF-8 in the code page of the console.
            yield _Tool(("clip.exe",), "Copied {what} with clip.exe.", encoding="utf-16-le")
    if environ.get("TMUX"):
        # -w also sends it to the terminal, unless tmux's set-clipboard is off.
        done = "Copied {what} to tmux, and sent it to the terminal."
        yield _Tool(("tmux", "load-buffer", "-w", "-"), done)


async def _runs_well(tool: _Tool, text: str, environ: Mapping[str, str]) -> bool:
    """Run a tool with a text; return whether it succeeded in time."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *tool.command,
            stdin=asyncio.subprocess.PIPE,
            # xclip and others stay in the background, and must not keep our files open.
            stdout=nowhere,
            stderr=nowhere,
            env={**environ, **tool.environ},
            # So Ctrl+C or the end of the terminal does not end such a process.
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
    """Kill a process and its children."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        process.kill()


def _written(text: str, folder: Path) -> str:
    """Write `copied.txt`, readable only for its owner; return where, or why not."""
    path, temporary = files(folder)
    try:
        # Create a new file and rename it: so it follows no link and is never incomplete.
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        return f"not copied, {path} cannot be written: {error.strerror}."
    return f"written to {path}."
