"""Programs in a pty: what they write, when they write it, and how much CPU they take.

The output is not drawn, because that would take more time than it measures. So the words
to wait for must be words that the program paints in one piece.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

COLUMNS, ROWS = 120, 40
CTRL_Q, CTRL_U, ENTER = "\x11", "\x15", "\r"
PATIENCE = 60.0
"""Most seconds to wait for anything."""


class Recording:
    """A program in a pty, with its output and the time of each piece."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.written = bytearray()
        self._process = process
        self._descriptor = descriptor
        self._ends: list[int] = []
        """The length of the output after each read; `_times` has the times."""
        self._times: list[float] = []
        self._clock = ctypes.c_int()
        assert not ctypes.CDLL(None).clock_getcpuclockid(process.pid, ctypes.byref(self._clock))

    @property
    def cpu(self) -> float:
        """The CPU seconds of the program since it was forked."""
        return time.clock_gettime(self._clock.value)

    @property
    def resident(self) -> float:
        """The program's resident memory, in megabytes."""
        return self._memory("VmRSS")

    @property
    def most_resident(self) -> float:
        """The program's peak memory, in megabytes."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) / 1000 for line in lines.splitlines() if name in line)

    def press(self, keys: str) -> None:
        left = keys.encode()
        while left:
            # The pty takes only a little of a long paste at a time.
            if select.select([], [self._descriptor], [], 0.01)[1]:
                left = left[os.write(self._descriptor, left[:1024]) :]
            if left:
                self._read(0)

    def watch(self, seconds: float) -> None:
        """Record the output for some seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def until(self, words: str, *, since: int = 0) -> float:
        """Record until words appear after the byte `since`; return when that was."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.written.find(words.encode(), since)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{words!r} was not painted"
            self._read(left)
        return self._times[bisect_right(self._ends, at + len(words.encode()) - 1)]

    def until_idle(self) -> None:
        """Record until the program takes hardly any CPU, or the time is up."""
        deadline = time.monotonic() + PATIENCE
        began = -1.0
        # The ticks of a probe alone take 2 % of a core.
        while self.cpu - began > 0.025 and time.monotonic() < deadline:
            began = self.cpu
            self.watch(0.5)

    def until_left(self) -> None:
        """Quit the program, and wait until it has ended."""
        self.press(CTRL_Q)
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < deadline, "it does not quit"
            self._read(0.1)

    def type(self, keys: str, every: float) -> list[float]:
        """Type keys, `every` seconds apart; return the seconds from each key to its paint.

        Each key must be a character that is painted nowhere else.
        """
        pressed = []
        due = time.monotonic()
        for key in keys:
            pressed.append((time.monotonic(), len(self.written)))
            self.press(key)
            due += every
            self.watch(due - time.monotonic())
        return [
            self.until(key, since=since) - moment
            for key, (moment, since) in zip(keys, pressed, strict=True)
        ]

    def _read(self, seconds: float) -> None:
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:
            # On Linux, reading a pty whose other end is closed is an error.
            self._process.wait(PATIENCE)
            return
        self.written += chunk
        self._ends.append(len(self.written))
        self._times.append(time.monotonic())


@contextmanager
def recording(module: str, *arguments: str, home: Path, **environ: str) -> Iterator[Recording]:
    """Run a module in a pty, with an empty environment."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "NO_PROXY": "*",
            **environ,
        },
    )
    os.close(theirs)
    try:
        yield Recording(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@contextmanager
def new_home(config: str = "") -> Iterator[Path]:
    """Yield a home folder that holds only a `config.toml`."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        path = home / ".config" / "streamchat" / "config.toml"
        path.parent.mkdir(parents=True)
        path.write_text(config, encoding="utf-8")
        yield home


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile of the values."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def told(latencies: list[float]) -> str:
    """Format latencies in milliseconds, as p50/p95/max."""
    figures = (percentile(latencies, 50), percentile(latencies, 95), max(latencies))
    return "/".join(f"{1000 * figure:.0f}" for figure in figures)
