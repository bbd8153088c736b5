"""Edits a text in the user's own editor, which gets the terminal meanwhile.

The text is in a file that only the user can read, in a temporary folder. What the editor
writes beside it, such as backups, is removed together with the folder.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType

try:
    import termios as _termios
except ImportError:  # Windows
    termios: ModuleType | None = None
else:
    termios = _termios

VARIABLES = ("VISUAL", "EDITOR")
"""The variables that name the editor; the first one that is set counts."""

DEFAULT = "vi"

PATIENCE = 0.4
"""Seconds that the editor gets to end when this program ends."""


class EditorFailed(Exception):
    """A text was not edited. The message is one line that says why."""


class ExternalEditor:
    """The editor that the environment names."""

    def __init__(self, environ: Mapping[str, str], hidden: Collection[str]) -> None:
        self._environ = environ
        self._hidden = frozenset(hidden)
        """The variables that the editor does not get, because they hold keys."""
        self._folder: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def command(self) -> Sequence[str]:
        """The editor and its arguments. Raises `EditorFailed`."""
        for name in VARIABLES:
            if given := self._environ.get(name, "").strip():
                break
        else:
            return (DEFAULT,)
        if self._found(given):
            # A path with blanks in it.
            return (given,)
        try:
            return shlex.split(given)
        except ValueError as error:
            raise EditorFailed(f"${name} cannot be read: {error}.") from error

    async def edit(self, text: str) -> str:
        """Return the text as the user saved it, without one line feed at its end.

        The terminal must be free. Raises `EditorFailed`.
        """
        command = self.command
        if not command or not self._found(command[0]):
            name = command[0] if command else "The editor"
            raise EditorFailed(f"{name} was not found. Set $VISUAL or $EDITOR to an editor.")
        try:
            # Not in a thread: what it has created must be known when this is cancelled.
            self._folder = folder = Path(tempfile.mkdtemp(prefix="streamchat-"))
        except OSError as error:
            raise EditorFailed(f"No file can be created for the editor: {error}.") from error
        try:
            path, written = folder / "prompt.md", text.encode("utf-8", "replace")
            await asyncio.to_thread(_write, path, written)
            await self._run(command, path)
            saved = await asyncio.to_thread(path.read_bytes)
            return text if saved == written else _text_of(saved)
        except (OSError, UnicodeDecodeError) as error:
            raise EditorFailed(f"The text could not be edited: {error}.") from error
        finally:
            # Not in a thread either: a program that ends does not wait for its threads.
            self._remove_files()

    def abandon(self) -> None:
        """Kill the editor, if one is open, and remove its files. Any thread may do this."""
        if (process := self._process) is not None:
            with suppress(ProcessLookupError):
                process.kill()
        self._remove_files()

    def _remove_files(self) -> None:
        if (folder := self._folder) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            self._folder = None

    def _found(self, name: str) -> str | None:
        return shutil.which(name, path=self._environ.get("PATH"))

    async def _run(self, command: Sequence[str], path: Path) -> None:
        environ = {k: v for k, v in self._environ.items() if k not in self._hidden}
        name = Path(command[0]).name
        with _restored_terminal():
            process = await asyncio.create_subprocess_exec(*command, str(path), env=environ)
            self._process = process
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    await _end(process)
                self._process = None
        if code:
            raise EditorFailed(f"{name} {_exit_words(code)}: your text has not changed.")


def _exit_words(code: int) -> str:
    """Return how a program with this exit code ended; a negative code is a signal."""
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def _write(path: Path, content: bytes) -> None:
    # Another user must not open it, not even while it is empty.
    path.touch(0o600, exist_ok=False)
    path.write_bytes(content)


def _text_of(saved: bytes) -> str:
    text = saved.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n")


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


@contextmanager
def _restored_terminal() -> Generator[None]:
    """Restore the terminal's modes at the end, and ignore Ctrl+C until then.

    Keys that interrupt the editor must not end this program.
    """
    with ExitStack() as restored:
        if termios is not None and sys.__stdin__ is not None and sys.__stdin__.isatty():
            descriptor = sys.__stdin__.fileno()
            with suppress(termios.error):
                modes = termios.tcgetattr(descriptor)
                restored.callback(_restore, termios, descriptor, modes)
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGQUIT"):
                if (signum := getattr(signal, name, None)) is not None:
                    # Not SIG_IGN, which the editor would inherit.
                    before = signal.signal(signum, lambda *_: None)
                    restored.callback(signal.signal, signum, before or signal.SIG_DFL)
        yield


def _restore(terminal: ModuleType, descriptor: int, modes: list[object]) -> None:
    # An editor that was killed may have left the terminal raw, with another foreground
    # process group.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        with suppress(OSError):
            os.tcsetpgrp(descriptor, os.getpgrp())
        with suppress(terminal.error):
            terminal.tcsetattr(descriptor, terminal.TCSADRAIN, modes)
    finally:
        signal.signal(signal.SIGTTOU, before or signal.SIG_DFL)
