"""An exception in one widget stays in that widget.

Textual 8.2.8 ends the program at any exception, wherever it comes from. Here, a widget
that cannot be drawn shows a short text instead. A widget that cannot be laid out gets
one row. A handler that fails is logged, and the user is told. A worker that fails ends
alone. The program ends only if nothing would work any more, with an exit code other
than 0.

Textual has no hook for this, and its own widgets (footer, scrollbars, toasts) may fail
too. So this module wraps Textual's methods, with an effect only on its own apps.
`tests/screens/test_containment.py` fails if Textual no longer has one of them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from functools import wraps
from pathlib import Path
from time import monotonic
from traceback import walk_tb
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._context import active_app, active_message_pump
from textual.app import App
from textual.box_model import BoxModel
from textual.geometry import Region, Size, Spacing
from textual.layout import DockArrangeResult
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import OptionList, TextArea
from textual.worker import NoActiveWorker, WorkerFailed, get_current_worker

_log = logging.getLogger(__name__)

W = TypeVar("W", bound=Widget)

ABSENT = "× not drawn; the log says why"
"""Shown instead of a widget that cannot be drawn."""

MAX_FAILED_KEYS = 5
"""The app ends when it has failed to handle this many keys in a row."""

FLOOD, FLOOD_SECONDS = 1000, 5.0
"""The app ends at this many exceptions in this many seconds: nothing else gets to run."""

TELL_EVERY = 5.0
"""Least seconds between two notices about failures."""

LEAVING = "quit"
"""The group of the workers that quit the app. If one of them fails, the app crashes."""


class ContainingApp(App[None]):
    """An app that keeps running when one of its widgets, handlers or workers fails."""

    def __init__(self) -> None:
        wrap_textual()
        super().__init__()
        self.failures: list[str] = []
        """The contained failures: one entry for each place in the code."""
        self.is_crashed = False
        """Whether the app ends because of an error."""
        self._known_places: set[str] = set()
        self._failed_at: deque[float] = deque(maxlen=FLOOD)
        self._notified_at = -TELL_EVERY
        self._keys_failed = 0

    def notify_failure(self) -> None:
        """Tell the user that something failed. The log has the details."""

    def leave_crashed(self) -> None:
        """End the app after a crash. A subclass saves first what it can."""
        self._close_messages_no_wait()

    def contain(self, what: str, error: Exception, *, is_notified: bool = True) -> None:
        """Keep running after an exception. Log and report it the first time only."""
        now = monotonic()
        self._failed_at.append(now)
        place = f"{what}: {_place(error)}"
        if place not in self._known_places:
            self._known_places.add(place)
            self.failures.append(place)
            _log.error("%s failed; the app continues", what, exc_info=error)
            if is_notified and self._running and now - self._notified_at >= TELL_EVERY:
                self._notified_at = now
                self.notify_failure()
        if len(self._failed_at) == FLOOD and now - self._failed_at[0] < FLOOD_SECONDS:
            self.crash(error)

    def crash(self, error: Exception) -> None:
        """End the app: after this exception nothing would work."""
        # Textual's test harness raises this again.
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        was_crashed, self.is_crashed = self.is_crashed, True
        _log.critical("the app crashed", exc_info=error)
        if was_crashed or not self._running:
            # It crashed while it was ending, or before it ran.
            self._close_messages_no_wait()
        else:
            self.leave_crashed()

    def panic(self, *renderables: RenderableType) -> None:
        """End the app when Textual gives up. What Textual would print goes to the log."""
        with self.console.capture() as shown:
            self.console.print(*renderables)
        _log.critical("Textual gave up: %s", shown.get())
        self.crash(RuntimeError("Textual gave up"))

    def _handle_exception(self, error: Exception) -> None:
        """Handle an exception for which Textual would end the app."""
        pump = active_message_pump.get(None)
        is_starting = not self._dom_ready and pump in (None, self, _root(self))
        if isinstance(error, WorkerFailed):
            self._worker_failed(error.error)
        elif self.is_crashed or is_starting or not (self._running or self._exit):
            self.crash(error)
        else:
            self.contain(_named(pump), error)
            _close_if_broken(pump)

    def _worker_failed(self, error: BaseException) -> None:
        failed = error if isinstance(error, Exception) else RuntimeError(repr(error))
        try:
            group = get_current_worker().group
        except NoActiveWorker:
            group = ""
        if group == LEAVING:
            self.crash(failed)
        else:
            self.contain("a worker", failed)

    def _handler_failed(self, pump: MessagePump, message: Message, error: Exception) -> bool:
        """Keep running after a message handler failed; return False if that is no use."""
        is_first = isinstance(message, events.Load | events.Compose | events.Mount)
        if is_first and pump in (self, _root(self)):
            return False
        if isinstance(message, events.Key) and pump is self:
            self._keys_failed += 1
            if self._keys_failed == MAX_FAILED_KEYS:
                self.crash(error)
                return True
        self.contain(f"{_named(pump)}, {type(message).__name__}", error)
        if is_first:
            _close_if_broken(pump)
        return True

    def _handled(self, pump: MessagePump, message: Message) -> None:
        if self._keys_failed and pump is self and isinstance(message, events.Key):
            self._keys_failed = 0


def _root(app: App[None]) -> Screen[Any] | None:
    """Return the lowest screen, without which there is no app."""
    stack = app._screen_stacks.get(app._current_mode)  # noqa: SLF001 - `screen_stack` raises
    return stack[0] if stack else None


def _close_if_broken(pump: MessagePump | None) -> None:
    """Close a dialog that could not be opened: it would only be in the way."""
    if isinstance(pump, Screen) and not pump.is_mounted and pump is not _root(pump.app):
        pump.app.call_later(_close, pump)


def _close(screen: Screen[Any]) -> None:
    if screen.is_current:
        screen.dismiss(None)


def _named(pump: MessagePump | None) -> str:
    """Return a widget's name for the log. It holds none of the user's text."""
    if pump is None:
        return "the app"
    name = getattr(pump, "id", None)
    return type(pump).__name__ + (f"#{name}" if name else "")


def _place(error: BaseException) -> str:
    """Return the type of an exception, and the file and line that raised it."""
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return type(error).__name__
    frame, line = frames[-1]
    return f"{type(error).__name__} at {Path(frame.f_code.co_filename).name}:{line}"


def _containing(pump: MessagePump) -> ContainingApp | None:
    """Return the app of a widget, if it is one of this module's."""
    app = pump if isinstance(pump, App) else active_app.get(None)
    return app if isinstance(app, ContainingApp) else None


