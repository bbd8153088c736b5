"""What is sent for a path."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.conversation import Block, Message
from tui.domain.prompt import prompt
from tui.domain.wire import Json

HERE, ELSEWHERE = "api.example#1", "api.example#2"


def text(words: str, *, is_sendable: bool = True) -> Block:
    return Block({"type": "text", "text": words}, is_sendable=is_sendable)


def thought(words: str = "Hm.") -> Block:
    return Block({"type": "thinking", "thinking": words, "signature": "c2ln"})


def question(words: str = "?") -> Message:
    return Message("q", "c", "user", (text(words),), 0)


def reply(*blocks: Block, endpoint: str = HERE) -> Message:
    return Message("r", "c", "assistant", blocks, 0, endpoint=endpoint)


def made(*messages: Message, system: str = "") -> list[Message]:
    """Return a path in which each reply has the digest of its own context."""
    line: list[Message] = []
    for message in messages:
        if message.role == "assistant" and message.context is None:
            under = prompt(line, endpoint=message.endpoint or "", system=system)
            line.append(replace(message, context=under.context))
        else:
            line.append(message)
    return line


def kinds(sent: list[Json]) -> list[list[str]]:
    """Return the types of the blocks of every reply that is sent."""
    return [
        [block["type"] for block in message["content"]]
        for message in sent
        if message["role"] == "assistant"
    ]


def sent(line: list[Message], *, system: str = "") -> list[Json]:
    return prompt(line, endpoint=HERE, system=system).messages


THREE = (
    question("one?"), reply(thought(), text("one")),
    question("two?"), reply(thought(), text("two")),
    question("three?"), reply(thought(), text("three")),
    question("four?"),
)  # fmt: skip
ALL, NONE = ["thinking", "text"], ["text"]


def test_blocks_are_sent_as_they_came_in_the_order_of_their_keys() -> None:
    wire = {
        "signature": "c2ln",
        "extra": {"b": 1, "a": None},
        "type": "thinking",
        "thinking": "",
    }
    messages = sent(made(question(), reply(Block(wire), text("Yes."))))
    assert messages == [
        {"role": "user", "content": [{"type": "text", "text": "?"}]},
        {"role": "assistant", "content": [wire, {"type": "text", "text": "Yes."}]},
    ]
    assert list(messages[1]["content"][0]) == list(wire)


def test_thinking_goes_back_where_nothing_before_it_has_changed() -> None:
    assert kinds(sent(made(*THREE))) == [ALL, ALL, ALL]


def test_thinking_is_left_out_of_replies_of_another_account() -> None:
    redacted = Block({"type": "redacted_thinking", "data": "eHh4"})
    other = reply(thought(), redacted, text("two"), endpoint=ELSEWHERE)
    line = made(*THREE[:3], other, *THREE[4:])
    assert kinds(sent(line)) == [ALL, NONE, ALL]


@pytest.mark.parametrize(
    ("gone", "left"),
    [(0, [NONE, NONE]), (1, [NONE, NONE]), (2, [ALL, NONE, NONE]), (5, [ALL, ALL])],
)
def test_it_is_left_out_from_where_a_message_is_gone(gone: int, left: list[list[str]]) -> None:
    line = made(*THREE)
    del line[gone]
    assert kinds(sent(line)) == left


def test_a_reply_made_after_the_change_keeps_its_own_until_the_change_is_undone() -> None:
    line = made(*THREE)
    shorter = [*line[:2], *line[4:]]
    after = made(*shorter, reply(thought(), text("four")))[-1]
    assert kinds(sent([*shorter, after])) == [ALL, NONE, ALL]
    assert kinds(sent([*line, after])) == [ALL, ALL, ALL, NONE]


def test_a_new_system_prompt_leaves_out_all_thinking() -> None:
    line = made(*THREE, system="Be brief.")
    assert kinds(sent(line, system="Be brief.")) == [ALL, ALL, ALL]
    assert kinds(sent(line, system="Be long.")) == [NONE, NONE, NONE]
    assert kinds(sent(line)) == [NONE, NONE, NONE]


def test_unsendable_blocks_and_replies_of_only_such_blocks_are_left_out() -> None:
    unfinished = Block({"type": "thinking", "thinking": "Hm"}, is_sendable=False)
    messages = sent(made(
        question("one"), reply(unfinished, text("Half")),
        question("two"), reply(unfinished),
        question("three"), reply(),
        question("four"), reply(thought(), endpoint=ELSEWHERE),
        question("five"),
    ))  # fmt: skip
    assert kinds(messages) == [["text"]]
    assert [message["role"] for message in messages].count("user") == 5


def test_thinking_that_nothing_follows_is_left_out_and_so_is_a_reply_of_nothing_else() -> None:
    redacted = Block({"type": "redacted_thinking", "data": "eHh4"})
    messages = sent(made(
        question("one"), reply(thought(), text("one"), thought(), redacted),
        question("two"), reply(thought(), redacted),
        question("three"), reply(thought(), text("three")),
        question("four"),
    ))  # fmt: skip
    assert kinds(messages) == [ALL, ALL]
    assert [message["role"] for message in messages].count("user") == 4


def test_a_reply_whose_first_question_is_gone_does_not_open_the_prompt() -> None:
    assert [m["role"] for m in sent(made(*THREE)[1:])] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]


BLOCKS = st.lists(
    st.builds(
        Block,
        st.sampled_from([text("x").wire, thought().wire, {"type": "tool_use", "id": "t"}]),
        is_sendable=st.booleans(),
    ),
    max_size=4,
).map(tuple)
LINES = st.lists(
    st.builds(
        Message,
        id=st.just("m"),
        conversation_id=st.just("c"),
        role=st.sampled_from(["user", "assistant"]),
        blocks=BLOCKS,
        created_ms=st.just(0),
        endpoint=st.sampled_from([HERE, ELSEWHERE]),
    ),
    max_size=6,
)


@given(LINES)
def test_no_message_is_ever_sent_empty_and_nothing_is_made_up(line: list[Message]) -> None:
    messages = sent(line)
    assert all(message["content"] for message in messages)
    assert not messages or messages[0]["role"] == "user"
    every = [json.dumps(block.wire) for message in line for block in message.blocks]
    went = [json.dumps(wire) for message in messages for wire in message["content"]]
    left = iter(every)
    assert all(wire in left for wire in went)


@given(LINES, st.data())
def test_a_thought_goes_back_only_behind_the_very_prompt_it_was_made_under(
    messages: list[Message], data: st.DataObject
) -> None:
    line = made(*messages)
    made_under = {
        id(message): json.dumps(prompt(line[:at], endpoint=message.endpoint or "").messages)
        for at, message in enumerate(line)
    }
    kept = [message for message in line if data.draw(st.booleans())]
    now = sent(kept)
    for at, message in enumerate(now):
        if message["role"] != "assistant":
            continue
        if not any(block["type"] == "thinking" for block in message["content"]):
            continue
        before = json.dumps(now[:at])
        assert any(made_under[id(each)] == before for each in kept if each.role == "assistant")
