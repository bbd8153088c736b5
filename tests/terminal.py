"""Runs the program in a pty, which it cannot tell from a real terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyte


class Terminal:
    """The program in a pty, with everything that it has written."""

    def __init__(
        self, process: subprocess.Popen[bytes], descriptor: int, size: tuple[int, int]
    ) -> None:
        self.process = process
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._drawing = threading.Lock()
        self._descriptor = descriptor
        self._written = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        """For each read: the time in monotonic seconds, and the length of the output then."""
        self.is_read = threading.Event()
        """While it is cleared, the terminal accepts no output."""
        self.is_read.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> bytes:
        """Every byte that the program has written."""
        return bytes(self._written)

    @property
    def text(self) -> str:
        """The text on the screen, line by line."""
        with self._drawing:
            return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cursor(self) -> tuple[int, int]:
        """The position of the cursor: column and row, from 0."""
        with self._drawing:
            return self._screen.cursor.x, self._screen.cursor.y

    def written_before(self, moment: float) -> bytes:
        """Return every byte written before a moment, in monotonic seconds."""
        lengths = [length for at, length in list(self._arrivals) if at <= moment]
        return bytes(self._written[: lengths[-1]]) if lengths else b""

    def resize(self, columns: int, rows: int) -> None:
        with self._drawing:
            self._screen.resize(rows, columns)
            window = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, window)
        self.process.send_signal(signal.SIGWINCH)

    def modes(self) -> list[Any]:
        """The termios attributes of the terminal."""
        return termios.tcgetattr(self._descriptor)

    def hang_up(self) -> None:
        """Close the terminal."""
        self.is_read.clear()
        os.close(self._descriptor)
        self._descriptor = -1

    def press(self, keys: str | bytes) -> None:
        os.write(self._descriptor, keys if isinstance(keys, bytes) else keys.encode())

    def until(self, condition: Callable[[], object], *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.02)

    def until_seen(self, words: str) -> None:
        self.until(lambda: words in self.text)

    def until_left(self) -> int:
        """Wait until the program has ended; return its exit code."""
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there:\n{self.text}") from None
        self._reader.join(5)
        return code

    def _read(self) -> None:
        # On Linux, reading a pty whose other end is closed is an error.
        with contextlib.suppress(OSError, ValueError):
            while chunk := self._next():
                with self._drawing:
                    self._written += chunk
                    self._arrivals.append((time.monotonic(), len(self._written)))
                    self._stream.feed(chunk)

    def _next(self) -> bytes:
        while True:
            self.is_read.wait()
            if self._descriptor < 0:
                return b""
            # Do not wait in `read`: another thread could not close it.
            if select.select([self._descriptor], [], [], 0.1)[0] and self.is_read.is_set():
                return os.read(self._descriptor, 65536)


@contextlib.contextmanager
def terminal(
    *arguments: str,
    home: Path,
    environ: Mapping[str, str] | None = None,
    size: tuple[int, int],
    shell: str = "",
) -> Iterator[Terminal]:
    """Run the program in a pty of `size` columns and rows, with an empty environment.

    `shell` holds redirections in the shell's syntax.
    """
    ours, theirs = pty.openpty()
    columns, rows = size
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$0" -m tui "$@" {shell}', sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "TERM": "xterm-256color",
            "NO_PROXY": "*",
            **(environ or {}),
        },
    )
    os.close(theirs)
    shown = Terminal(process, ours, size)
    try:
        yield shown
    finally:
        process.kill()
        process.wait()
        shown.is_read.set()
        if shown._descriptor >= 0:
            os.close(shown._descriptor)
            shown._descriptor = -1
