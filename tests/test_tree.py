"""The tree of a conversation, drawn as lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.tree import Node, drawn


def node(name: str, parent: str | None = None, *, is_deleted: bool = False) -> Node:
    return Node(
        name, parent, "user", "complete", 0, None, name, is_deleted, is_continuation=False
    )


def picture(*nodes: Node) -> list[str]:
    return [branch.rails + branch.node.id for branch in drawn(nodes)]


def test_replies_are_below_their_questions_and_versions_are_indented() -> None:
    assert picture(
        node("a"),
        node("b", "a"),
        node("c", "b"),
        node("b2", "a"),
        node("d", "c"),
        node("c2", "b"),
    ) == ["a", "├ b", "│ ├ c", "│ │ d", "│ └ c2", "└ b2"]


def test_several_beginnings_are_versions_too() -> None:
    assert picture(node("a"), node("a2"), node("b", "a2")) == ["├ a", "└ a2", "  b"]


def test_deleted_messages_are_left_out_unless_something_follows_them() -> None:
    gone = {"is_deleted": True}
    assert picture(node("a"), node("b", "a", **gone), node("c", "b", **gone)) == ["a"]
    assert picture(node("a"), node("b", "a", **gone), node("c", "b")) == ["a", "b", "c"]


def test_an_empty_tree_has_no_lines() -> None:
    assert picture() == []


@given(st.lists(st.integers(-1, 30), max_size=30))
def test_every_message_is_there_once_below_its_parent(parents: list[int]) -> None:
    nodes = [
        node(str(at), str(parent) if 0 <= parent < at else None)
        for at, parent in enumerate(parents)
    ]
    ids = [branch.node.id for branch in drawn(nodes)]
    assert sorted(ids) == sorted(each.id for each in nodes)
    for each in nodes:
        assert each.parent_id is None or ids.index(each.parent_id) < ids.index(each.id)


def test_a_very_long_conversation_is_no_deeper_than_a_short_one() -> None:
    nodes = [node("0"), *(node(str(at), str(at - 1)) for at in range(1, 5000))]
    assert {branch.rails for branch in drawn(nodes)} == {""}
