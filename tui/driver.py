"""Textual's driver for terminals, mended where it is continued after a stop.

Only what is wrong in Textual 8.2.8 is here; the rest is its own.
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Is started once, however often the program is continued.

    SIGSTOP cannot be caught. At the SIGCONT after it Textual starts a second time what
    was never stopped: two threads then read what is typed, so that leaving may wait
    for one more key, and the raw terminal is taken for the one to be given back.
    """

    _is_started = False

    def start_application_mode(self) -> None:
        """Take the terminal, giving it back first if it is held already."""
        if self._is_started:
            self.suspend_application_mode()
        before = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # In the background it may not be taken, and nothing was started.
        self._is_started = self._writer_thread is not before

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        super().stop_application_mode()
        self._is_started = False
