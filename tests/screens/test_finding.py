"""Finding a conversation by its title, words in a conversation, and words anywhere."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from tests.screens.conftest import Journey, Open
from tests.scripted import Reply, Scripted, end, says, start, text, thinking
from tests.turns import ask, converse
from tui.claude import Claude
from tui.screens.search import SearchScreen
from tui.store import Store
from tui.widgets.filter import Filter
from tui.widgets.sidebar import Sidebar
from tui.widgets.transcript import Transcript

SIZES = [(110, 34), (80, 24), (60, 24)]


async def titled(store: Store, *titles: str) -> None:
    """Conversations with these titles, the last one the newest."""
    for title in titles:
        await ask(store, title)


async def listed(journey: Journey, *titles: str) -> None:
    """Wait until the list holds these, from its top."""
    rows = [f"{title} now" for title in titles]
    await journey.until(
        lambda: [row for row in journey.sidebar if row.endswith(" now")] == rows
    )


def typed(journey: Journey) -> str:
    """What stands in the field that has the focus."""
    field = journey.app.focused
    assert isinstance(field, Input)
    return field.value


def marked(journey: Journey) -> list[str]:
    """What stands out in the hits, from the top."""
    accent = journey.app.theme_variables["accent"]
    options = journey.app.screen.query_one(OptionList)
    return [
        segment.text
        for y in range(options.size.height)
        for segment in options.render_line(y)
        if segment.style is not None
        and segment.style.bold
        and segment.style.color is not None
        and segment.style.color.get_truecolor().hex.casefold() == accent.casefold()
    ]


def status(journey: Journey) -> str:
    return str(journey.app.screen.query_one(".status").render())


async def search(journey: Journey, words: str) -> None:
    """Search everything for some words, from the composer."""
    await journey.press("ctrl+s", *words, "enter")
    await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
    await journey.until(lambda: status(journey))


async def until_read(journey: Journey) -> None:
    """Wait until a hit was opened, and what was looked for is found there."""
    await journey.until(lambda: not isinstance(journey.app.screen, SearchScreen))
    await journey.until(lambda: journey.transcript.matches and count(journey))


def count(journey: Journey) -> str:
    """What the find bar counts."""
    return str(journey.app.screen.query_one("#find .count").render())


def led_to(journey: Journey) -> tuple[str, str]:
    """The match that the reader was led to, as it is drawn, and its message."""
    rows = [
        segment.text
        for y in range(journey.transcript.size.height)
        for segment in journey.transcript.render_line(y)
        if segment.style is not None
        and segment.style.bgcolor is not None
        and segment.style.bold
        and segment.style.bgcolor.get_truecolor().hex.casefold()
        == journey.app.theme_variables["accent"].casefold()
    ]
    assert len(rows) == 1
    return rows[0], journey.pointed_at


# The filter above the list


async def test_typing_in_the_filter_leaves_the_titles_that_hold_it_at_once(
    opened: Open, store: Store
) -> None:
    await titled(store, "Parser rewrite", "Kyoto in March", "A café in Kyoto")
    async with opened() as journey:
        await journey.press("ctrl+s", *"kyo")
        await listed(journey, "A café in Kyoto", "Kyoto in March")
        await journey.press("space", *"cafe")
        await listed(journey, "A café in Kyoto")
        await journey.press(*"xyz")
        await journey.until(lambda: "No title matches" in journey.sidebar)
        await journey.press("escape")
        await listed(journey, "A café in Kyoto", "Kyoto in March", "Parser rewrite")
        assert typed(journey) == ""
        # Again, it goes back to writing.
        await journey.press("escape")
        assert not isinstance(journey.app.focused, Filter)


async def test_down_up_and_enter_in_the_filter_open_what_is_pointed_at(
    opened: Open, store: Store
) -> None:
    await titled(store, "Kyoto one", "Parser", "Kyoto two", "Kyoto three")
    async with opened() as journey:
        await journey.press("ctrl+s", *"kyoto")
        await listed(journey, "Kyoto three", "Kyoto two", "Kyoto one")
        await journey.press("down", "down", "down", "up", "enter")
        await journey.until(lambda: journey.title == "Kyoto two")
        assert not isinstance(journey.app.screen, SearchScreen)


async def test_enter_in_the_filter_searches_everything_for_what_was_typed(
    opened: Open, store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(says("nothing but herons"))
    await converse(store, claude, "Birds")
    async with opened() as journey:
        await journey.press("ctrl+s", *"heron", "enter")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        assert typed(journey) == "heron"
        await journey.until(lambda: "nothing but herons" in journey.options)


async def test_what_was_typed_after_moving_is_searched_for(opened: Open, store: Store) -> None:
    await titled(store, "Kyoto one", "Kyoto two")
    async with opened() as journey:
        await listed(journey, "Kyoto two", "Kyoto one")
        # The cursor was in another list.
        await journey.press("ctrl+s", *"kyo", "down", "t", "enter")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        assert typed(journey) == "kyot"


async def test_tab_goes_from_the_filter_to_the_list_and_slash_back(
    opened: Open, store: Store
) -> None:
    await titled(store, "Kyoto one", "Parser", "Kyoto two")
    async with opened() as journey:
        await journey.press("ctrl+s", *"kyoto")
        await listed(journey, "Kyoto two", "Kyoto one")
        await journey.press("tab")
        assert isinstance(journey.app.focused, Sidebar)
        await journey.press("slash")
        assert isinstance(journey.app.focused, Filter)
        assert typed(journey) == "kyoto"
        await journey.press("tab", "j", "j", "enter")
        await journey.until(lambda: journey.title == "Kyoto one")


# In the conversation


async def birds(journey: Journey, server: Scripted) -> None:
    """A conversation that says heron five times: twice in one message."""
    server.will(says("A **heron** stands. The Heron waits."), says("No herons there."))
    for question in ("What is a heron?", "Do herons sing?"):
        await journey.ask(question)
        await journey.until_done()


async def test_ctrl_f_finds_in_the_conversation_and_goes_round(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await birds(journey, server)
        await journey.press("ctrl+f", *"heron")
        await journey.until(lambda: count(journey) == "1/5")
        assert led_to(journey) == ("heron", "What is a heron?")
        seen = []
        for key in ("enter", "down", "enter", "enter", "enter", "up", "shift+enter"):
            await journey.press(key)
            seen.append(count(journey))
        assert seen == ["2/5", "3/5", "4/5", "5/5", "1/5", "5/5", "4/5"]
        assert led_to(journey) == ("heron", "Do herons sing?")


async def test_esc_closes_the_find_bar_and_n_opens_it_again(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await birds(journey, server)
        await journey.press("ctrl+f", *"heron", "escape")
        await journey.until(lambda: journey.transcript.matches is None)
        assert not journey.app.screen.query_one("#find").display
        assert isinstance(journey.app.focused, Transcript)
        await journey.press("n")
        await journey.until(lambda: count(journey) == "1/5")
        assert typed(journey) == "heron"
        # The first key replaces what was looked for.
        await journey.press(*"sing")
        await journey.until(lambda: count(journey) == "1/1")
        assert typed(journey) == "sing"


async def test_n_and_capital_n_go_from_match_to_match_among_the_messages(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await birds(journey, server)
        await journey.press("ctrl+f", *"heron")
        await journey.until(lambda: count(journey) == "1/5")
        await journey.press("shift+tab")
        assert isinstance(journey.app.focused, Transcript)
        seen = []
        for key in ("n", "n", "n", "N", "N", "N", "N"):
            await journey.press(key)
            seen.append((count(journey), journey.pointed_at.split()[0]))
        assert seen == [
            *(("2/5", "A"), ("3/5", "A"), ("4/5", "Do"), ("3/5", "A"), ("2/5", "A")),
            *(("1/5", "What"), ("5/5", "No")),
        ]


async def test_what_is_not_there_is_not_found(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await birds(journey, server)
        await journey.press("ctrl+f", *"stork")
        await journey.until(lambda: count(journey) == "Not found")
        await journey.press("enter", "up")
        assert count(journey) == "Not found"
        await journey.press(*["backspace"] * 5)
        await journey.until(lambda: count(journey) == "")


async def test_ctrl_f_twice_searches_everywhere_for_the_same(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await birds(journey, server)
        await journey.press("ctrl+f", *"stands")
        await journey.press("ctrl+f")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        assert typed(journey) == "stands"
        await journey.until(lambda: status(journey) == "1 hit, the newest first")


async def test_where_nothing_was_said_ctrl_f_searches_everywhere(
    opened: Open, store: Store
) -> None:
    await titled(store, "Kyoto")
    async with opened() as journey:
        await journey.press("ctrl+f")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))


# Everywhere


async def test_a_hit_tells_where_it_is_who_said_it_and_marks_the_words(
    opened: Open, store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(
        says("Nothing of the kind."),
        Reply([start(), *thinking(0, "a heron, perhaps"), *text(1, "A bird."), *end()]),
        says("The grey heron and the white heron."),
    )
    for question in ("Where is the Heron?", "What stands there?", "Which ones?"):
        await converse(store, claude, question)
    async with opened() as journey:
        await search(journey, "heron")
        await journey.until(lambda: status(journey) == "3 hits, the newest first")
        assert journey.options == [
            "Which ones? Claude Sonnet 5.5 · now",
            "The grey heron and the white heron.",
            "What stands there? Claude Sonnet 5.5, thinking · now",
            "a heron, perhaps",
            "Where is the Heron? You · now",
            "Where is the Heron?",
        ]
        assert marked(journey) == ["heron", "heron", "heron", "Heron"]


@pytest.mark.parametrize("size", SIZES)
async def test_enter_opens_a_hit_at_its_message_and_n_goes_on(
    opened: Open, store: Store, claude: Claude, server: Scripted, size: tuple[int, int]
) -> None:
    long = "\n\n".join(f"Paragraph {number}" for number in range(60))
    server.will(says(long), says(f"{long}\n\nA heron.\n\n{long}\n\nA heron."), says(long))
    reply = await converse(store, claude, "First")
    reply = await converse(store, claude, "Second", after=reply)
    await converse(store, claude, "Third", after=reply)
    await titled(store, "Another")
    async with opened(size=size) as journey:
        await search(journey, "heron")
        await journey.until(lambda: status(journey) == "1 hit, the newest first")
        await journey.press("enter")
        await until_read(journey)
        assert journey.title == "First"
        assert journey.transcript.has_focus
        await journey.until(lambda: count(journey) == "1/2")
        words, message = led_to(journey)
        assert (words, message[:11]) == ("heron", "Paragraph 0")
        assert journey.transcript.cursor == 3
        before = journey.transcript.scroll_y
        await journey.press("n")
        assert count(journey) == "2/2"
        assert led_to(journey)[0] == "heron"
        assert journey.transcript.scroll_y > before
        # Esc ends the finding, and goes back to writing after that.
        await journey.press("escape", "escape")
        assert not journey.app.screen.query_one("#find").display
        assert not journey.transcript.has_focus


async def test_a_hit_in_thinking_is_unfolded(
    opened: Open, store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(Reply([start(), *thinking(0, "a heron"), *text(1, "A bird."), *end()]))
    await converse(store, claude, "What stands there?")
    async with opened() as journey:
        await search(journey, "heron")
        await journey.until(lambda: marked(journey) == ["heron"])
        await journey.press("enter")
        await until_read(journey)
        assert "a heron" in journey.seen
        assert led_to(journey) == ("heron", "A bird.")


async def test_a_hit_in_another_version_is_read_in_its_own_line(
    opened: Open, server: Scripted
) -> None:
    server.will(says("A heron."), says("A stork."), says("Red."))
    async with opened() as journey:
        await journey.ask("What is it?")
        await journey.go_to_messages()
        await journey.press("r")
        await journey.until(lambda: journey.replies == ["A stork."])
        await journey.until_done()
        await journey.ask("Which colour?")
        await journey.until(lambda: len(journey.replies) == 2)
        await journey.until_done()
        await search(journey, "heron")
        await journey.until(lambda: marked(journey) == ["heron"])
        await journey.press("enter")
        await until_read(journey)
        assert journey.replies == ["A heron."]
        assert journey.versions == ["", "‹1/2›"]
        assert led_to(journey) == ("heron", "A heron.")


async def test_down_up_and_pages_move_among_the_hits(opened: Open, store: Store) -> None:
    for number in range(12):
        await titled(store, f"heron {number}")
    async with opened(size=(80, 24)) as journey:
        await search(journey, "heron")
        await journey.until(lambda: status(journey).startswith("12 hits"))
        options = journey.app.screen.query_one(OptionList)
        at = []
        for key in ("down", "down", "up", "pagedown", "pagedown", "pagedown", "pageup"):
            await journey.press(key)
            at.append(options.highlighted or 0)
        assert at[:3] == [1, 2, 1]
        assert at[3] > 3
        assert at[5] == 11
        assert at[6] == 11 - (at[3] - 1)
        # What is pointed at can be seen, and is what is opened.
        chosen = f"heron {11 - at[6]}"
        assert chosen in journey.options
        await journey.press("enter")
        await journey.until(lambda: journey.title == chosen)


async def test_tab_changes_to_the_best_match_and_back(
    opened: Open, store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(says("heron heron heron"), says("A long way from any water stood a heron."))
    for question in ("First", "Second"):
        await converse(store, claude, question)
    async with opened() as journey:
        await search(journey, "heron")
        await journey.until(lambda: status(journey) == "2 hits, the newest first")
        assert journey.options[0].startswith("Second")
        await journey.press("tab")
        await journey.until(lambda: status(journey) == "2 hits, the best match first")
        assert journey.options[0].startswith("First")
        assert "Tab newest first" in journey.seen
        # Asked again later, the order is the one that was chosen.
        await journey.press("escape")
        await journey.until(lambda: isinstance(journey.app.focused, Filter))
        await journey.press("enter")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        await journey.until(lambda: status(journey) == "2 hits, the best match first")
        await journey.press("tab")
        await journey.until(lambda: status(journey) == "2 hits, the newest first")
        assert journey.options[0].startswith("Second")


@pytest.mark.parametrize(
    "nonsense",
    ['"((( NEAR/3 *', "OR AND NOT", "^^ : - \\", "zzqqx", "model:none heron", "[/b]"],
)
async def test_nonsense_finds_nothing_and_fails_nowhere(
    opened: Open, store: Store, nonsense: str
) -> None:
    await titled(store, "Kyoto, and a heron")
    async with opened() as journey:
        await search(journey, nonsense)
        await journey.until(lambda: status(journey) == "Nothing was found.")
        # There is nothing to open.
        await journey.press("down", "pagedown", "up", "pageup", "enter")
        assert isinstance(journey.app.screen, SearchScreen)
        assert not journey.notices


async def test_with_nothing_typed_the_search_says_how_it_is_used(
    opened: Open, store: Store
) -> None:
    await titled(store, "Kyoto")
    async with opened() as journey:
        await journey.press("ctrl+f")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        await journey.until(lambda: "begin*" in journey.seen)
        await journey.press("down", "enter")
        assert isinstance(journey.app.screen, SearchScreen)
        await journey.press(*"kyoto")
        await journey.until(lambda: marked(journey) == ["Kyoto"])
        await journey.press(*["backspace"] * 5)
        await journey.until(lambda: "begin*" in journey.seen)
        assert marked(journey) == []


async def test_esc_leaves_the_search_and_everything_as_it_was(
    opened: Open, store: Store
) -> None:
    await titled(store, "Kyoto")
    async with opened() as journey:
        await journey.write("half a thought")
        await search(journey, "kyoto")
        await journey.press("escape")
        await journey.until(lambda: not isinstance(journey.app.screen, SearchScreen))
        assert journey.title == "New conversation"
        assert journey.composer == "half a thought"


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_title_leaves_room_for_who_said_it_at_any_width(
    opened: Open, store: Store, claude: Claude, server: Scripted, size: tuple[int, int]
) -> None:
    server.will(says("A heron."))
    await converse(store, claude, "A very long title, " * 10)
    async with opened(size=size) as journey:
        await search(journey, "heron")
        await journey.until(lambda: marked(journey) == ["heron"])
        assert journey.options[0].startswith("A very long title")
        assert journey.options[0].endswith("… Claude Sonnet 5.5 · now")
        await journey.pilot.resize_terminal(60, 24)
        await journey.until(lambda: len(journey.options[0]) <= 52)
        assert journey.options[0].endswith("… Claude Sonnet 5.5 · now")
        for words in ("Enter opens", "Esc leaves", "1 hit"):
            assert words in journey.seen


@pytest.mark.parametrize("before", ["한국어 문장 ", "words and "])
async def test_what_was_found_is_seen_however_narrow_the_screen(
    opened: Open, store: Store, claude: Claude, server: Scripted, before: str
) -> None:
    server.will(says(before * 40 + "heron " + before * 40))
    await converse(store, claude, "Birds")
    async with opened(size=(40, 24)) as journey:
        await search(journey, "heron")
        await journey.until(lambda: marked(journey) == ["heron"])


async def test_a_filter_that_is_not_understood_is_named_while_it_is_typed(
    opened: Open, store: Store
) -> None:
    await ask(store, "a needle, cost:5")
    async with opened() as journey:
        await search(journey, "needle before:2026-02-30")
        await journey.until(
            lambda: status(journey).startswith(
                "before:2026-02-30 is not understood. before: takes"
            )
        )
        assert not journey.app.screen.query_one(OptionList).option_count
        await journey.press("ctrl+u", *"cost:5")
        await journey.until(lambda: "cost: is not a filter" in status(journey))
        assert status(journey).startswith("1 hit, the newest first")