# What a wrapped method returns when the original fails


def _no_rows(widget: Widget, crop: Region) -> list[Strip]:
    dim = Style(dim=True)
    width = widget.outer_size.width
    rows = [Strip([Segment(ABSENT, dim)]).adjust_cell_length(width, dim)]
    rows += [Strip.blank(width)] * max(0, crop.bottom - 1)
    return [row.crop(crop.x, crop.right) for row in rows[crop.y : crop.bottom]]


def _no_row(widget: Widget, y: int) -> Strip:  # noqa: ARG001 - Textual's signature
    dim, width = Style(dim=True), widget.size.width
    return Strip([Segment(ABSENT, dim)]).adjust_cell_length(width, dim)


def _one_row(  # noqa: PLR0917 - Textual's signature
    widget: Widget,
    container: Size,
    viewport: Size,
    width_fraction: Fraction,
    height_fraction: Fraction,
    constrain_width: bool = False,  # noqa: FBT001, FBT002, ARG001
    greedy: bool = True,  # noqa: FBT001, FBT002, ARG001
) -> BoxModel:
    styles, margin = widget.styles, widget.styles.margin
    width, height = Fraction(max(0, container.width - margin.width)), Fraction(1)
    if styles.width is not None and styles.width.is_fraction:
        width = styles.width.resolve(container - margin.totals, viewport, width_fraction)
    if styles.height is not None and styles.height.is_fraction:
        height = styles.height.resolve(container - margin.totals, viewport, height_fraction)
    return BoxModel(width, height, margin)


def _no_children(*_: object, **__: object) -> DockArrangeResult:
    return DockArrangeResult([], set(), Spacing())


def _is_resized(*_: object, **__: object) -> bool:
    return True


WRAPPED: tuple[tuple[type[Widget], str, Callable[..., Any]], ...] = (
    (Widget, "render_lines", _no_rows),
    (OptionList, "render_lines", _no_rows),
    (TextArea, "render_lines", _no_rows),
    (Widget, "_get_box_model", _one_row),
    (Widget, "arrange", _no_children),
    (Screen, "arrange", _no_children),
    (Widget, "_size_updated", _is_resized),
)
"""Textual's methods that draw or lay out one widget, each with its replacement."""


def row_contained(render_line: Callable[[W, int], Strip]) -> Callable[[W, int], Strip]:
    """Wrap `render_line`, so that a row that fails leaves the other rows alone."""
    return _contained(render_line, "render_line", _no_row)


def rows_contained(
    render_lines: Callable[[W, Region], list[Strip]],
) -> Callable[[W, Region], list[Strip]]:
    """Wrap `render_lines`, so that a widget that fails leaves the others alone."""
    return _contained(render_lines, "render_lines", _no_rows)


def wrap_textual() -> None:
    """Wrap Textual's methods, so that the apps of this module contain what fails.

    A second call does nothing.
    """
    for owner, name, fallback in WRAPPED:
        original = owner.__dict__[name]
        if not hasattr(original, "__wrapped__"):
            setattr(owner, name, _contained(original, name, fallback))
    dispatch = MessagePump.__dict__["_dispatch_message"]
    if not hasattr(dispatch, "__wrapped__"):
        setattr(MessagePump, "_dispatch_message", _contained_handler(dispatch))  # noqa: B010 - a method


def _contained(
    original: Callable[..., Any], name: str, fallback: Callable[..., Any]
) -> Callable[..., Any]:
    @wraps(original)
    def contained(widget: Widget, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(widget, *args, **kwargs)
        except Exception as error:
            app = _containing(widget)
            if app is None:
                raise
            app.contain(f"{_named(widget)}.{name}", error, is_notified=False)
            return fallback(widget, *args, **kwargs)

    return contained


def _contained_handler(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def contained(pump: MessagePump, message: Message) -> None:
        app = _containing(pump)
        try:
            await original(pump, message)
        except Exception as error:
            if app is None or not app._handler_failed(pump, message, error):  # noqa: SLF001
                raise
        else:
            if app is not None:
                app._handled(pump, message)  # noqa: SLF001

    return contained
