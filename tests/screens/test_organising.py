"""The keys of the list: pin, archive, tag, mark, delete, undo and rename."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.command import CommandPalette

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tests.turns import ask, on_disk
from tui.config.commands import COMMANDS
from tui.store import Store
from tui.ui.bindings import every_key
from tui.ui.screens.choice import ChoiceScreen
from tui.ui.screens.line import LineScreen
from tui.ui.screens.search import SearchScreen
from tui.ui.screens.tree import TreeScreen
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.sidebar import Sidebar


async def three(store: Store) -> None:
    """Save conversations named Three, Two and One; Three is the newest."""
    for title in ("One", "Two", "Three"):
        await ask(store, title)


async def go_to_list(journey: Journey, *rows: str) -> None:
    """Wait until the list has these rows; go to the first one."""
    await until_listed(journey, *rows)
    await journey.press("ctrl+s", "tab", "home")
    assert isinstance(journey.app.focused, Sidebar)


async def until_listed(journey: Journey, *rows: str) -> None:
    """Wait until the list has exactly these rows, without their ages."""
    await journey.until(lambda: listed(journey) == list(rows))


def listed(journey: Journey) -> list[str]:
    return [row.removesuffix(" now") for row in journey.sidebar if row]


ALL = ("Today", "Three", "Two", "One")


async def type_tags(journey: Journey, *keys: str) -> None:
    """Open the field for tags, and type instead of its text."""
    await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
    await journey.press("end", "ctrl+u", *keys)
    await journey.until(lambda: not isinstance(journey.app.screen, LineScreen))


async def test_p_pins_a_conversation_and_again_takes_it_off(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("j", "p")
        await until_listed(journey, "Pinned", "Two", "Today", "Three", "One")
        # The cursor moved with it.
        await journey.press("p")
        await until_listed(journey, *ALL)
        await journey.press("p")
        await until_listed(journey, "Pinned", "Two", "Today", "Three", "One")
    assert [found.is_pinned for found in await store.conversations()].count(True) == 1


async def test_a_archives_and_from_the_archive_brings_back(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("j", "a")
        await until_listed(journey, "Today", "Three", "One")
        assert "Archived: 1 conversation · A show the archive" in journey.notices
        await journey.press("A")
        await until_listed(journey, "Today", "Two")
        assert "Archive · A show the list" in " ".join(journey.seen.split())
        await journey.press("home", "a")
        await until_listed(journey, "The archive is empty")
        assert "Moved back to the list: 1 conversation" in journey.notices
        await journey.press("A")
        await until_listed(journey, *ALL)


async def test_esc_goes_from_the_archive_back_to_the_list(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("A")
        await until_listed(journey, "The archive is empty")
        await journey.press("escape")
        await until_listed(journey, *ALL)


async def test_archived_conversations_can_be_filtered_and_opened(
    opened: Open, store: Store
) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("space", "space", "a")
        await until_listed(journey, "Today", "One")
        await journey.press("A")
        await until_listed(journey, "Today", "Three", "Two")
        await journey.press("slash", *"tw", "down")
        await until_listed(journey, "Today", "Two")
        await journey.press("enter")
        await journey.until(lambda: journey.title == "Two")


async def test_t_gives_tags_and_the_filter_finds_them(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("t")
        await type_tags(journey, *"#Work, home", "enter")
        await journey.press("j", "t")
        # The existing tags are visible while the user types.
        await journey.until(lambda: "Known: #home #work" in journey.seen)
        await type_tags(journey, *"work", "enter")
        await journey.press("slash", *"#work")
        await until_listed(journey, "Today", "Three", "Two")
        await journey.press("backspace", "backspace", "backspace", "backspace", *"home")
        await until_listed(journey, "Today", "Three")
        await journey.press("escape")
        await until_listed(journey, *ALL)
    (newest, *_) = await store.conversations()
    assert await store.labels.tags(newest.id) == ("home", "work")


async def test_tags_are_taken_off_by_typing_none_and_esc_leaves_them(
    opened: Open, store: Store
) -> None:
    await three(store)
    (newest, *_) = await store.conversations()
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("t")
        await type_tags(journey, *"work", "enter")
        await journey.press("t")
        await type_tags(journey, *"other", "escape")
        assert await store.labels.tags(newest.id) == ("work",)
        await journey.press("t")
        await type_tags(journey, "enter")
        await journey.until(lambda: on_tags(store) == 0)


def on_tags(store: Store) -> int:
    (row,) = on_disk(store.threads.path, "SELECT count(*) FROM tags")
    return int(row[0])


async def test_space_marks_several_and_x_deletes_them_and_u_brings_all_back(
    opened: Open, store: Store
) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        # Mark some, and remove one of the marks.
        await journey.press("space", "space", "space", "k", "space")
        assert listed(journey) == ["Today", "■ Three", "Two", "■ One"]
        await journey.press("x")
        await until_listed(journey, "Today", "Two")
        assert "Deleted 2 conversations · u or Ctrl+Z undo" in journey.notices
        await journey.press("u")
        await until_listed(journey, *ALL)
        assert len(await store.conversations()) == 3
        await journey.press("u")
        await journey.until(lambda: "There is nothing to undo" in journey.notices[-1])


async def test_each_deletion_is_brought_back_by_itself_the_last_one_first(
    opened: Open, store: Store
) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("x")
        await until_listed(journey, "Today", "Two", "One")
        await journey.press("x")
        await until_listed(journey, "Today", "One")
        await journey.press("u")
        await until_listed(journey, "Today", "Two", "One")
        await journey.press("u")
        await until_listed(journey, *ALL)


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        (("p",), ["Pinned", "Three", "Two", "Today", "One"]),
        (("a",), ["Today", "One"]),
    ],
)
async def test_marked_conversations_are_pinned_or_archived_together(
    opened: Open, store: Store, keys: tuple[str, ...], rows: list[str]
) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("space", "space", *keys)
        await until_listed(journey, *rows)


async def test_marked_conversations_are_tagged_together(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("space", "space", "t")
        await type_tags(journey, *"work", "enter")
        await journey.press("slash", *"#work")
        await until_listed(journey, "Today", "Three", "Two")


async def test_tags_that_only_some_of_those_marked_have_stay_theirs(
    opened: Open, store: Store
) -> None:
    await three(store)
    three_, two, _ = [found.id for found in await store.conversations()]
    await store.labels.set_tags([three_], ["both", "own"])
    await store.labels.set_tags([two], ["both"])
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("space", "space", "t")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        # Only the tags that they share change.
        await journey.press(*" new", *["left"] * 4, *["backspace"] * 4, "enter")
        await journey.until(lambda: not isinstance(journey.app.screen, LineScreen))
        await journey.press("slash", *"#new")
        await until_listed(journey, "Today", "Three", "Two")
    assert await store.labels.tags(three_) == ("new", "own")
    assert await store.labels.tags(two) == ("new",)


async def test_enter_in_the_list_reads_and_goes_back_to_writing(
    opened: Open, store: Store
) -> None:
    await three(store)
    async with opened() as journey:
        await go_to_list(journey, *ALL)
        await journey.press("j", "j", "k", "enter")
        await journey.until(lambda: journey.title == "Two")
        assert isinstance(journey.app.focused, Composer)


async def test_the_footer_tells_what_can_be_done_in_the_list(
    opened: Open, store: Store
) -> None:
    await three(store)
    async with opened(size=(140, 30)) as journey:
        await go_to_list(journey, *ALL)
        for words in (
            *("/ Filter", "Space Mark", "p Pin", "a Archive", "A The archive", "t Tags"),
            *("x Delete", "Ctrl+P Palette", "F1 Help"),
        ):
            assert words in journey.footer


@pytest.mark.parametrize(
    ("previous", "following"), [("ctrl+pageup", "ctrl+pagedown"), ("alt+up", "alt+down")]
)
@pytest.mark.parametrize("place", ["writing", "messages", "list", "filter"])
async def test_the_conversation_above_or_below_is_read_from_wherever_one_is(
    opened: Open, store: Store, previous: str, following: str, place: str
) -> None:
    await three(store)
    async with opened() as journey:
        await until_listed(journey, *ALL)
        await journey.press(following)
        await journey.until(lambda: journey.title == "Three")
        if place != "writing":
            await journey.press(
                *{"messages": ["shift+tab"], "list": ["ctrl+s", "tab"]}.get(place, ["ctrl+s"])
            )
        focused = journey.app.focused
        seen = []
        for key in (following, following, following, previous, previous):
            await journey.press(key)
            await journey.pilot.pause()
            seen.append(journey.title)
        assert seen == ["Two", "One", "One", "Two", "Three"]
        assert journey.app.focused is focused


# Titles


async def test_f2_gives_a_title_that_stays_a_persons_own(opened: Open, store: Store) -> None:
    await three(store)
    async with opened() as journey:
        await until_listed(journey, *ALL)
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "Three")
        await journey.press("f2")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press("end", "ctrl+u", *"Of my own", "enter")
        await journey.until(lambda: journey.title == "Of my own")
        await until_listed(journey, "Today", "Of my own", "Two", "One")
        newest = (await store.conversations())[0]
        assert newest.title_by == "person"
        # A model's title would not replace it.
        assert not await store.labels.rename(newest.id, "Of a model", by="model")
        await journey.press("ctrl+s", *"my ow")
        await until_listed(journey, "Today", "Of my own")


@pytest.mark.parametrize("keys", [("x", "escape"), ("end", "ctrl+u", "enter")])
async def test_a_title_stays_when_it_is_left_or_nothing_is_typed(
    opened: Open, store: Store, keys: tuple[str, ...]
) -> None:
    await three(store)
    async with opened() as journey:
        await until_listed(journey, *ALL)
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "Three")
        await journey.press("f2")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press(*keys)
        await journey.until(lambda: not isinstance(journey.app.screen, LineScreen))
        assert journey.title == "Three"
    assert (await store.conversations())[0].title_by == "question"


async def test_f2_where_nothing_was_asked_says_so(opened: Open) -> None:
    async with opened() as journey:
        await journey.press("f2")
        await journey.until(lambda: "ask a question first" in " ".join(journey.notices))


# The palette


def test_the_palette_has_every_action_that_has_a_key_of_its_own() -> None:
    # Moving, typing, and actions on the item at the cursor.
    alone = {
        *("app.interrupt", "app.palette", "chat.end", "composer.send", "composer.newline"),
        *("composer.page-up", "composer.page-down", "message.next", "message.previous"),
        *("message.first", "message.last", "message.collapse", "message.match-after"),
        *("message.match-before", "message.undo", "sidebar.choose", "sidebar.filter"),
        *("sidebar.mark", "sidebar.down", "sidebar.up", "sidebar.page-down"),
        *("sidebar.page-up", "sidebar.first", "sidebar.last", "sidebar.undo", "chat.accept"),
        *("app.suspend", "composer.complete"),
        # Offered on the page of the first start, and only there.
        *("app.connect-key", "app.connect-login", "app.connect-local"),
    }
    known = {
        each.id
        for each in every_key()
        if each.id
        and each.id.partition(".")[0] in ("app", "chat", "composer", "message", "sidebar")
    }
    assert known - alone <= {command.id for command in COMMANDS if command.is_in_palette}
    assert alone <= known


async def choose(journey: Journey, title: str) -> None:
    """Choose a command in the palette, by its title."""
    await journey.press("ctrl+p")
    await journey.until(lambda: isinstance(journey.app.screen, CommandPalette))
    await journey.press(*title.lower())
    await journey.until(lambda: title in journey.seen)
    await journey.press("enter")
    await journey.until(lambda: not isinstance(journey.app.screen, CommandPalette))


MESSAGE = "Look:\n\n```python\ncode\n```\n"

CHOSEN: dict[str, Callable[[Journey], object]] = {
    "Copy message": lambda journey: journey.app.clipboard == MESSAGE,
    "Copy code": lambda journey: journey.app.clipboard == "code",
    "Edit question": lambda journey: journey.composer == "q1",
    "Delete message": lambda journey: not journey.replies,
    "Fork": lambda journey: journey.title == "q1 (fork)",
    "Tree": lambda journey: isinstance(journey.app.screen, TreeScreen),
    "Regenerate with another model": lambda journey: isinstance(
        journey.app.screen, ChoiceScreen
    ),
    "Rename": lambda journey: isinstance(journey.app.screen, LineScreen),
    "Tags": lambda journey: isinstance(journey.app.screen, LineScreen),
    "Pin or unpin": lambda journey: journey.sidebar[0] == "Pinned",
    "Archive conversation": lambda journey: listed(journey) == ["No conversations yet"],
    "Delete conversation": lambda journey: journey.title == "New conversation",
    "Show the archive": lambda journey: listed(journey) == ["The archive is empty"],
    "Find here": lambda journey: journey.app.screen.query_one("#find").display,
    "Search everything": lambda journey: isinstance(journey.app.screen, SearchScreen),
}


@pytest.mark.parametrize("title", CHOSEN)
async def test_an_action_is_done_from_the_palette_while_writing(
    opened: Open, server: Scripted, title: str
) -> None:
    server.will(says(MESSAGE))
    async with opened() as journey:
        await journey.ask("q1")
        await journey.until_done()
        await until_listed(journey, "Today", "q1")
        await choose(journey, title)
        await journey.until(lambda: CHOSEN[title](journey))


async def test_versions_continue_and_undo_are_in_the_palette(
    opened: Open, server: Scripted
) -> None:
    server.will(says("one"), says("two", stop_reason="max_tokens"), says(" and the rest"))
    async with opened() as journey:
        await journey.ask("q1")
        await journey.until_done()
        await choose(journey, "Regenerate")
        await journey.until(lambda: journey.replies == ["two"])
        await journey.until_done()
        await choose(journey, "Previous version")
        await journey.until(lambda: journey.replies == ["one"])
        await choose(journey, "Next version")
        await journey.until(lambda: journey.replies == ["two"])
        await choose(journey, "Continue")
        await journey.until(lambda: journey.replies[-1] == "two and the rest")
        await journey.until_done()
        await choose(journey, "Delete message")
        await journey.until(lambda: journey.replies == ["two"])
        await choose(journey, "Undo delete")
        await journey.until(lambda: journey.replies[-1] == "two and the rest")
