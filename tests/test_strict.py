"""Thinking is bound to its context: if that has changed, it is not sent back."""

from __future__ import annotations

from tests.scripted import Scripted
from tests.strict import Piece, Plan, Strict
from tests.turns import converse
from tui.claude import Claude
from tui.store import Store

THINKS = Plan((Piece("thinking", ("Hm", " so")), Piece("text", ("Hello", " there"))))


async def test_thinking_bound_to_a_deleted_message_is_not_sent(
    server: Scripted, claude: Claude, store: Store
) -> None:
    strict = Strict(server)
    strict.plans.extend([THINKS] * 6)
    first = await converse(store, claude, "one")
    second = await converse(store, claude, "two", after=first)
    third = await converse(store, claude, "three", after=second)
    assert strict.thoughts_taken == 3
    await store.branches.delete(first.id)
    fourth = await converse(store, claude, "four", after=third)
    assert (strict.refusals, strict.thoughts_taken) == ([], 3)
    # The context of the replies made since then has not changed.
    await converse(store, claude, "five", after=fourth)
    assert (strict.refusals, strict.thoughts_taken) == ([], 4)
    await store.branches.restore(first.id, fourth.id)
    await converse(store, claude, "six", after=fourth)
    assert (strict.refusals, strict.thoughts_taken) == ([], 7)


async def test_an_edit_takes_no_thought_of_what_it_leaves(
    server: Scripted, claude: Claude, store: Store
) -> None:
    strict = Strict(server)
    strict.plans.extend([THINKS] * 4)
    first = await converse(store, claude, "one")
    await converse(store, claude, "two", after=first)
    # The next question follows the first reply, as a version of the second question.
    await store.branches.move_tip(first.conversation_id, first.id)
    other = await converse(store, claude, "two, in other words", after=first)
    assert (strict.refusals, strict.thoughts_taken) == ([], 2)
    assert [message.text for message in await store.read_path(other.id)] == [
        "one", "Hello there", "two, in other words", "Hello there",
    ]  # fmt: skip
