"""Scripts that replace the user's editor."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def script(folder: Path, body: str, name: str = "an editor") -> Path:
    """Write an editor as an executable `sh` script; `$1` is the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def python(body: str) -> str:
    """Return a command that runs Python, with the file's path in `path`."""
    code = f"import os, pathlib, sys; path = pathlib.Path(sys.argv[-1]); {body}"
    return shlex.join([sys.executable, "-c", code])
