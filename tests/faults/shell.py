"""Runs the program from a shell, in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Shell:
    """A shell with a home, a history and an environment."""

    folder: Path
    history: Path
    environ: dict[str, str]

    def on_terminal(self, *arguments: str) -> bytes:
        """Run a command with a terminal as its output; return every byte of it."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=self.folder,
            env=self.environ,
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            # Linux reports EIO when the last user of the terminal is gone.
            pass
        finally:
            os.close(ours)
            process.wait(30)
        return shown
