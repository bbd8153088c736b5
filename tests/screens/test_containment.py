"""An exception in one widget, handler or worker stays there, and the app keeps running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from rich.traceback import Traceback
from textual import events
from textual.app import App, ComposeResult
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.widget import Widget
from textual.widgets import Static

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, delta, end, start, text
from tui.store import Store
from tui.text.markdown import CodeLeaf, Document
from tui.ui.containment import ABSENT, MAX_FAILED_KEYS, WRAPPED, ContainingApp
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.confirm import ConfirmScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.search import SearchScreen
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.entry import Entry
from tui.ui.widgets.key_footer import KeyFooter
from tui.ui.widgets.message_content import MessageContent
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

DIALOGS = [(), ("f1",), ("f2",), ("ctrl+p",), ("ctrl+f",), ("ctrl+f", "ctrl+f"), ("ctrl+o",)]
"""The keys that open each dialog or bar."""


class BrokenError(Exception):
    """Raised on purpose."""


def broken(*_: object, **__: object) -> None:
    raise BrokenError("sk-secret")


def half(hold: Hold) -> Reply:
    first, last = (delta(0, "text_delta", text=words) for words in ("so far", " end"))
    return Reply([start(), text(0)[0], first, hold, last, text(0)[1], *end()])


def widgets(app: App[None]) -> list[Widget]:
    """Return every widget on the screen, with scrollbars and toasts."""
    found: list[Widget] = [app.screen, *app.screen.query(Widget)]
    return [*found, *(bar for each in found for bar in each._get_virtual_dom())]


async def draw_anew(journey: Journey) -> None:
    for widget in widgets(journey.app):
        widget.refresh(layout=True)
    await journey.pilot.pause()


async def at_rest(journey: Journey) -> str:
    """Return the screen once drawing it anew changes nothing."""
    before = ""
    while journey.seen != before:
        before = journey.seen
        await draw_anew(journey)
    return before


async def leave_dialogs(journey: Journey) -> None:
    while len(journey.app.screen_stack) > 1:
        await journey.press("escape")
    for _ in range(2):
        await journey.press("escape")


@pytest.mark.parametrize(
    "name",
    ["render", "render_line", "get_content_width", "get_content_height"],
)
async def test_every_widget_may_fail_to_be_drawn_or_measured(
    opened: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tried: set[type[Widget]] = set()
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until_done()
        for keys in DIALOGS:
            await journey.press(*keys)
            await draw_anew(journey)
            before = await at_rest(journey)
            for kind in {type(widget) for widget in widgets(journey.app)} - tried:
                with monkeypatch.context() as patch:
                    patch.setattr(kind, name, broken)
                    await draw_anew(journey)
                    assert journey.app.is_running
                await draw_anew(journey)
                assert await at_rest(journey) == before, kind
                tried.add(kind)
            await leave_dialogs(journey)
        assert {ScrollBar, KeyFooter, Transcript, Composer} < tried
        await journey.ask("still there?")
        await journey.until(lambda: len(journey.replies) == 2)
        assert not journey.app.is_crashed


async def test_a_widget_that_cannot_be_drawn_says_so_in_its_place(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until_done()
        monkeypatch.setattr(Transcript, "render_line", broken)
        await draw_anew(journey)
        await draw_anew(journey)
        assert ABSENT in journey.seen
        assert "Ask anything" in journey.seen
        assert journey.notices == []
    # Only once, although it failed more often.
    assert caplog.text.count("Transcript.render_lines failed") == 1


async def test_a_widget_that_cannot_be_laid_out_gets_one_row(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(is_broken=True) as journey:
        monkeypatch.setattr(KeyFooter, "get_content_height", broken)
        monkeypatch.setattr(Composer, "get_content_height", broken)
        await draw_anew(journey)
        footer = journey.app.screen.query_one(KeyFooter)
        assert footer.size.height == 1
        assert journey.app.screen.query_one(Composer).outer_size.height >= 1


@pytest.mark.parametrize("dialog", [HelpScreen, SearchScreen])
@pytest.mark.parametrize("name", ["compose", "on_mount"])
async def test_a_dialog_that_cannot_be_opened_is_closed_and_reported(
    opened: Open, monkeypatch: pytest.MonkeyPatch, dialog: type[Screen[object]], name: str
) -> None:
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until_done()
        monkeypatch.setattr(dialog, name, broken, raising=False)
        await journey.press("f1" if dialog is HelpScreen else "ctrl+f")
        if dialog is SearchScreen:
            await journey.press("ctrl+f")
        await journey.until(lambda: journey.notices)
        await journey.until(lambda: len(journey.app.screen_stack) == 1)
        assert "An internal error occurred" in journey.seen
        await leave_dialogs(journey)
        await journey.ask("again")
        await journey.until(lambda: len(journey.replies) == 2)


@pytest.mark.parametrize("kind", [KeyFooter, Sidebar, Static, Transcript, Composer])
@pytest.mark.parametrize("name", ["compose", "on_mount", "on_show", "on_resize"])
async def test_the_app_runs_without_a_widget_that_fails_to_start(
    opened: Open, monkeypatch: pytest.MonkeyPatch, kind: type[Widget], name: str
) -> None:
    monkeypatch.setattr(kind, name, broken, raising=False)
    async with opened(is_broken=True) as journey:
        assert journey.app.is_running
        monkeypatch.undo()
        await journey.pilot.resize_terminal(100, 30)
        await journey.pilot.pause()
        await journey.ask("hi")
        await journey.until(lambda: journey.replies == ["Hello there"])


async def test_a_handler_that_fails_is_reported_once_and_the_widget_works_on(
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.go_to_messages()
        with monkeypatch.context() as patch:
            patch.setattr(MessageContent, "source", property(broken))
            for _ in range(2 * MAX_FAILED_KEYS):
                await journey.press("y")
        log = journey.app._settings.log
        assert journey.notices == [f"An internal error occurred; {log} has the details."]
        assert "sk-secret" not in journey.seen
        assert "Traceback" not in journey.seen
        await journey.press("y")
        await journey.until(lambda: len(journey.notices) > 1)
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize(
    "where", ["message", "timer", "call_later", "call_next", "after refresh", "idle", "worker"]
)
async def test_a_running_reply_continues_to_its_end_wherever_the_app_fails(
    opened: Open, monkeypatch: pytest.MonkeyPatch, server: Scripted, where: str
) -> None:
    hold = Hold()
    server.will(half(hold))
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        fail(journey.app, where, monkeypatch)
        await journey.until(lambda: journey.app.failures)
        await journey.until(lambda: journey.notices)
        hold.release()
        await journey.until_done()
        (_, reply) = await journey.line()
        assert (reply.state, reply.text) == ("complete", "so far end")
        assert journey.replies == ["so far end"]


def fail(app: App[None], where: str, patch: pytest.MonkeyPatch) -> None:
    chat = app.screen
    match where:
        case "message":
            chat.post_message(events.Callback(callback=broken))
        case "timer":
            chat.set_timer(0.01, broken)
        case "call_later":
            chat.call_later(broken)
        case "call_next":
            chat.call_next(broken)
        case "after refresh":
            chat.call_after_refresh(broken)
        case "idle":
            patch.setattr(ChatScreen, "on_idle", fail_once(patch), raising=False)
            chat.check_idle()
        case _:
            chat.run_worker(_fail(), exit_on_error=True)


async def _fail() -> None:
    await asyncio.sleep(0)
    broken()


def fail_once(patch: pytest.MonkeyPatch) -> Callable[[Widget], None]:
    def on_idle(_: Widget) -> None:
        patch.undo()
        broken()

    return on_idle


async def test_keys_that_the_app_cannot_take_end_it_in_the_end(
    opened: Open, monkeypatch: pytest.MonkeyPatch, server: Scripted, store: Store
) -> None:
    server.will(half(Hold()))
    with pytest.raises(BrokenError):  # noqa: PT012 - Textual raises it as the app ends
        async with opened(is_broken=True) as journey:
            await journey.ask("hi")
            await journey.until(lambda: "so far" in journey.seen)
            monkeypatch.setattr(App, "_check_bindings", broken)
            for _ in range(MAX_FAILED_KEYS - 1):
                await journey.press("x")
            assert not journey.app.is_crashed
            await journey.press("x")
            await journey.until(lambda: not journey.app.is_running)
    assert journey.app.return_code == 1
    (conversation,) = await store.conversations(limit=1)
    (_, reply) = await store.read_path(conversation.tip_id)
    assert (reply.state, reply.text) == ("interrupted", "so far")


async def test_a_flood_of_failures_ends_the_app(opened: Open) -> None:
    def again() -> None:
        app.call_later(again)
        broken()

    with pytest.raises(BrokenError):  # noqa: PT012 - Textual raises it as the app ends
        async with opened(is_broken=True) as journey:
            app = journey.app
            app.call_later(again)
            await journey.until(lambda: app.is_crashed)
    assert app.return_code == 1


async def test_leaving_that_fails_leaves_all_the_same(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BrokenError):  # noqa: PT012 - Textual raises it as the app ends
        async with opened(is_broken=True) as journey:
            monkeypatch.setattr(journey.app.session.scheduler, "stop_all", broken)
            await journey.press("ctrl+q")
            await journey.until(lambda: not journey.app.is_running)
    assert journey.app.return_code == 1


async def test_textuals_output_at_the_end_goes_to_the_log(
    opened: Open, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012 - Textual raises it as the app ends
        async with opened(is_broken=True) as journey:
            try:
                broken()
            except BrokenError:
                # The thread that reads the keys does this when it dies.
                journey.app.call_later(journey.app.panic, Traceback())
            await journey.until(lambda: not journey.app.is_running)
    assert journey.app.return_code == 1
    assert "BrokenError" in caplog.text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["compose", "on_mount"])
async def test_without_its_chat_the_app_ends_and_not_with_success(
    opened: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ChatScreen, name, broken)
    apps: list[ContainingApp] = []
    crash = ContainingApp.crash

    def crash_and_tell(app: ContainingApp, error: Exception) -> None:
        apps.append(app)
        crash(app, error)

    monkeypatch.setattr(ContainingApp, "crash", crash_and_tell)
    with pytest.raises(BrokenError):
        async with opened(is_broken=True):
            pass
    assert apps[0].return_code == 1


async def test_a_confirmation_that_cannot_be_opened_is_an_answer_of_no(
    opened: Open, monkeypatch: pytest.MonkeyPatch, server: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold))
    monkeypatch.setattr(ConfirmScreen, "compose", broken)
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        await journey.press("ctrl+q")
        await journey.until(lambda: journey.app.failures)
        hold.release()
        await journey.until_done()
        assert journey.replies == ["so far end"]


# Textual without our changes


class Fragile(App[None]):
    """A plain Textual app."""

    def compose(self) -> ComposeResult:
        yield Static("text")


@pytest.mark.parametrize("name", ["render_line", "get_content_height", "on_mount"])
async def test_textual_itself_still_ends_at_an_exception(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # If it does not end the app any more, `tui/ui/containment.py` is no longer needed.
    monkeypatch.setattr(Static, name, broken, raising=False)
    with pytest.raises(BrokenError):
        async with Fragile().run_test() as pilot:
            await pilot.pause()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        *((owner, name) for owner, name, _ in WRAPPED),
        (MessagePump, "_dispatch_message"),
        (App, "_handle_exception"),
        (App, "panic"),
        (App, "_display"),
        (App, "_close_messages_no_wait"),
    ],
)
def test_textual_still_has_what_is_overridden(owner: type[object], name: str) -> None:
    assert callable(getattr(owner, name))


# A message that breaks Markdown's layout


def break_for(patch: pytest.MonkeyPatch, kind: type[object], name: str, words: str) -> None:
    """Make a method fail if its object or its arguments contain some words."""
    whole = getattr(kind, name)

    def failing(self: object, *args: object, **kwargs: object) -> object:
        if words in str(getattr(self, "source", "")):
            raise BrokenError
        return whole(self, *args, **kwargs)

    patch.setattr(kind, name, failing)


@pytest.mark.parametrize(
    "broken", [(Document, "flush"), (Document, "finish"), (CodeLeaf, "height")]
)
async def test_a_message_that_cannot_be_laid_out_is_shown_as_it_was_written(
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    server: Scripted,
    broken: tuple[type[object], str],
) -> None:
    hold = Hold()
    words = "the **bad** one\n\n```py\nbad = 1\n```\n\n", "the end"
    first, last = (delta(0, "text_delta", text=each) for each in words)
    server.will(Reply([start(), text(0)[0], first, hold, last, text(0)[1], *end()]))
    break_for(monkeypatch, *broken, "bad")
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until(lambda: "bad" in journey.seen)
        hold.release()
        await journey.until_done()
        await journey.until(lambda: "the end" in journey.seen)
        await journey.ask("again")
        await journey.until(lambda: "Hello there" in journey.seen)
        assert journey.replies == ["".join(words), "Hello there"]
    # Opened again, when it is parsed as a whole.
    async with opened(is_broken=True) as journey:
        await journey.until(lambda: "Hello there" in journey.seen)
        assert "bad = 1" in journey.seen
        assert "the end" in journey.seen


async def test_a_row_that_cannot_be_drawn_leaves_the_others(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(is_broken=True) as journey:
        await journey.ask("hi")
        await journey.until_done()
        row = Entry.row

        def fail_for_the_first(entry: Entry, index: int, width: int) -> object:
            if entry.content.source == "hi" and index == 1:
                raise BrokenError
            return row(entry, index, width)

        monkeypatch.setattr(Entry, "row", fail_for_the_first)
        journey.transcript._strips.clear()
        await draw_anew(journey)
        assert ABSENT in journey.seen
        assert "You " in journey.seen
        assert "Hello there" in journey.seen
