"""Runs commands in this process, for tests that run many of them."""

from __future__ import annotations

import io
import logging
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from tests.test_cli import Done
from tui.cli import run


def run_here(history: Path, *arguments: str) -> Done:
    """Run a command as a shell would, with nothing on stdin."""
    root, mask = logging.getLogger(), os.umask(0)
    handlers, level = root.handlers[:], root.level
    out, err, nothing = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(3))
    try:
        with redirect_stdout(out), redirect_stderr(err), patch("sys.stdin", nothing):
            code = run([*arguments, "--db", str(history)])
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        os.umask(mask)
    out.seek(0)
    err.seek(0)
    return Done(code, out.read(), err.read())
