"""Slash commands are listed, completed and run; other texts are questions."""

from __future__ import annotations

import re

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, delta, says, start, text
from tests.turns import ask
from tui.domain.conversation import ComposerDraft
from tui.store import Store
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.line import LineScreen
from tui.ui.screens.search import SearchScreen
from tui.ui.widgets.composer import Composer

ENTER, UP, DOWN, TAB = "\r", "\x1b[A", "\x1b[B", "\t"


def composer(journey: Journey) -> Composer:
    return journey.app._chat.composer


def listed(journey: Journey) -> list[str]:
    """The names in the list; none while it is hidden."""
    commands = journey.app._chat.slash_list
    return [entry.name for entry in commands.entries] if commands.display else []


def asked(server: Scripted) -> list[str]:
    return [seen.json["messages"][-1]["content"][-1]["text"] for seen in server.asked]


async def test_a_slash_lists_what_does_something_now_and_letters_narrow_it(
    opened: Open, server: Scripted
) -> None:
    server.will(says("a1"))
    async with opened() as journey:
        await journey.send("/")
        assert {"new", "help", "search", "quit"} <= {*listed(journey)}
        # As in the palette.
        assert not {"regenerate", "undo", "stop", "tags"} & {*listed(journey)}
        assert "/search" in journey.seen
        await journey.press("backspace")
        assert listed(journey) == []
        await journey.ask("question")
        await journey.until_done()
        await journey.send("/re")
        assert {"rename", "regenerate", "redraw"} <= {*listed(journey)}
        await journey.send("n")
        assert listed(journey) == ["rename"]
        await journey.press("tab")
        assert journey.composer == "/rename "
        assert listed(journey) == ["rename"]
        await journey.press("x", "ctrl+u")
        assert listed(journey) == []


async def test_the_list_is_there_after_other_screens_were(opened: Open) -> None:
    # The palette brings styles of its own, for a list of its own.
    async with opened() as journey:
        await journey.press("ctrl+p", "escape", "f1", "escape")
        await journey.until(lambda: composer(journey).has_focus)
        await journey.send("/")
        await journey.until(lambda: "/search" in journey.seen)


@pytest.mark.parametrize(
    "question", ["/etc/hosts why?", "/unknown", "/new conversation please", "/ne", " /new"]
)
async def test_what_is_no_known_name_alone_is_sent(
    opened: Open, server: Scripted, question: str
) -> None:
    server.will(says("a1"))
    async with opened() as journey:
        await journey.send(question + ENTER)
        await journey.until_done()
        assert asked(server) == [question]
        assert listed(journey) == []
        assert journey.composer == ""


async def test_a_known_name_alone_is_run_and_the_composer_is_empty(
    opened: Open, server: Scripted
) -> None:
    server.will(says("a1"))
    async with opened() as journey:
        await journey.ask("question")
        await journey.until_done()
        await journey.send("/help" + ENTER)
        assert isinstance(journey.app.screen, HelpScreen)
        await journey.press("escape")
        await journey.send("/new" + ENTER + "typed there")
        await journey.until(lambda: journey.title == "New conversation")
        assert journey.composer == "typed there"
        assert len(server.asked) == 1


async def test_the_only_beginning_of_a_name_runs_unless_the_list_is_closed(
    opened: Open, server: Scripted
) -> None:
    server.will(says("a1"), says("a2"))
    async with opened() as journey:
        # Of several names it is a question, and the footer says so.
        await journey.send("/ne")
        await journey.until(lambda: "Enter Send" in journey.footer)
        await journey.press("enter")
        await journey.until_done()
        assert asked(server) == ["/ne"]
        # However fast it is typed.
        await journey.send("/ren" + ENTER)
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press("escape")
        assert journey.composer == ""
        await journey.send("/ren")
        await journey.until(lambda: "Enter Run" in journey.footer)
        chosen = journey.app._chat.slash_list.chosen
        assert chosen is not None
        assert chosen.name == "rename"
        await journey.press("escape", "enter")
        await journey.until_done()
        assert asked(server)[1:] == ["/ren"]


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 30)])
async def test_no_line_of_the_list_ends_in_the_middle_of_a_word(
    opened: Open, server: Scripted, size: tuple[int, int]
) -> None:
    server.will(says("a1"))
    async with opened(size=size) as journey:
        await journey.ask("question")
        await journey.until_done()
        await journey.send("/")
        shown, keymap = journey.app._chat.slash_list, journey.app.keymap
        words = {
            word
            for entry in shown.entries
            for word in f"{entry.title} {keymap.fill(entry.help)}".split()
        }
        assert listed(journey)[:3] == ["new", "search", "find"]
        assert listed(journey).index("quit") > len(listed(journey)) // 2
        await journey.until(
            lambda: (
                max(len(str(option.prompt)) for option in shown.options)
                <= shown.scrollable_content_region.width
            )
        )
        for option in shown.options:
            name, *rest = re.split("  +", str(option.prompt), maxsplit=1)
            assert {*" ".join(rest).split()} <= words | {"…"}, name


