"""`python -m tui`, and the `streamchat-tui` command."""

from __future__ import annotations

import logging
import os
import sys

from tui.domain.garbage import collect_seldom


def main() -> None:
    """Run the program and exit with its exit code."""
    collect_seldom()
    try:
        from tui.cli import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    _leave(code)


def _leave(code: int) -> None:
    """End the program without waiting for threads: everything is on disk.

    One may be importing the SDK, which takes two seconds.
    """
    logging.shutdown()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        code = code or 1
    os._exit(code)


if __name__ == "__main__":
    main()
