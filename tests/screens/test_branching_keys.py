"""The keys of a message: move, copy, regenerate, fork, continue, delete."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import (
    SONNET,
    Close,
    Hold,
    Reply,
    Scripted,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.turns import converse, on_disk
from tui.claude import Claude
from tui.domain.conversation import Message
from tui.store import Store
from tui.ui.screens.choice import ChoiceScreen
from tui.ui.screens.tree import TreeScreen
from tui.ui.widgets.composer import Composer

OPUS = SONNET | {"id": "claude-opus-5", "display_name": "Claude Opus 5"}
CODE = "Two:\n\n```python\none = 1\n```\n\nand\n\n```sh\ntwo\n```\n"


async def talk(journey: Journey, server: Scripted, *answers: str) -> None:
    """Ask q1, q2 and so on; go to the last reply."""
    for number, answer in enumerate(answers, 1):
        server.will(says(answer))
        await journey.ask(f"q{number}")
        await until_answered(journey, answer)
        await journey.until_done()
    await journey.go_to_messages()


async def until_answered(journey: Journey, answer: str) -> None:
    await journey.until(lambda: journey.replies[-1:] == [answer])


async def until_copied(journey: Journey, text: str) -> None:
    await journey.until(lambda: journey.app.clipboard == text)


async def ask_anew(journey: Journey, server: Scripted, *answers: str) -> None:
    """Regenerate the newest reply several times; stay at the last version."""
    for answer in answers:
        server.will(says(answer))
        await journey.press("r")
        await until_answered(journey, answer)
        await journey.go_to_messages()


def sent(server: Scripted) -> list[tuple[str, str]]:
    """Return the roles and texts of the last request."""
    return [
        (message["role"], "".join(block["text"] for block in message["content"]))
        for message in server.asked[-1].json["messages"]
    ]


def is_writing(journey: Journey) -> bool:
    return journey.app.screen.query_one(Composer).has_focus


# Moving and copying


async def test_shift_tab_goes_to_the_newest_message_and_esc_back_to_writing(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        assert journey.pointed_at == "a2"
        # A key without an action is not typed either.
        await journey.press("z", "escape")
        assert is_writing(journey)
        assert journey.composer == ""


async def test_j_k_g_and_capital_g_move_by_messages(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2", "a3")
        pointed_at = []
        for key in ("k", "k", "j", "g", "k", "j", "G", "j"):
            await journey.press(key)
            pointed_at.append(journey.pointed_at)
        assert pointed_at == ["q3", "a2", "q3", "q1", "q1", "a1", "a3", "a3"]


async def test_y_copies_the_markdown_of_a_reply_as_it_was_written(
    opened: Open, server: Scripted
) -> None:
    said = "# Title\n\nSome **bold** words, a [link](https://example.com) and\n\n- a list\n"
    async with opened() as journey:
        await talk(journey, server, said)
        await journey.press("y")
        await until_copied(journey, said)


async def test_c_copies_a_code_block_and_again_the_next_one(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, CODE)
        for code in ("one = 1", "two", "one = 1"):
            await journey.press("c")
            await until_copied(journey, code)
        # Back at the message, it begins with the first one again.
        await journey.press("k", "j", "c")
        await until_copied(journey, "one = 1")


async def test_c_where_there_is_no_code_says_so(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "no code")
        await journey.press("c")
        await journey.until(lambda: journey.notices)
        assert "no code block" in journey.notices[0]
        assert journey.app.clipboard == ""


async def test_the_footer_tells_what_can_be_done_with_a_message(
    opened: Open, server: Scripted
) -> None:
    async with opened(size=(170, 30)) as journey:
        await talk(journey, server, "a1")
        footer = journey.footer
        for words in (
            *("y Copy", "c Code", "e Edit", "r Regenerate", "[ ‹ ] ›", "v Tree"),
            *("b Fork", "o Continue", "x Delete", "Enter Collapse"),
        ):
            assert words in footer
        await journey.press("escape")
        assert "e Edit" not in journey.footer


# Editing a question


async def test_e_on_a_question_asks_another_version_beside_it(
    opened: Open, server: Scripted, store: Store
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2", "a3")
        server.will(says("other"))
        await journey.press("k", "k", "k", "e")
        assert journey.composer == "q2"
        assert is_writing(journey)
        assert "Editing a question" in journey.seen
        await journey.press(*" anew", "enter")
        await journey.until(lambda: journey.replies == ["a1", "other"])
        await journey.until_done()
        assert journey.questions == ["q1", "q2 anew"]
        assert journey.versions == ["", "", "‹2/2›", ""]
        assert "‹2/2›" in journey.seen
        assert "Editing" not in journey.seen
        assert journey.composer == ""
    assert sent(server) == [("user", "q1"), ("assistant", "a1"), ("user", "q2 anew")]
    # The earlier version is still there, with what followed it.
    said = on_disk(store.path, "SELECT text FROM transcript ORDER BY created_at, message_id")
    assert [row["text"] for row in said] == [
        *("q1", "a1", "q2", "a2", "q3", "a3", "q2 anew", "other"),
    ]


async def test_the_first_question_can_be_edited_too(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        server.will(says("other"))
        await journey.press("k", "e", *" anew", "enter")
        await journey.until(lambda: journey.replies == ["other"])
        await journey.until_done()
        assert journey.versions == ["‹2/2›", ""]
        assert sent(server) == [("user", "q1 anew")]


async def test_esc_leaves_an_edit_and_what_was_being_written_comes_back(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("escape")
        await journey.write("half a thought")
        await journey.press("shift+tab", "k", "e")
        assert journey.composer == "q1"
        await journey.press(*" changed", "escape")
        assert journey.composer == "half a thought"
        assert "Editing" not in journey.seen
        assert journey.questions == ["q1"]
        # A new edit begins with the question as it was asked.
        await journey.press("e")
        assert journey.composer == "q1"
    assert len(server.asked) == 1


async def test_after_a_sent_edit_what_was_being_written_comes_back(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("escape")
        await journey.write("half a thought")
        server.will(says("other"))
        await journey.press("shift+tab", "k", "e", "!", "enter")
        await journey.until(lambda: journey.replies == ["other"])
        assert journey.questions == ["q1!"]
        assert journey.composer == "half a thought"


async def test_an_edit_waits_while_another_conversation_is_read(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("k", "e", *" more")
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        assert journey.composer == ""
        assert "Editing" not in journey.seen
        await journey.press("alt+down")
        await journey.until(lambda: journey.composer == "q1 more")
        assert "Editing" in journey.seen


async def test_an_edit_sent_while_claude_answers_stays_in_the_field(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    async with opened() as journey:
        await talk(journey, server, "a1")
        server.will(Reply([start(), *text(0, "Half")[:-1], hold]))
        await journey.press("escape")
        await journey.ask("q2")
        await journey.until(lambda: "Half" in journey.seen)
        await journey.press("shift+tab", "g", "e", "!", "enter")
        await journey.until(lambda: "still answering" in " ".join(journey.notices))
        assert journey.composer == "q1!"
        assert "Editing" in journey.seen
        assert journey.questions == ["q1", "q2"]


async def test_e_on_a_reply_says_what_can_be_edited(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("e")
        await journey.until(
            lambda: "Only a question can be edited" in " ".join(journey.notices)
        )
        assert journey.composer == ""
        assert journey.transcript.has_focus


# Regenerating a reply


async def test_r_on_a_reply_asks_for_a_version_beside_it(
    opened: Open, server: Scripted, store: Store
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        server.will(says("another a1"))
        await journey.press("k", "k", "r")
        await journey.until(lambda: journey.replies == ["another a1"])
        await journey.until_done()
        assert journey.versions == ["", "‹2/2›"]
        assert sent(server) == [("user", "q1")]
    kept = on_disk(store.path, "SELECT text, state FROM transcript WHERE role = 'assistant'")
    assert {(row["text"], row["state"]) for row in kept} == {
        *{("a1", "complete"), ("a2", "complete"), ("another a1", "complete")}
    }


async def test_r_on_a_question_that_was_answered_says_what_to_do(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("k", "r")
        await journey.until(lambda: "A question can be edited" in " ".join(journey.notices))
        assert journey.replies == ["a1"]
    assert len(server.asked) == 1


async def test_capital_r_asks_the_model_that_is_chosen(opened: Open, server: Scripted) -> None:
    server.models = [SONNET, OPUS]
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.until(lambda: any("models" in seen.path for seen in server.seen))
        await journey.press("R")
        await journey.until(lambda: isinstance(journey.app.screen, ChoiceScreen))
        await journey.until(lambda: "which model?" in journey.seen)
        rows = [row for row in journey.seen.splitlines() if "claude-" in row]
        assert [row.index("claude-") for row in rows] == [rows[0].index("claude-")] * 2
        assert ["●" in row for row in rows] == [True, False]
        server.will(says("of the other"))
        await journey.press("j", "enter")
        await journey.until(lambda: journey.replies == ["of the other"])
        await journey.until_done()
        assert journey.versions == ["", "‹2/2›"]
        assert "Claude Opus 5 " in journey.seen
    assert [seen.json["model"] for seen in server.asked] == [SONNET["id"], OPUS["id"]]


async def test_esc_leaves_the_choice_of_models_and_nothing_is_asked(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("R")
        await journey.until(lambda: isinstance(journey.app.screen, ChoiceScreen))
        await journey.press("escape")
        await journey.until(lambda: not isinstance(journey.app.screen, ChoiceScreen))
        assert journey.transcript.has_focus
        assert journey.replies == ["a1"]
    assert len(server.asked) == 1


async def test_the_brackets_go_through_the_versions_of_a_reply(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "one")
        await ask_anew(journey, server, "two", "three")
        seen = [(journey.replies[0], journey.versions[1])]
        for key in ("[", "[", "[", "]", "]", "]"):
            await journey.press(key)
            await journey.pilot.pause()
            seen.append((journey.replies[0], journey.versions[1]))
            # Not from the screen, where a toast may cover it for two seconds.
            rows = [journey.transcript.render_line(y).text for y in range(10)]
            assert journey.versions[1] in "".join(rows)
            assert journey.pointed_at == journey.replies[0]
        assert seen == [
            *(("three", "‹3/3›"), ("two", "‹2/3›"), ("one", "‹1/3›"), ("one", "‹1/3›")),
            *(("two", "‹2/3›"), ("three", "‹3/3›"), ("three", "‹3/3›")),
        ]
    assert len(server.asked) == 3


async def test_a_version_comes_with_what_followed_it(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        server.will(says("another a1"))
        await journey.press("k", "k", "r")
        await journey.until(lambda: journey.replies == ["another a1"])
        await journey.go_to_messages()
        await journey.press("[")
        await journey.until(lambda: journey.replies == ["a1", "a2"])
        assert journey.pointed_at == "a1"
        # A new question follows this version.
        await journey.press("escape")
        await journey.ask("q3")
        await journey.until(lambda: len(journey.replies) == 3)
        assert [words for _, words in sent(server)] == ["q1", "a1", "q2", "a2", "q3"]


async def test_the_version_that_is_read_is_the_one_read_next_time(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "one")
        await ask_anew(journey, server, "two")
        await journey.press("[")
        await journey.until(lambda: journey.replies == ["one"])
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.replies == [])
        await journey.press("alt+down")
        await journey.until(lambda: journey.replies == ["one"])
        assert journey.versions == ["", "‹1/2›"]


# The tree, and a fork


async def branched(journey: Journey, server: Scripted) -> None:
    """Make two versions of a reply, and of the question that follows the first one."""
    await talk(journey, server, "a1", "a2")
    server.will(says("b2"))
    await journey.press("k", "e", *" anew", "enter")
    await journey.until(lambda: journey.replies == ["a1", "b2"])
    await journey.go_to_messages()
    server.will(says("another a1"))
    await journey.press("k", "k", "r")
    await journey.until(lambda: journey.replies == ["another a1"])
    await journey.go_to_messages()


@pytest.mark.parametrize("size", [(110, 34), (80, 24), (60, 24)])
async def test_v_shows_the_tree_and_goes_to_what_is_chosen(
    opened: Open, server: Scripted, size: tuple[int, int]
) -> None:
    async with opened(size=size) as journey:
        await branched(journey, server)
        await journey.press("v")
        await journey.until(lambda: isinstance(journey.app.screen, TreeScreen))
        await journey.until(lambda: "Tree" in journey.seen)
        assert journey.options == [
            "● You q1",
            "├ ○ Claude Sonnet 5.5 a1",
            "│ ├ ○ You q2",
            "│ │ ○ Claude Sonnet 5.5 a2",
            "│ └ ○ You q2 anew",
            "│ ○ Claude Sonnet 5.5 b2",
            "└ ● Claude Sonnet 5.5 another a1",
        ]
        await journey.press("k", "k", "enter")
        await journey.until(lambda: journey.replies == ["a1", "b2"])
        assert journey.pointed_at == "q2 anew"
        assert journey.transcript.has_focus


async def test_esc_leaves_the_tree_and_everything_as_it_was(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await branched(journey, server)
        await journey.press("v")
        await journey.until(lambda: isinstance(journey.app.screen, TreeScreen))
        await journey.press("k", "escape")
        await journey.until(lambda: not isinstance(journey.app.screen, TreeScreen))
        assert journey.replies == ["another a1"]


async def test_a_long_tree_is_moved_through_at_60_by_24(
    opened: Open, store: Store, claude: Claude
) -> None:
    newest: Message | None = None
    for number in range(20):
        newest = await converse(store, claude, f"a long question no {number}", after=newest)
    async with opened(size=(60, 24)) as journey:
        await journey.press("alt+down")
        await journey.until(lambda: len(journey.questions) == 20)
        await journey.go_to_messages()
        await journey.press("v")
        await journey.until(lambda: isinstance(journey.app.screen, TreeScreen))
        await journey.until(lambda: "a long question no 19" in journey.seen)
        await journey.press("home")
        await journey.until(lambda: "a long question no 0" in journey.seen)
        await journey.press("pagedown", "enter")
        await journey.until(lambda: not isinstance(journey.app.screen, TreeScreen))
        assert 0 < journey.transcript.cursor < 39


async def test_a_deep_tree_leaves_room_for_what_was_said(
    opened: Open, server: Scripted
) -> None:
    server.will(says("one"))
    async with opened(size=(60, 24)) as journey:
        for number in range(8):
            await journey.ask(f"q{number}")
            await journey.go_to_messages()
            server.will(says(f"so said {number}"), says("next"))
            await journey.press("r")
            await journey.until_done()
        await journey.go_to_messages()
        await journey.press("v")
        await journey.until(lambda: isinstance(journey.app.screen, TreeScreen))
        await journey.until(lambda: "so said 7" in journey.seen)
        assert journey.options[-1].startswith("… ")


async def test_b_forks_a_conversation_of_its_own_up_to_there(
    opened: Open, server: Scripted, store: Store
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        await journey.press("k", "k", "b")
        await journey.until(lambda: journey.title == "q1 (fork)")
        assert (journey.questions, journey.replies) == (["q1"], ["a1"])
        assert is_writing(journey)
        server.will(says("of the fork"))
        await journey.ask("elsewhere")
        await journey.until(lambda: journey.replies == ["a1", "of the fork"])
        await journey.until_done()
        assert [words for _, words in sent(server)] == ["q1", "a1", "elsewhere"]
        await journey.until(lambda: journey.sidebar[1:] == ["q1 (fork) now", "q1 now"])
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "q1")
        assert journey.replies == ["a1", "a2"]
    assert [found.title for found in await store.conversations()] == ["q1 (fork)", "q1"]


# Continuing a reply


async def until_broken_off(journey: Journey, server: Scripted, how: str) -> None:
    """Ask, and let the reply break off after "The quick brown fox jumps"."""
    words = "The quick brown fox jumps"
    match how:
        case "stopped":
            server.will(Reply([start(), *text(0, words)[:-1], Hold()]))
        case "cut_off":
            server.will(Reply([start(), *text(0, words)[:-1], Close()]))
        case _:
            server.will(says(words, stop_reason="max_tokens"))
    await journey.ask("hi")
    await journey.until(lambda: words in journey.seen)
    if how == "stopped":
        await journey.press("escape")
    await journey.go_to_messages()


@pytest.mark.parametrize("how", ["stopped", "cut_off", "max_tokens"])
async def test_o_continues_a_reply_that_broke_off(
    opened: Open, server: Scripted, store: Store, how: str
) -> None:
    async with opened() as journey:
        await until_broken_off(journey, server, how)
        assert "o continue" in journey.figures[0]
        # Some of the text comes again.
        server.will(says("brown fox jumps", " over the lazy dog."))
        await journey.press("o")
        await journey.until(lambda: len(journey.replies) == 2)
        await journey.until_done()
        seen = " ".join(journey.seen.split())
        assert "┄┄ continued ┄┄" in seen
        assert "over the lazy dog." in seen
        assert seen.count("brown fox jumps") == 1
        assert journey.seen.index("brown fox") < journey.seen.index("┄┄ continued")
        # A copy joins both parts.
        await journey.press("G", "y")
        whole = "The quick brown fox jumps over the lazy dog."
        await until_copied(journey, whole)
    (user, first), (assistant, second), (asked, third) = sent(server)
    assert (user, assistant, asked) == ("user", "assistant", "user")
    assert (first, second) == ("hi", "The quick brown fox jumps")
    assert "brown fox jumps</end>" in third
    # On disk is what arrived, unchanged.
    kept = on_disk(store.path, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert {(row["state"], row["text"]) for row in kept} == {
        (how, "The quick brown fox jumps"),
        ("complete", "brown fox jumps over the lazy dog."),
    }


async def test_the_rest_is_joined_while_it_arrives(opened: Open, server: Scripted) -> None:
    hold = Hold()
    async with opened() as journey:
        await until_broken_off(journey, server, "stopped")
        server.will(Reply([start(), *text(0, " over", " it")[:-1], hold]))
        await journey.press("o")
        await journey.until(lambda: "over it" in journey.seen)
        assert "┄┄ continued ┄┄" in journey.seen
        await journey.press("escape")
        await journey.until_done()


async def test_o_is_refused_for_a_complete_reply(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1")
        await journey.press("o")
        await journey.until(lambda: "Only a reply that broke off" in " ".join(journey.notices))
        assert journey.replies == ["a1"]
    assert len(server.asked) == 1


async def test_o_is_refused_where_nothing_had_come(opened: Open, server: Scripted) -> None:
    server.will(refuses(400, "invalid_request_error"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.go_to_messages()
        assert "o continue" not in journey.figures[0]
        await journey.press("o")
        await journey.until(lambda: "Only a reply that broke off" in " ".join(journey.notices))
    assert len(server.asked) == 1


# Deleting


async def test_x_deletes_one_message_and_u_brings_it_back_in_its_place(
    opened: Open, server: Scripted, store: Store
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2", "a3")
        await journey.press("k", "k", "x")
        await journey.until(lambda: journey.replies == ["a1", "a3"])
        assert journey.questions == ["q1", "q2", "q3"]
        await journey.until(lambda: "u or Ctrl+Z undo" in " ".join(journey.notices))
        assert journey.transcript.has_focus
        kept = on_disk(store.path, "SELECT text FROM transcript WHERE text = 'a2'")
        assert list(kept) == []
        await journey.press("u")
        await journey.until(lambda: journey.replies == ["a1", "a2", "a3"])
        assert journey.pointed_at == "a2"
        await journey.press("u")
        await journey.until(lambda: "nothing to undo" in " ".join(journey.notices))


async def test_the_newest_message_is_deleted_and_comes_back(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        await journey.press("x")
        await journey.until(lambda: journey.replies == ["a1"])
        await journey.press("x")
        await journey.until(lambda: journey.questions == ["q1"])
        await journey.press("u", "u")
        await journey.until(lambda: journey.replies == ["a1", "a2"])
        assert journey.questions == ["q1", "q2"]


async def test_a_deleted_message_is_not_sent(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "a1", "a2")
        await journey.press("g", "j", "x")
        await journey.until(lambda: journey.replies == ["a2"])
        await journey.press("escape")
        await journey.ask("q3")
        await journey.until(lambda: len(journey.replies) == 2)
        await journey.until_done()
    assert "a1" not in [words for _, words in sent(server)]


async def test_a_deleted_version_gives_way_to_the_other(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "one")
        await ask_anew(journey, server, "two")
        await journey.press("x")
        await journey.until(lambda: journey.replies == ["one"])
        assert journey.versions == ["", ""]
        await journey.press("u")
        await journey.until(lambda: journey.replies == ["two"])
        assert journey.versions == ["", "‹2/2›"]


async def test_enter_shows_the_thinking_of_one_message(opened: Open, server: Scripted) -> None:
    for number in (1, 2):
        thought = thinking(0, f"thought {number}")
        server.will(Reply([start(), *thought, *text(1, "yes"), *says("").steps[-2:]]))
    async with opened() as journey:
        for question in ("q1", "q2"):
            await journey.ask(question)
            await journey.until_done()
        await journey.go_to_messages()
        await journey.press("enter")
        await journey.until(lambda: "thought 2" in journey.seen)
        assert "thought 1" not in journey.seen
        await journey.press("enter")
        await journey.until(lambda: "thought 2" not in journey.seen)
