"""Continuing a reply that broke off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.continuation import (
    MAX_REPETITION,
    MIN_REPETITION,
    can_continue,
    joined,
    opening,
    repeated,
    request,
    shown,
)
from tui.domain.conversation import Block, Message, State


def reply(text: str, state: State = "stopped") -> Message:
    return Message(
        "r", "c", "assistant", (Block({"type": "text", "text": text}),), 0, state=state
    )


@pytest.mark.parametrize("state", ["cut_off", "stopped", "interrupted", "max_tokens"])
def test_a_reply_that_broke_off_with_text_can_be_continued(state: State) -> None:
    assert can_continue(reply("The moon", state))
    assert not can_continue(reply(" \n", state))


@pytest.mark.parametrize("state", ["complete", "refused", "failed", "streaming"])
def test_nothing_else_can(state: State) -> None:
    assert not can_continue(reply("The moon", state))
    with pytest.raises(ValueError, match="cannot be continued"):
        request(reply("The moon", state))


def test_the_request_quotes_the_end() -> None:
    asked = request(reply("a" * 1000 + " and so the moon"))
    assert " and so the moon</end>" in asked
    assert len(asked) < 600


def test_a_repetition_is_left_out_once() -> None:
    first = "It rises in the east, as the sun does"
    assert joined(first, "east, as the sun does, but later.") == first + ", but later."
    assert joined(first, ", but later.") == first + ", but later."


TEXTS = st.text("ab \n", max_size=60)


@given(TEXTS, TEXTS)
def test_neither_part_loses_anything_but_the_repetition(first: str, second: str) -> None:
    length = repeated(first, second)
    assert length == 0 or MIN_REPETITION <= length <= MAX_REPETITION
    assert joined(first, second) == first + second[length:]
    assert first.endswith(second[:length])


@given(TEXTS, st.text("cd", min_size=MIN_REPETITION, max_size=30), TEXTS)
def test_every_repetition_is_found(first: str, again: str, rest: str) -> None:

    assert repeated(first + again, again + rest) >= len(again)


def test_the_rest_of_a_code_block_is_shown_as_code() -> None:
    first = "See:\n\n```python\nfor i in range(3):\n    pri"
    assert shown(first, "nt(i)\n```\n") == "```python\nnt(i)\n```\n"
    assert shown(first + "nt(i)\n```\nAnd", " then") == " then"
    assert opening("~~~\n```\ncode") == "~~~\n"
    assert opening("````\n```\ncode") == "````\n"
    assert opening("`` ` not a fence") == ""
