"""The filter of titles, the find bar and the search."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from tests.conftest import wait_until
from tests.screens.conftest import Journey, Open
from tests.scripted import Reply, Scripted, end, says, start, text, thinking
from tests.test_search import ACCENTS, SLOW, fill_slowly_searched
from tests.turns import ask, converse
from tui.claude import Claude
from tui.store import Store
from tui.ui.screens.search import SearchScreen
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.filter import Filter
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

SIZES = [(110, 34), (80, 24), (60, 24)]


async def titled(store: Store, *titles: str) -> None:
    """Save conversations with these titles, the last one the newest."""
    for title in titles:
        await ask(store, title)


async def listed(journey: Journey, *titles: str) -> None:
    """Wait until the list begins with these titles."""
    rows = [f"{title} now" for title in titles]
    await journey.until(
        lambda: [row for row in journey.sidebar if row.endswith(" now")] == rows
    )


def typed(journey: Journey) -> str:
    """Return the text of the field that has the focus."""
    field = journey.app.focused
    assert isinstance(field, Input)
    return field.value


def marked(journey: Journey) -> list[str]:
    """Return the highlighted words in the hits, from the top."""
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
    """Search everything for words, from the composer."""
    await journey.press("ctrl+s", *words, "enter")
    await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
    await journey.until(lambda: status(journey))


async def until_read(journey: Journey) -> None:
    """Wait until a hit is open and its words are found there."""
    await journey.until(lambda: not isinstance(journey.app.screen, SearchScreen))
    await journey.until(lambda: journey.transcript.matches and count(journey))


def count(journey: Journey) -> str:
    """Return the count in the find bar."""
    return str(journey.app.screen.query_one("#find .count").render())


def led_to(journey: Journey) -> tuple[str, str]:
    """Return the current match, as it is drawn, and its message."""
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
        # A second Esc goes back to the composer.
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


async def test_text_typed_after_moving_is_searched_for(opened: Open, store: Store) -> None:
    await titled(store, "Kyoto one", "Kyoto two")
    async with opened() as journey:
        await listed(journey, "Kyoto two", "Kyoto one")
        # The cursor moved in the list for the earlier text.
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
    """Make a conversation with five herons, two of them in one message."""
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
        assert isinstance(journey.app.focused, Composer)
        await journey.press("shift+tab", "n")
        await journey.until(lambda: count(journey) == "1/5")
        assert typed(journey) == "heron"
        # The first letter replaces the old query.
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


async def test_a_missing_word_is_not_found(opened: Open, server: Scripted) -> None:
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
        await journey.until(lambda: status(journey) == "1 result, newest first")


async def test_in_an_empty_conversation_ctrl_f_searches_everywhere(
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
        await journey.until(lambda: status(journey) == "3 results, newest first")
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
async def test_enter_opens_a_hit_at_its_message_and_n_goes_to_the_next(
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
        await journey.until(lambda: status(journey) == "1 result, newest first")
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
        # Esc closes the find bar, and then goes back to the composer.
        await journey.press("escape", "escape")
        assert not journey.app.screen.query_one("#find").display
        assert not journey.transcript.has_focus


@pytest.mark.parametrize("typed", ['"state:failed"', '"two word"*', 'cost:"a b'])
async def test_a_hit_is_found_again_by_what_the_find_bar_holds(
    opened: Open, store: Store, claude: Claude, server: Scripted, typed: str
) -> None:
    server.will(says("Look for state:failed, or two words, or cost: a bit."))
    await converse(store, claude, "What is searched for?")
    async with opened() as journey:
        await search(journey, typed)
        await journey.until(lambda: status(journey).startswith("1 result"))
        await journey.press("enter")
        await until_read(journey)
        await journey.until(lambda: count(journey) == "1/1")
        # And by the text in the field, when the user types there.
        await journey.press("ctrl+f", "end", "space")
        await journey.until(lambda: count(journey) == "1/1")


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


async def test_a_hit_in_another_version_opens_on_its_own_path(
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


async def test_the_last_word_that_is_typed_counts_as_a_beginning(
    opened: Open, store: Store
) -> None:
    await titled(store, "A zephyrquartz")
    async with opened() as journey:
        await search(journey, "zeph")
        await journey.until(lambda: marked(journey) == ["zeph"])
        await journey.press("end", "space")
        await journey.until(lambda: status(journey) == "No results.")


async def test_the_cursor_stays_on_its_hit_while_more_are_found(
    opened: Open, store: Store
) -> None:
    await fill_slowly_searched(store, "mainstream", "bloodstream")
    await titled(store, f"{ACCENTS} downstream")
    async with opened() as journey:
        journey.app._chat.act(journey.app._chat._search, SLOW)
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        options = journey.app.screen.query_one(OptionList)
        await wait_until(lambda: options.option_count == 2)
        assert status(journey) == "Still searching …"
        await journey.press("down")
        await journey.until(lambda: status(journey) == "3 results, newest first")
        assert options.highlighted == 1


async def test_down_up_and_pages_move_among_the_hits(opened: Open, store: Store) -> None:
    for number in range(12):
        await titled(store, f"heron {number}")
    async with opened(size=(80, 24)) as journey:
        await search(journey, "heron")
        await journey.until(lambda: status(journey).startswith("12 results"))
        options = journey.app.screen.query_one(OptionList)
        at = []
        for key in ("down", "down", "up", "pagedown", "pagedown", "pagedown", "pageup"):
            await journey.press(key)
            at.append(options.highlighted or 0)
        assert at[:3] == [1, 2, 1]
        assert at[3] > 3
        assert at[5] == 11
        assert at[6] == 11 - (at[3] - 1)
        # The hit under the cursor is visible, and is the one that opens.
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
        await journey.until(lambda: status(journey) == "2 results, newest first")
        assert journey.options[0].startswith("Second")
        await journey.press("tab")
        await journey.until(lambda: status(journey) == "2 results, best match first")
        assert journey.options[0].startswith("First")
        assert "Tab newest first" in journey.seen
        # A later search keeps the chosen order.
        await journey.press("escape")
        await journey.until(lambda: isinstance(journey.app.focused, Filter))
        await journey.press("enter")
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        await journey.until(lambda: status(journey) == "2 results, best match first")
        await journey.press("tab")
        await journey.until(lambda: status(journey) == "2 results, newest first")
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
        await journey.until(lambda: status(journey) == "No results.")
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
        for words in ("Enter Open", "Esc Close", "1 result"):
            assert words in journey.seen


@pytest.mark.parametrize("before", ["한국어 문장 ", "words and "])
async def test_matches_are_visible_however_narrow_the_screen(
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
        await search(journey, "cost:>1")
        await journey.until(
            lambda: (
                " ".join(status(journey).split())
                == "No results. cost: is not a filter, so it is searched for as text."
                " Filters: after:, before:, in:, model:, role:, state:, tag:."
            )
        )
        await journey.press("ctrl+u", *"needle before:2026-02-30")
        await journey.until(
            lambda: status(journey).startswith(
                "before:2026-02-30 is not understood. before: takes"
            )
        )
        assert not journey.app.screen.query_one(OptionList).option_count
        await journey.press("ctrl+u", *"cost:5")
        await journey.until(lambda: "cost: is not a filter" in status(journey))
        assert status(journey).startswith("1 result, newest first")


@pytest.mark.parametrize("typed", ["cost:>1", "role:you", "before:2026-02-30", "-tag:work"])
async def test_filters_without_effect_are_reported(
    opened: Open, store: Store, claude: Claude, server: Scripted, typed: str
) -> None:
    server.will(says("A heron."))
    await converse(store, claude, "Birds")
    async with opened() as journey:
        # Above the list of titles.
        await journey.press("ctrl+s", *typed)
        await journey.until(
            lambda: journey.sidebar == ["No title matches", "Enter search with filters"]
        )
        await journey.press("ctrl+u", *"zz:")
        await journey.until(lambda: journey.sidebar == ["No title matches"])
        # And in the open conversation.
        await journey.press("escape", "escape", "ctrl+pagedown")
        await journey.until(lambda: "A heron." in journey.seen)
        await journey.press("ctrl+f", *typed, "space")
        await journey.until(lambda: count(journey).endswith("filters have no effect here"))
        await journey.press(*"heron")
        await journey.until(lambda: "filters have no effect here" in count(journey))
        await journey.press("ctrl+u", *"heron")
        await journey.until(lambda: count(journey) == "1/1")
