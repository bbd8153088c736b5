"""A thread for layouts that would block the event loop, one after another."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from tui.domain.garbage import collector_paused

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Job(Generic[T]):
    """One piece of work for the thread."""

    def __init__(self, work: Callable[[], T], on_done: Callable[[Job[T]], object]) -> None:
        self.result: T | None = None
        """The result of the work; None until it is done, and if it failed."""
        self._work = work
        self._on_done = on_done
        self._done = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait until the work is done, but not longer than this; return whether it is done."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Do the work. A failure goes to the log only: the plain text is shown instead."""
        try:
            self.result = self._work()
        except Exception:  # noqa: BLE001 - whatever it is, it is logged, and no reply is lost
            _log.exception("A message could not be laid out")
        self._done.set()
        try:
            self._on_done(self)
        except RuntimeError:
            # The app has ended meanwhile.
            _log.debug("Nobody waits for a layout any more")


class LayoutThread:
    """Does one job after another, in a daemon thread, which does not keep the program alive."""

    def __init__(self) -> None:
        self._jobs = deque[Job[object]]()
        self._lock = threading.Lock()
        self._is_running = False

    def submit(self, work: Callable[[], T], on_done: Callable[[Job[T]], object]) -> Job[T]:
        """Queue work. `on_done` is called in the thread, also if the work failed."""
        job = Job(work, on_done)
        with self._lock:
            self._jobs.append(job)  # type: ignore[arg-type]
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="layout", daemon=True).start()
        return job

    def _run(self) -> None:
        with collector_paused():
            while (job := self._next()) is not None:
                job.run()
                del job

    def _next(self) -> Job[object] | None:
        with self._lock:
            self._is_running = bool(self._jobs)
            return self._jobs.popleft() if self._jobs else None
