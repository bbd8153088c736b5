"""Plain mode, through a pipe and in a pty, with the same history as the app."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.scripted import (
    Close,
    Hold,
    Reply,
    Scripted,
    end,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.terminal import Terminal, terminal
from tests.test_ask_waiting import Asked
from tests.test_cli import CANARY, ESC, Done, Program, failed, held, keep, online, program
from tui.domain.conversation import ComposerDraft
from tui.store import Store

__all__ = ["online", "program"]

SIZE = (100, 40)
CTRL_C, CTRL_D = "\x03", "\x04"
FIGURES = r"(: \d+ tokens in, .*)?\."


def typed(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def said(done: Done) -> list[str]:
    """The output of a run without tokens and times, which differ from run to run."""
    assert done.err == ""
    return [re.sub(r"^(Complete|Stopped\.).*", r"\1", line) for line in done.out.splitlines()]


# By a pipe


def test_each_line_is_a_question_and_the_end_of_the_input_ends_it(
    online: Program, server: Scripted
) -> None:
    server.will(says("One. ", "Two."), says("Three."))
    done = online.run("chat", "--plain", stdin=typed("Hi", "", "And?"))
    assert done.code == 0
    assert said(done) == ["Claude:", "One. Two.", "Complete", "Claude:", "Three.", "Complete"]
    assert re.search(r"^Complete: 100 tokens in, .*, 42 out, ", done.out, re.MULTILINE)
    texts = [
        [block["text"] for block in message["content"]]
        for message in server.asked[1].json["messages"]
    ]
    assert texts == [["Hi"], ["One. Two."], ["And?"]]
    assert online.rows("SELECT title, state, text FROM transcript") == [
        ("Hi", "complete", "Hi"),
        ("Hi", "complete", "One. Two."),
        ("Hi", "complete", "And?"),
        ("Hi", "complete", "Three."),
    ]


def test_a_question_may_be_several_lines_and_the_last_may_have_no_end(
    online: Program, server: Scripted
) -> None:
    done = online.run("chat", "--plain", stdin=b"one\\\n/two\\\n\\\nfour\r\nlast\\")
    assert done.code == 0
    asked = [each.json["messages"][-1]["content"][0]["text"] for each in server.asked]
    assert asked == ["one\n/two\n\nfour", "last"]


def test_an_unknown_command_is_a_question(online: Program, server: Scripted) -> None:
    lines = ("/etc/hosts why?", "/frob", "/new is a command here?", "new")
    online.run("chat", "--plain", stdin=typed(*lines))
    asked = [each.json["messages"][-1]["content"][0]["text"] for each in server.asked]
    assert asked == [*lines]


def test_the_chosen_parameters_are_asked_with(online: Program, server: Scripted) -> None:
    config = online.folder / "config.toml"
    config.write_text("[profiles.claude]\nmax_tokens = 1234\n", encoding="utf-8")
    done = online.run("chat", "--plain", "--config", str(config), stdin=typed("Hi"))
    assert (done.code, done.err) == (0, "")
    assert server.asked[0].json["max_tokens"] == 1234


def test_thinking_is_mentioned_once_and_printed_on_request(
    online: Program, server: Scripted
) -> None:
    steps = [start(), *thinking(0, "Hm", ", so."), *text(1, "Yes."), *end()]
    server.will(Reply(steps))
    done = online.run("chat", "--plain", stdin=typed("Hi", "/thinking"))
    assert said(done) == ["Claude:", "Thinking…", "Yes.", "Complete", "Hm, so."]


def test_control_characters_of_the_model_do_not_come_through(
    online: Program, server: Scripted
) -> None:
    words = [f"a{ESC}b", "\x08\x08. ", "\r", "\ncut", "\x9b2J"]
    server.will(says(*words), refuses(400, "invalid_request_error", f"no {ESC}"))
    done = online.run(
        "chat", "--plain", stdin=typed("Hi", "/show", "/list", f"{ESC}x", "/show")
    )
    assert done.code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out)


def test_every_end_is_a_word(online: Program, server: Scripted) -> None:
    server.will(
        says("Cut", stop_reason="max_tokens"),
        Reply([start(), *text(0, "Half a")[:2], Close()]),
        refuses(401, "authentication_error", "invalid x-api-key"),
    )
    done = online.run("chat", "--plain", stdin=typed("one", "two", "three"))
    # A failed reply does not fail the program.
    assert done.code == 0
    lines = done.out.splitlines()
    assert any(line.startswith("Reached its token limit.") for line in lines)
    assert any(line.startswith("Cut off: ") for line in lines)
    assert any(line.startswith("Failed: ") for line in lines)
    assert CANARY not in done.out


def test_a_retry_is_reported(online: Program, server: Scripted) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="1"), says("At last."))
    done = online.run("chat", "--plain", stdin=typed("Hi"))
    assert "Claude is overloaded. Retrying in 1 s (attempt 2).\nAt last.\n" in done.out


def test_a_long_wait_is_refused_where_nobody_can_be_asked(
    online: Program, server: Scripted
) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="300"))
    done = online.run("chat", "--plain", stdin=typed("Hi"))
    assert done.code == 0
    assert "The endpoint asks to wait 5 min." in done.out
    assert len(server.asked) == 1


async def test_conversations_are_listed_and_opened_by_number(
    online: Program, store: Store
) -> None:
    older = await keep(store, "Older?", "Old.")
    await keep(store, "Newer?", "New.")
    done = online.run("chat", "--plain", stdin=typed("/list", "/open 2", "Go on", "/open 9"))
    lines = done.out.splitlines()
    assert [line.partition(",")[0] for line in lines[:2]] == [
        "1. Newer?. 2 messages",
        "2. Older?. 2 messages",
    ]
    assert lines[2:6] == ["Opened: Older?, 2 messages.", "You: Older?", "Claude:", "Old."]
    assert lines[-1].startswith("Type the number of a conversation")
    found = await store.conversation(older.id)
    assert found is not None
    path = await store.read_path(found.tip_id)
    assert [each.text for each in path] == ["Older?", "Old.", "Go on", "Hello there"]


@pytest.mark.parametrize("number", ["000000001999", "9" * 5000, "0", "-1", "1.5"])
async def test_a_number_that_nothing_has_is_refused(
    online: Program, store: Store, number: str
) -> None:
    await keep(store, "One", "1")
    lines = ("/list 0", f"/open {number}", "/open 1")
    done = online.run("chat", "--plain", stdin=typed(*lines))
    assert done.code == 0
    assert said(done)[0].startswith("1. One.")
    assert said(done)[1:3] == [
        "Type the number of a conversation: /list or /search numbers them.",
        "Opened: One, 2 messages.",
    ]


async def test_what_is_searched_for_is_opened_by_number(online: Program, store: Store) -> None:
    await keep(store, "About quokkas?", "They smile.")
    await keep(store, "Other?")
    done = online.run("chat", "--plain", stdin=typed("/search smile", "/open 1", "/search"))
    assert done.out.splitlines() == [
        "1. About quokkas?. Reply: They smile.",
        "Opened: About quokkas?, 2 messages.",
        *("Claude:", "They smile."),
        "Type what to search for: /search WORDS",
    ]


def test_versions_are_made_and_gone_back_to(online: Program, server: Scripted) -> None:
    server.will(says("First."), says("Second."), says("Third."))
    lines = ("Hi", "/regenerate", "/versions", "/versions 1", "/edit Hello", "/versions 7")
    done = online.run("chat", "--plain", stdin=typed(*lines))
    assert said(done) == [
        *("Claude:", "First.", "Complete", "Claude:", "Second.", "Complete"),
        *("The reply is version 2 of 2.", "Claude:", "Second."),
        "/versions NUMBER opens another one.",
        *("Opened: Hi, 2 messages.", "Claude:", "First."),
        *("Claude:", "Third.", "Complete"),
        "Type a number from 1 to 2: /versions NUMBER",
    ]


def test_a_reply_that_broke_off_is_continued(online: Program, server: Scripted) -> None:
    server.will(says("One", stop_reason="max_tokens"), says(" and two."))
    done = online.run("chat", "--plain", stdin=typed("Hi", "/continue", "/continue"))
    assert " and two." in done.out
    assert done.out.splitlines()[-1] == "Only a reply that broke off can be continued."


async def test_a_conversation_is_renamed_deleted_and_brought_back(
    online: Program, store: Store
) -> None:
    kept = await keep(store, "Hi?")
    lines = ("/list", "/open 1", "/rename A title", "/delete", "/show", "/undo", "/undo")
    done = online.run("chat", "--plain", stdin=typed(*lines))
    assert done.out.splitlines()[5:] == [
        "Renamed: A title",
        "Deleted: A title. /undo restores it for 30 seconds.",
        "There is no message in this conversation yet.",
        "Restored.",
        "Opened: A title, 2 messages.",
        *("You: Hi?", "Claude:", "Yes."),
        "There is nothing to undo.",
    ]
    found = await store.conversation(kept.id)
    assert found is not None
    assert found.title == "A title"


def test_help_has_every_command_and_quit_ends_it(online: Program, server: Scripted) -> None:
    done = online.run("chat", "--plain", stdin=typed("/help", "/quit", "Not asked"))
    assert (done.code, done.err) == (0, "")
    for name in (
        "/new",
        "/list [COUNT]",
        "/open NUMBER",
        "/search WORDS",
        "/rename TITLE",
        "/undo",
    ):
        assert f"{name}: " in done.out
    assert server.asked == []


async def test_a_conversation_is_resumed(
    online: Program, server: Scripted, store: Store
) -> None:
    older = await keep(store, "Older?", "Old.")
    await keep(store, "Newer?", "New.")
    for arguments, before in ((("-c",), "Newer?"), (("--conversation", older.id), "Older?")):
        assert online.run("chat", "--plain", *arguments, stdin=typed("Go on")).code == 0
        assert server.asked[-1].json["messages"][0]["content"][0]["text"] == before
    missing = online.run("chat", "--plain", "--conversation", "zzz", stdin=typed("Hi"))
    assert "There is no conversation 'zzz'" in failed(missing)
    assert "need --plain" in failed(online.run("chat", "-c"), code=2)


def test_without_a_key_the_demo_answers(program: Program) -> None:
    done = program.run("chat", "--plain", stdin=typed("Hi"))
    assert done.code == 0
    assert done.out.startswith("Offline demo:\n")
    assert done.err == "streamchat-tui: There is no API key: the offline demo answers.\n"


@pytest.mark.parametrize("environ", [{"ACCESSIBLE": "1"}, {"TERM": "dumb"}], ids=str)
@pytest.mark.parametrize("arguments", [(), ("chat",)], ids=str)
def test_the_environment_asks_for_it_too(
    online: Program, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    done = online.run(*arguments, stdin=typed("Hi"), **environ)
    assert said(done) == ["Claude:", "Hello there", "Complete"]
    assert failed(online.run(*arguments, ACCESSIBLE="0")).startswith("The app needs a terminal")


def start_plain(online: Program, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "chat", "--plain", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=online.folder,
        env=online.environ,
    )


async def test_the_drafts_of_the_app_stay_as_they_are(
    online: Program, server: Scripted, store: Store
) -> None:
    asked = Asked(online, server)
    draft = ComposerDraft(text="half a thought", queued=("a question that waits",))
    await store.drafts.save(asked.conversation_id, draft)
    process = start_plain(online, "-c")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed("three"))
    process.stdin.close()
    process.stdin = None
    # It waits in a queue that is not the app's.
    first = process.stdout.readline()
    asked.server.holds["two"].release()
    asked.end(asked.other)
    assert online.end(process, first).code == 0
    assert await store.drafts.draft(asked.conversation_id) == draft
    assert "three" in asked.server.requests
    assert "a question that waits" not in asked.server.requests


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_question_waits_for_the_reply_of_another_program(
    online: Program, server: Scripted, *, ends_well: bool
) -> None:
    asked = Asked(online, server)
    process = start_plain(online, "-c")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed("three"))
    process.stdin.close()
    process.stdin = None
    assert process.stdout.readline().decode().startswith("Claude is still answering in another")
    assert "three" not in asked.server.requests
    if not ends_well:
        asked.other.send_signal(signal.SIGINT)
    asked.server.holds["two"].release()
    asked.end(asked.other)
    done = asked.end(process)
    assert (done.code, "to three" in done.out) == (0, True)
    assert asked.server.requests["three"][-1] == "three"
    assert asked.server.requests["three"][:3] == ["one", "to one", "two"]


def test_a_question_that_waits_is_taken_back_with_ctrl_c(
    online: Program, server: Scripted
) -> None:
    asked = Asked(online, server)
    process = start_plain(online, "-c")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed("three"))
    process.stdin.flush()
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    process.stdin.close()
    process.stdin = None
    done = online.end(process, first)
    assert (done.code, done.out.splitlines()[1:]) == (130, ["The question was not sent."])
    asked.server.holds["two"].release()
    asked.end(asked.other)
    assert "three" not in asked.server.requests
    assert online.rows("SELECT 1 FROM transcript WHERE text = 'three'") == []


@pytest.mark.parametrize(
    ("ended_by", "code", "state"),
    [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "interrupted")],
)
def test_a_signal_in_a_pipe_keeps_what_arrived_and_ends_it(
    online: Program, server: Scripted, ended_by: signal.Signals, code: int, state: str
) -> None:
    hold, reply = held("Hello. ", "there")
    server.will(reply)
    process = start_plain(online)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed("Hi", "Not asked"))
    process.stdin.flush()
    assert hold.reached.wait(20)
    first = process.stdout.read(len("Claude:\nHello. "))
    process.send_signal(ended_by)
    process.wait(30)
    hold.release()
    process.stdin.close()
    process.stdin = None
    done = online.end(process, first)
    assert done.code == code
    rows = online.rows("SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert rows == [(state, "Hello. ")]
    assert len(server.asked) == 1


# In a terminal


def plain(home: Path, server: Scripted, **environ: str) -> AbstractContextManager[Terminal]:
    """Open plain mode in a terminal that turns Ctrl+C into a signal."""
    return terminal(
        "chat",
        "--plain",
        home=home,
        size=SIZE,
        # Opening it makes it the controlling terminal, which sends the signals.
        shell='<"$(tty)"',
        environ={
            "ANTHROPIC_API_KEY": CANARY,
            "ANTHROPIC_BASE_URL": server.url,
            "LANG": "C.UTF-8",
            **environ,
        },
    )


def prompts(screen: Terminal) -> int:
    return screen.raw.count(b"You: ")


DUMB = {"TERM": "dumb"}


@pytest.mark.parametrize("environ", [{}, DUMB, {"ACCESSIBLE": "1"}], ids=str)
def test_what_was_written_is_never_changed(
    empty_home: Path, server: Scripted, environ: dict[str, str]
) -> None:
    # The user may have set this, and newer releases of readline do it by default.
    chosen = empty_home / "inputrc"
    chosen.write_text("set enable-bracketed-paste on\nset enable-meta-key on\n")
    environ = {"INPUTRC": str(chosen), **environ}
    server.will(says(f"One. {ESC}\n\n```\ncode\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n"))
    with plain(empty_home, server, **environ) as screen:
        screen.until(lambda: prompts(screen) == 1)
        screen.press("Hi\r")
        screen.until(lambda: prompts(screen) == 2)
        screen.press("/list\r")
        screen.until(lambda: prompts(screen) == 3)
        screen.press(CTRL_D)
        assert screen.until_left() == 0
        raw = screen.raw
    assert b"```\r\ncode\r\n```\r\n" in raw
    assert b"Complete: " in raw
    written = raw.replace(b"\r\n", b"\n")
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", written)
    assert b"\x1b" not in raw


def test_sentences_are_read_when_they_are_whole(empty_home: Path, server: Scripted) -> None:
    hold = Hold()
    steps = text(0, "One. Tw", "o.")
    server.will(Reply([start(), *steps[:2], hold, *steps[2:], *end()]))
    with plain(empty_home, server) as screen:
        screen.until(lambda: prompts(screen) == 1)
        screen.press("Hi\r")
        screen.until(lambda: b"One. " in screen.raw)
        assert b"Tw" not in screen.raw
        hold.release()
        screen.until(lambda: b"One. Two.\r\n" in screen.raw and prompts(screen) == 2)
        screen.press(CTRL_D)
        assert screen.until_left() == 0


def test_ctrl_c_stops_a_reply_and_twice_at_the_prompt_quits(
    empty_home: Path, server: Scripted
) -> None:
    hold, reply = held("Hello. ", "there")
    server.will(reply, says("Again."))
    with plain(empty_home, server) as screen:
        modes = screen.modes()
        screen.until(lambda: prompts(screen) == 1)
        screen.press("Hi\r")
        screen.until(lambda: b"Hello. " in screen.raw)
        screen.press(CTRL_C)
        screen.until(lambda: b"Stopped." in screen.raw and prompts(screen) == 2)
        screen.press(CTRL_C)
        screen.until(lambda: b"Press Ctrl+C again to quit." in screen.raw)
        # After a line, it is not a second press.
        screen.press("More\r")
        screen.until(lambda: b"Again." in screen.raw and prompts(screen) == 4)
        screen.press(CTRL_C)
        screen.until(lambda: screen.raw.count(b"Press Ctrl+C again to quit.") == 2)
        screen.press(CTRL_C)
        assert screen.until_left() == 0
        assert screen.modes() == modes
    hold.release()


def test_a_long_wait_is_asked_about(empty_home: Path, server: Scripted) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="300"))
    with plain(empty_home, server) as screen:
        screen.until(lambda: prompts(screen) == 1)
        screen.press("Hi\r")
        screen.until(lambda: b"Type yes or no: " in screen.raw)
        screen.press("no\r")
        screen.until(lambda: b"Failed: " in screen.raw and prompts(screen) == 2)
        screen.press(CTRL_D)
        assert screen.until_left() == 0
    assert len(server.asked) == 1


def test_a_signal_gives_the_terminal_back(empty_home: Path, server: Scripted) -> None:
    with plain(empty_home, server) as screen:
        modes = screen.modes()
        screen.until(lambda: prompts(screen) == 1)
        screen.process.send_signal(signal.SIGTERM)
        assert screen.until_left() == 143
        assert screen.modes() == modes