async def test_tab_completes_and_undo_takes_it_back(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("/h")
        await journey.until(lambda: "Enter Run" in journey.footer)
        await journey.press("tab")
        assert journey.composer == "/help"
        await journey.until(lambda: "Enter Run" in journey.footer)
        assert journey.app.focused is composer(journey)
        assert "Complete" in journey.footer
        await journey.press("ctrl+z")
        assert journey.composer == "/h"
        await journey.press("ctrl+y", "ctrl+u")
        await journey.send("/sea\t")
        assert journey.composer == "/search "
        # Without a list, it moves the focus.
        await journey.press("ctrl+u")
        assert "Complete" not in journey.footer
        await journey.press("tab")
        assert journey.app.focused is not composer(journey)


async def test_the_arrow_keys_choose_and_enter_runs_what_is_chosen(
    opened: Open, server: Scripted, store: Store
) -> None:
    await ask(store, "an earlier question")
    async with opened() as journey:
        await journey.send("/")
        names = listed(journey)
        await journey.press("down", "down", "down", "up")
        await journey.until(lambda: "Enter Run" in journey.footer)
        chosen = journey.app._chat.slash_list.chosen
        assert chosen is not None
        assert chosen.name == names[1]
        # After the last one nothing is chosen, then the first one again.
        await journey.press("up", "up")
        assert journey.app._chat.slash_list.chosen is None
        assert journey.composer == "/"
        await journey.press("down", "tab")
        assert journey.composer == f"/{names[0]}"
        await journey.press("ctrl+u")
        await journey.send(f"/hel{DOWN}{ENTER}")
        assert isinstance(journey.app.screen, HelpScreen)
        await journey.press("escape")
        assert journey.composer == ""
        # A command that was chosen for other letters does not run.
        await journey.send(f"/ne{DOWN}zz{ENTER}")
        await journey.until(lambda: asked(server) == ["/nezz"])
        await journey.until_done()


async def test_esc_closes_the_list_and_keeps_the_text(opened: Open, store: Store) -> None:
    await ask(store, "earlier")
    async with opened() as journey:
        await journey.send("/ne")
        assert "Close the list" in journey.footer
        await journey.press("escape")
        assert (listed(journey), journey.composer) == ([], "/ne")
        assert "Close the list" not in journey.footer
        await journey.send("w")
        assert listed(journey) == []
        await journey.press("up")
        assert journey.composer == "earlier"
        await journey.press("down", "ctrl+u", "/")
        assert listed(journey) != []


async def test_words_go_to_the_commands_that_take_them(
    opened: Open, server: Scripted, store: Store
) -> None:
    await ask(store, "a grey heron elsewhere")
    server.will(says("two herons, and a Heron"))
    async with opened() as journey:
        await journey.ask("question")
        await journey.until_done()
        await journey.send("/rename Birds of the Lake" + ENTER)
        await journey.until(lambda: journey.title == "Birds of the Lake")
        await journey.send("/rename" + ENTER)
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await journey.press("escape")
        await journey.send("/find heron" + ENTER)
        await journey.until(lambda: "1/2" in journey.seen)
        await journey.press("escape")
        await journey.send("/search grey heron" + ENTER)
        await journey.until(lambda: isinstance(journey.app.screen, SearchScreen))
        await journey.until(lambda: "1 result" in journey.seen)
        assert len(server.asked) == 1


async def test_a_command_that_does_nothing_now_is_reported_and_stays(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await journey.send("/undo" + ENTER)
        await journey.until(lambda: journey.notices == ["/undo does nothing now."])
        assert journey.composer == "/undo"
        assert server.asked == []


async def test_an_empty_conversation_says_why_it_is_not_renamed(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("/rename Birds" + ENTER)
        await journey.until(lambda: journey.notices)
        assert journey.notices == [
            "An empty conversation has no title yet: ask a question first."
        ]
        assert journey.composer == "/rename Birds"


async def test_a_command_does_not_wait_for_a_reply(opened: Open, server: Scripted) -> None:
    hold = Hold()
    server.will(Reply([start(), text(0)[0], delta(0, "text_delta", text="Half"), hold]))
    async with opened() as journey:
        await journey.ask("one")
        await journey.until(hold.reached.is_set)
        await journey.send("/stop" + ENTER)
        await journey.until_done()
        assert journey.replies == ["Half"]
        assert asked(server) == ["one"]


async def test_in_an_edit_a_slash_begins_a_text(opened: Open, server: Scripted) -> None:
    server.will(says("a1"), says("a2"))
    async with opened() as journey:
        await journey.ask("one")
        await journey.go_to_messages()
        await journey.press("k", "e")
        await journey.until(lambda: journey.composer == "one")
        await journey.press("ctrl+u")
        await journey.send("/new")
        assert listed(journey) == []
        await journey.press("enter")
        await journey.until(lambda: asked(server)[1:] == ["/new"])
        await journey.until_done()


async def test_a_command_typed_over_an_earlier_question_leaves_nothing(
    opened: Open, store: Store
) -> None:
    await ask(store, "earlier")
    async with opened() as journey:
        await journey.press("up", "ctrl+u")
        await journey.send("/redraw" + ENTER)
        await journey.until(lambda: not journey.app._chat.is_acting)
        assert journey.composer == ""
        await journey.app.session.drafts.save()
        kept = await store.drafts.draft(journey.app.session.open_id)
        assert kept == ComposerDraft()


async def test_a_click_completes(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("/hel")
        await journey.pilot.click("#commands", offset=(3, 0))
        await journey.until(lambda: journey.composer == "/help")
        assert journey.app.focused is composer(journey)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_the_list_leaves_room_for_what_is_read(
    opened: Open, size: tuple[int, int]
) -> None:
    async with opened(size=size) as journey:
        await journey.send("/")
        commands = journey.app._chat.slash_list
        assert 1 <= commands.size.height <= 8
        assert composer(journey).region.bottom <= size[1]
        await journey.press("up")
        assert commands.chosen is not None
        row = journey.seen.splitlines()[commands.region.bottom - 1]
        assert f"/{commands.chosen.name}" in row
