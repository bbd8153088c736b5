"""The sidebar on a real history of any length, as the user sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from tests.conftest import wait_until
from tests.screens.conftest import Open
from tests.test_conversation_list import DAY, HOUR, NOW_MS, Run, StillClock, fill, place
from tui.domain.conversation_list import PAGE, ConversationSummary, Group, Listing, Page
from tui.store import Store, open_store
from tui.ui.widgets.conversation_marks import Mark
from tui.ui.widgets.sidebar import Sidebar

LONG = [Run(NOW_MS - HOUR, 500), Run(NOW_MS - 3 * DAY, 500), Run(NOW_MS - 50 * DAY, 500)]


class Counting(Sidebar):
    """A sidebar that counts the rows it draws."""

    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class Showing(App[None]):
    """An app with a sidebar, which reads pages for it."""

    CSS = "Sidebar { width: 34; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.sidebar = Counting()
        self.chosen: list[str] = []
        self.wanted: list[Sidebar.PageWanted] = []
        self.is_giving = True

    def compose(self) -> ComposeResult:
        yield self.sidebar

    async def read(self) -> None:
        sidebar = self.sidebar
        sidebar.show(
            await self.store.listing(cursor_id=sidebar.cursor_id, anchor=sidebar.place)
        )

    @on(Sidebar.PageWanted)
    async def give(self, event: Sidebar.PageWanted) -> None:
        self.wanted.append(event)
        page = await self.store.page(event.listing, event.start)
        if self.is_giving and page is not None:
            self.sidebar.give(page, event.listing)

    @on(Sidebar.Chosen)
    def choose(self, event: Sidebar.Chosen) -> None:
        self.chosen.append(event.conversation_id)

    @property
    def rows(self) -> list[str]:
        """The drawn rows, with white space collapsed."""
        lines = self.screen._compositor.render_strips()
        return [" ".join(strip.text.lstrip("▌").split()).rstrip(" ▁▂▃▄▅▆▇█") for strip in lines]


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        place(monkeypatch, "UTC")
        yield


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with open_store(history, StillClock()) as store:
        yield store


def change(history: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(history)) as connection:
        connection.execute(sql, values)
        connection.commit()


def shown(names: Sequence[str], age: str) -> list[str]:
    return [f"title {name} {age}" for name in names]


async def ready(app: Showing, pilot: Pilot[None]) -> None:
    await app.read()
    app.sidebar.focus()
    await pilot.pause()


async def test_the_list_is_drawn_below_its_headings(store: Store, history: Path) -> None:
    pinned = Run(NOW_MS - 90 * DAY, is_pinned=True)
    names = fill(history, [pinned, Run(NOW_MS), Run(NOW_MS - DAY), Run(NOW_MS - 400 * DAY)])
    app = Showing(store)
    async with app.run_test(size=(34, 12)) as pilot:
        assert app.rows[0] == "Loading…"
        await ready(app, pilot)
        assert app.rows == [
            "Pinned",
            f"title {names[0]} 12w",
            "",
            "Today",
            f"title {names[1]} now",
            "",
            "Yesterday",
            f"title {names[2]} 1d",
            "",
            "October 2025",
            f"title {names[3]} 1y",
            "",
        ]


async def test_an_empty_history_says_so(store: Store) -> None:
    app = Showing(store)
    async with app.run_test() as pilot:
        await ready(app, pilot)
        assert app.rows[0] == "No conversations yet"
        await pilot.press("down", "pagedown", "end", "home", "enter")
        await pilot.click(Sidebar, offset=(3, 0))
        assert app.chosen == []


@pytest.mark.parametrize("key", ["j", "pagedown"])
async def test_every_conversation_comes_by_in_its_order(
    store: Store, history: Path, key: str
) -> None:
    names = fill(history, [Run(NOW_MS - HOUR, 120), Run(NOW_MS - 50 * DAY, 20)])
    app = Showing(store)
    async with app.run_test(size=(34, 10)) as pilot:
        await ready(app, pilot)
        seen: list[str] = []
        while len(seen) < len(names) and len(seen) == len(set(seen)):
            seen += [row for row in app.rows if row.startswith("title") and row not in seen]
            await pilot.press(*[key] * (8 if key == "j" else 1))
        assert seen == shown(names[:120], "1h") + shown(names[120:], "7w")
        assert not app.sidebar.show_horizontal_scrollbar


async def test_end_and_enter_choose_the_last_one_before_it_is_there(
    store: Store, history: Path
) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        app.is_giving = False
        await pilot.press("end", "enter")
        await pilot.pause()
        assert app.rows[-1] == "…"
        assert app.chosen == []
        for event in app.wanted:
            page = await store.page(event.listing, event.start)
            assert page is not None
            app.sidebar.give(page, event.listing)
        await pilot.pause()
        assert app.rows[-1] == f"title {names[-1]} 7w"
        assert app.chosen == [names[-1]]
        await pilot.press("home", "k")
        assert app.rows[:2] == ["Today", f"title {names[0]} 1h"]


async def test_the_mouse_chooses_what_it_points_at(store: Store, history: Path) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        await pilot.click(Sidebar, offset=(5, 0))
        assert app.chosen == []
        await pilot.hover(Sidebar, offset=(5, 3))
        await pilot.click(Sidebar, offset=(5, 3))
        assert app.chosen == [names[2]]
        app.sidebar.scroll_to(y=10, animate=False)
        await pilot.pause()
        await pilot.click(Sidebar, offset=(5, 3))
        assert app.chosen[1:] == [names[12]]


async def test_a_mark_is_drawn_without_the_other_rows(store: Store, history: Path) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    marks: Mapping[str, Mark] = {
        names[0]: "streaming",
        names[1]: "retrying",
        names[900]: "unread",
    }
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        app.sidebar.drawn = 0
        app.sidebar.mark(marks)
        await pilot.pause()
        assert app.sidebar.drawn == 2
        assert app.rows[1:3] == [f"● title {names[0]} 1h", f"↻ title {names[1]} 1h"]
        app.sidebar.mark(dict(marks))
        app.sidebar.mark({**marks, names[0]: "unread"})
        await pilot.pause()
        assert app.sidebar.drawn == 3
        assert app.rows[1] == f"✓ title {names[0]} 1h"


async def test_a_failed_reply_is_marked_until_another_mark_replaces_it(store: Store) -> None:
    app = Showing(store)
    found = ConversationSummary("a", "a", NOW_MS, tip_state="cut_off")
    async with app.run_test(size=(34, 20)) as pilot:
        group = replace(one_group(), count=1)
        page = Page(0, (found,))
        app.sidebar.show(Listing((group,), (), NOW_MS, (page,)))
        await pilot.pause()
        assert app.rows[1] == "✗ a now"
        app.sidebar.mark({"a": "streaming"})
        await pilot.pause()
        assert app.rows[1] == "● a now"


def one_group() -> Group:
    return Group(0, 1, is_pinned=False, since_ms=NOW_MS - HOUR, until_ms=NOW_MS + HOUR)


@pytest.mark.parametrize("key", ["cursor", "top"])
async def test_visible_rows_stay_in_place_when_others_move_to_the_top(
    store: Store, history: Path, key: str
) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        await pilot.press("end")
        await wait_until(lambda: app.rows[-1].endswith("7w"))
        await pilot.press(*["up"] * 10)
        if key == "top":
            app.sidebar.blur()
            await pilot.pause()
        before = app.rows
        for moved in (names[-1], names[700], names[3]):
            change(history, "UPDATE conversations SET updated_ms = ? WHERE id = ?",
                   NOW_MS, moved)  # fmt: skip
        await app.read()
        await pilot.pause()
        # The last row of the list is gone; the rows above it have not moved.
        assert app.rows[:-1] == before[:-1] or app.rows[1:] == before[:-1]
        assert app.sidebar.cursor_id == names[-11]


async def test_the_row_under_the_cursor_keeps_its_place_when_one_above_it_goes(
    store: Store, history: Path
) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        await pilot.press(*["pagedown"] * 10, *["up"] * 5)
        cursor = names.index(app.sidebar.cursor_id or "")
        line = app.rows.index(f"title {names[cursor]} 1h")
        for gone in names[cursor - 3 : cursor]:
            change(history, "DELETE FROM conversations WHERE id = ?", gone)
        await app.read()
        await pilot.pause()
        assert app.rows[line : line + 3] == shown(names[cursor : cursor + 3], "1h")
        assert app.rows[line - 1] == f"title {names[cursor - 4]} 1h"


async def test_the_cursor_goes_with_its_conversation_and_outlives_it(
    store: Store, history: Path
) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        await pilot.press(*["down"] * 6)
        change(
            history, "UPDATE conversations SET updated_ms = ? WHERE id = ?", NOW_MS, names[5]
        )
        await app.read()
        await pilot.press("enter", "down", "enter")
        assert app.chosen == [names[5], names[0]]
        change(history, "DELETE FROM conversations WHERE id = ?", names[0])
        await app.read()
        await pilot.press("enter")
        assert app.chosen[2:] == [names[1]]


async def test_an_opened_conversation_is_scrolled_into_view(
    store: Store, history: Path
) -> None:
    names = fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        app.sidebar.open(names[800])
        await app.read()
        await pilot.pause()
        assert f"title {names[800]} 3d" in app.rows
        app.sidebar.scroll_to(y=0, animate=False)
        await app.read()
        await pilot.pause()
        assert app.rows[0] == "Today"
        app.sidebar.open("not kept yet")
        await app.read()
        await pilot.press("down", "enter")
        assert app.chosen == [names[0]]


async def test_a_page_of_a_former_list_is_not_shown(store: Store, history: Path) -> None:
    fill(history, LONG)
    app = Showing(store)
    async with app.run_test(size=(34, 20)) as pilot:
        await ready(app, pilot)
        former = await store.listing()
        page = await store.page(former, 4 * PAGE)
        assert page is not None
        app.sidebar.give(replace(page, start=0), former)
        await pilot.pause()
        assert app.rows[1].endswith("1h")


@pytest.mark.parametrize("width", [6, 12, 33])
@pytest.mark.parametrize(
    "title",
    [
        "[/nope] [@click=app.quit]x[/]",
        "\x1b]52;c;aGk=\x07\x9b31m\n",
        "漢字" * 20,
        "👩‍👩‍👧" * 9,
        "",
    ],
)
async def test_any_title_takes_one_row_and_drives_nothing(
    store: Store, history: Path, title: str, width: int
) -> None:
    fill(history, [Run(NOW_MS, 2)])
    change(history, "UPDATE conversations SET title = ?", title)
    app = Showing(store)
    app.sidebar.styles.width = width
    async with app.run_test(size=(60, 20)) as pilot:
        await ready(app, pilot)
        for y in range(5):
            text = app.sidebar.render_line(y).text
            assert cell_len(text) == width
            assert text.isprintable() or "\u200d" in text
        if width > 12:
            assert app.rows[1].endswith("now")


async def test_the_cursor_is_seen_when_the_drawer_opens(
    opened: Open, store: Store, history: Path
) -> None:
    names = fill(history, LONG)
    async with opened(size=(60, 24)) as journey:
        await journey.press(*["alt+down"] * 30)
        await journey.until(lambda: journey.title == f"title {names[29]}")
        await journey.press("ctrl+s", "tab")
        await journey.until(lambda: f"title {names[29]} 1h" in journey.sidebar)
        await journey.press("pagedown", "enter")
        await journey.until(lambda: journey.title != f"title {names[29]}")
        assert len(await store.conversations(limit=2)) == 2


async def test_the_app_lists_a_long_history_to_its_end(
    opened: Open,
    history: Path,
) -> None:
    names = fill(history, LONG)
    async with opened() as journey:
        await journey.until(lambda: "Today" in journey.sidebar)
        await journey.press("ctrl+s", "tab", "end", "enter")
        await journey.until(lambda: journey.title == f"title {names[-1]}")
        await journey.press("alt+up")
        await journey.until(lambda: journey.title == f"title {names[-2]}")
        assert journey.sidebar[-1] == f"title {names[-1]} 7w"


async def test_after_a_filter_that_matched_nothing_the_cursor_is_where_one_reads(
    opened: Open, store: Store
) -> None:
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.press("ctrl+s", *"zzz")
        await journey.until(lambda: journey.sidebar == ["No title matches"])
        # There is nothing under the cursor, so nothing is deleted.
        await journey.press("tab", "x")
        await journey.press("slash", "escape")
        await journey.until(lambda: "first now" in journey.sidebar)
        await journey.press("tab", "p")
        await journey.until(lambda: "Pinned" in journey.sidebar)
        assert [each.is_pinned for each in await store.conversations()] == [True]


async def test_the_reason_for_an_empty_list_is_updated(opened: Open) -> None:
    async with opened() as journey:
        await journey.until(lambda: "No conversations yet" in journey.seen)
        await journey.press("ctrl+s", "tab", "A")
        await journey.until(lambda: "The archive is empty" in journey.seen)
        await journey.press("slash", "z")
        await journey.until(lambda: "No title matches" in journey.seen)
