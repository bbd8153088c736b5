"""A real terminal, as far as the program can tell: a pty, its size, its bytes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyte


class Terminal:
    """The program in a pty, and everything it has written."""

    def __init__(
        self, process: subprocess.Popen[bytes], descriptor: int, size: tuple[int, int]
    ) -> None:
        self.process = process
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._drawing = threading.Lock()
        self._descriptor = descriptor
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> bytes:
        """Every byte the program has written."""
        return bytes(self._written)

    @property
    def text(self) -> str:
        """What a person sees now, line by line."""
        with self._drawing:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

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
        code = self.process.wait(30)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        # On Linux a pty whose other end is closed is an error, not an end.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._descriptor, 65536):
                with self._drawing:
                    self._written += chunk
                    self._stream.feed(chunk)


@contextlib.contextmanager
def terminal(
    *arguments: str, home: Path, environ: Mapping[str, str] | None = None, size: tuple[int, int]
) -> Iterator[Terminal]:
    """Run the program in a pty of `size` columns and rows, with an empty environment."""
    ours, theirs = pty.openpty()
    columns, rows = size
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", *arguments],
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
        os.close(ours)
