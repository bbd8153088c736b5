"""Text that is fed is split into pieces that can be parsed independently."""

from __future__ import annotations

import pytest

from tui.text.markdown.feed_queue import MAX_TAKEN, FeedQueue, TextEnd


@pytest.mark.parametrize(("first", "second"), [("a\r", "\nb"), ("a\ud83d", "\ude00b")])
def test_half_of_a_character_waits_for_the_other_half(first: str, second: str) -> None:
    queue = FeedQueue()
    queue.feed(first)
    assert queue.take() == "a"
    queue.feed(second)
    assert queue.take() in ("\nb", "😀b")


def test_a_half_that_nothing_follows_ends_its_own_text() -> None:
    queue = FeedQueue()
    queue.feed("a\r")
    queue.part(None)
    queue.feed("b")
    assert [queue.take() for _ in range(3)] == ["a", TextEnd("\n", None), "b"]
    assert queue.is_empty
    assert queue.passages == ("a\r", "b")


def test_much_is_taken_in_mouthfuls() -> None:
    queue = FeedQueue()
    queue.feed("x" * (MAX_TAKEN + 1))
    assert queue.take() == "x" * MAX_TAKEN
    assert queue.take() == "x"
    assert queue.is_empty
