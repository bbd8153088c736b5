"""Opening the app, which is the main job."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tui.claude import Claude
from tui.cli import FAILED, CommandFailed
from tui.cli.ask import limits
from tui.cli.output import say
from tui.config import BadSetting
from tui.sanitise import whole
from tui.settings import Settings
from tui.store import open_store

if TYPE_CHECKING:
    from tui.app import StreamChat


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
        claude, model = (
            Claude(settings.endpoint, limits=limits(settings)),
            whole(settings.model),
        )
    with open_store(settings.db) as store:
        app = StreamChat(
            store,
            claude,
            model=model,
            is_model_asked_for="model" in options and not claude.endpoint.is_demo,
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
        _check_theme(settings, app.available_themes)
        app.warnings = (*settings.warnings, *_unknown_keys(settings, app))
        app.run()
    if app.is_crashed:
        say(app.last_words)
        return app.return_code or FAILED
    return app.return_code or 0


def _unknown_keys(settings: Settings, app: StreamChat) -> Iterator[str]:
    """Yield a line for each name under `[keys]` that there is not."""
    # To know all names takes the import of every screen.
    if settings.source is None or not settings.keys:
        return
    for name in app.keymap.unknown:
        at = settings.source.at(settings.key_places[name])
        known = ", ".join(app.keymap.beside(name))
        yield f"{at}: unknown key name {name!r}. Known names: {known}."


def _check_theme(settings: Settings, known: Iterable[str]) -> None:
    """Raise `BadSetting` for a theme that there is not: only the app knows which there are."""
    known = sorted(known)
    if settings.source is not None and settings.theme not in (None, *known):
        at = settings.source.at(["theme"])
        raise BadSetting(
            f"{at}: unknown theme {settings.theme!r}. Known themes: {', '.join(known)}."
        )
