"""Gives the app our terminal driver and the filter of every line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter

from tui.ui.widgets.control_filter import ControlFilter


class TerminalApp(App[None]):
    """An app that reads the terminal with our driver, and writes no control characters."""

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver for this system; for a Unix terminal our corrected one."""
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from tui.terminal.driver import TerminalDriver

            return TerminalDriver
        return found

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the filter that removes control characters from every drawn line."""
        return [*super().get_line_filters(), ControlFilter()]
