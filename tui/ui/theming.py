"""Chooses the theme: the user's, or the one of our two that suits the terminal.

`auto` follows the terminal's background whenever the terminal reports it. A theme that
the user chooses while the app runs is passed to `KeepTheme`, if the app was given one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property

from textual import on, work
from textual.app import App

from tui.terminal.background import BackgroundReported
from tui.ui.themes import AUTO, DARK, LIGHT

KeepTheme = Callable[[str], str]
"""Saves a theme's name for the next start; returns why it could not, or ""."""


class ThemedApp(App[None]):
    """An app that follows its terminal until the user chooses a theme."""

    _is_following = False
    """Whether the terminal's background decides."""
    _is_terminal_dark = True
    """What the terminal reported last; dark if it never reports."""
    _followed = ""
    """The theme that was set to follow the terminal."""
    _keep_theme: KeepTheme | None = None

    @cached_property
    def _keeping(self) -> asyncio.Lock:
        return asyncio.Lock()

    def search_themes(self) -> None:
        """Let the user choose one of all themes. Ctrl+Q would not quit in Textual's dialog."""
        from tui.ui.screens.actions import theme_choice

        self.push_screen(theme_choice())

    def start_theme(self, name: str | None, keep: KeepTheme | None) -> None:
        """Start with a theme; follow the terminal if the name is None or unknown."""
        for known in (DARK, LIGHT):
            self.register_theme(known)
        if name in self.available_themes:
            self.theme = name
        else:
            self._follow()
        # From now on, a change is the user's choice.
        self._keep_theme = keep

    def refresh_css(self, animate: bool = True) -> None:  # noqa: FBT001, FBT002 - Textual's
        """Apply the colours of the present theme."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            # No style sheet is parsed yet, and the first theme is no reason to parse them.
            self.stylesheet.set_variables(self.get_css_variables())

    def set_background(self, *, is_dark: bool) -> None:
        """Note whether the terminal's background is dark, and follow it."""
        self._is_terminal_dark = is_dark
        if self._is_following:
            self._follow()

    @on(BackgroundReported)
    def _take_background(self, event: BackgroundReported) -> None:
        self.set_background(is_dark=event.is_dark)

    def action_change_shade(self) -> None:
        """Change from the light theme to the dark one, or back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_follow_terminal(self) -> None:
        """Let the terminal's background decide between the two themes."""
        self._follow()
        self._keep(AUTO)

    def _follow(self) -> None:
        self._is_following = True
        self._followed = DARK.name if self._is_terminal_dark else LIGHT.name
        self.theme = self._followed

    def watch_theme(self, theme: str) -> None:
        """Save a theme that the user chose."""
        if not (self._is_following and theme == self._followed):
            self._is_following = False
            self._keep(theme)

    def _keep(self, name: str) -> None:
        if self._keep_theme is not None:
            self._keep_with(self._keep_theme, name)

    @work(group="theme")
    async def _keep_with(self, keep: KeepTheme, name: str) -> None:
        # One at a time, so that the last choice is the one that is saved.
        async with self._keeping:
            problem = await asyncio.to_thread(keep, name)
        if problem:
            self.notify(problem, severity="warning", timeout=10, markup=False)
