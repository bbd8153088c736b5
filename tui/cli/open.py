"""Opening the app, which is the main job."""

from __future__ import annotations

import argparse
import os
import sys

from tui.claude import Claude
from tui.cli import FAILED, CommandFailed
from tui.cli.ask import limits
from tui.cli.output import say
from tui.settings import Settings
from tui.store import open_store


def open_app(options: argparse.Namespace, settings: Settings) -> int:
    """Run the app until it is left, and return the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailed("The app needs a terminal. For scripts there is: ask, log")
    if os.environ.get("TERM") == "dumb":
        raise CommandFailed("The app needs a terminal that can draw; TERM says: dumb.")
    from tui.app import StreamChat
    from tui.ending import Ending

    if settings.endpoint is None or "demo" in options:
        from tui import demo

        claude, model = demo.connect(), demo.MODEL
    else:
        claude, model = Claude(settings.endpoint, limits=limits(settings)), settings.model
    with open_store(settings.db) as store:
        app = StreamChat(
            store,
            claude,
            model=model,
            theme=settings.theme,
            frames_per_second=settings.frames_per_second,
            unused_env=settings.unused_env,
            is_key_missing=settings.endpoint is None,
            log_path=settings.log,
            env_path=settings.env,
            keep_recordings_mb=settings.keep_recordings_mb,
            keys=settings.keys,
            at_once=settings.parallel_replies,
            title_model=None if claude.endpoint.is_demo else settings.title_model,
            substring_index=settings.substring_index,
            ending=Ending(),
        )
        app.run()
    if app.is_crashed:
        say(app.last_words)
        return app.return_code or FAILED
    return app.return_code or 0
