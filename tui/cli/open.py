"""Opening the app, when no command is given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from tui.cli.app_settings import save_theme, unknown_keys, unknown_theme
from tui.cli.connecting import connect
from tui.cli.exit_codes import FAILED, CommandFailed
from tui.cli.output import say
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.profiles import Profiles
from tui.config.settings import Settings
from tui.store import open_store

if TYPE_CHECKING:
    from tui.ui.app import StreamChat


def open_app(settings: Settings, flags: Flags) -> int:
    """Run the app until the user quits, and return the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailed("The app needs a terminal. In a script, use ask or log.")
    from tui.terminal.shutdown import Shutdown
    from tui.ui.app import StreamChat
    from tui.ui.themes import known_themes

    connections, settings = connect(settings, flags)
    with open_store(settings.db) as store:
        app = StreamChat(
            store,
            connections,
            settings,
            keep_theme=partial(save_theme, settings.config),
            shutdown=Shutdown(),
            profiles=Profiles(flags),
        )
        if unknown := unknown_theme(settings, known_themes()):
            raise BadSetting(unknown)
        app.warnings = (
            *([settings.keyring_problem] if settings.keyring_problem else []),
            *settings.warnings,
            *_unknown_keys(settings, app),
        )
        app.run()
    if app.is_crashed:
        say(app.last_words)
        return app.return_code or FAILED
    return app.return_code or 0


def _unknown_keys(settings: Settings, app: StreamChat) -> Iterator[str]:
    for line, fix in unknown_keys(settings, app.keymap):
        yield f"{line} {fix}"
