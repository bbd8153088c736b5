"""What the app does at its start: warnings, and work that waits for the first screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from tui.chat import changes, known_models
from tui.chat.connections import Connections
from tui.chat.preparing import prepare
from tui.chat.pricing import price_pending
from tui.chat.purge_schedule import PurgeSchedule
from tui.chat.session import Session
from tui.config.loading import Flags
from tui.config.profiles import Profiles
from tui.config.settings import Settings
from tui.text.sanitise import clean_line
from tui.ui.preload import preload

MOST_WARNINGS = 3
"""At most so many warnings about the settings are shown in the app."""


def format_warnings(warnings: Sequence[str]) -> str:
    """Return a short notice of what is wrong with the settings; `doctor` shows it all."""
    # Without the lists of known names: two of these would cover a small window.
    lines = [clean_line(each.partition(" Known ")[0]) for each in warnings]
    if len(lines) > MOST_WARNINGS:
        lines[MOST_WARNINGS:] = [f"{len(lines) - MOST_WARNINGS} more."]
    return "\n".join([*lines, "For details, run: streamchat-tui doctor"] if lines else [])


def unread_key(settings: Settings) -> str:
    """Return a line about a key in the current folder that was not read; "" without one."""
    if (unused := settings.unused_env) is None:
        return ""
    line = f"{unused} holds a key that was not read."
    return f"{line} To use it: streamchat-tui --env-file {unused}"


def profiles_of(settings: Settings) -> Profiles:
    """Return the profiles of the files that settings were read from."""
    return Profiles(Flags(config=settings.config, env_file=settings.env_file))


class Preparation:
    """Does the work for which the first screen does not wait."""

    def __init__(
        self,
        session: Session,
        connections: Connections,
        purges: PurgeSchedule,
        *,
        keep_recordings_mb: int,
        run: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[[str], object],
    ) -> None:
        self._session = session
        self._connections = connections
        self._purges = purges
        self._keep_recordings_mb = keep_recordings_mb
        self._run = run
        """Runs work for which nobody waits."""
        self._tell = tell
        """Tells the user why a step failed."""

    def begin(self) -> None:
        """Start the steps. One that fails does not stop the others."""
        store, session = self._session.store, self._session
        trim = partial(store.recordings.trim, self._keep_recordings_mb * 1_000_000)
        self._do(
            store.recover,
            session.restore_last,
            self._purges.purge,
            self._preload,
            trim,
            store.back_up,
        )

    def back_up(self) -> None:
        """Back up the history, unless that was done today."""
        self._do(self._session.store.back_up)

    def _do(self, *steps: Callable[[], Awaitable[object]]) -> None:
        self._run(prepare(steps, self._tell))

    async def _preload(self) -> None:
        await asyncio.to_thread(preload)
        # A step of its own: work on the history must not wait for a slow endpoint.
        self._do(self._connect)
        self._do(partial(price_pending, self._session.store, self._connections.pricing))

    async def _connect(self) -> None:
        await known_models.connect(self._session.store, self._connections.current)
        self._session.publish(changes.ModelsListed())
