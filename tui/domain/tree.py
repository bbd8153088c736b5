"""Draws the tree of a conversation as lines, with indented branches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui.domain.conversation import Role, State


@dataclass(frozen=True, slots=True)
class Node:
    """A message as a tree shows it."""

    id: str
    parent_id: str | None
    role: Role
    state: State
    created_ms: int
    model: str | None
    words: str
    """The beginning of its text."""
    is_deleted: bool
    is_continuation: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the drawing."""

    rails: str
    """The tree lines before the message."""
    node: Node


def drawn(nodes: Sequence[Node]) -> list[Branch]:
    """Return the lines of a tree, with each message below its parent.

    An only child has the indentation of its parent. Several versions are indented below
    their parent, the oldest first. Leaves out a deleted message without children.
    """
    children = defaultdict[str | None, list[Node]](list)
    known = {node.id for node in nodes}
    for node in nodes:
        children[node.parent_id if node.parent_id in known else None].append(node)
    for node in reversed(nodes):
        if node.is_deleted and not children[node.id]:
            siblings = children[node.parent_id if node.parent_id in known else None]
            siblings.remove(node)
    return list(_lines(children))


def _lines(children: dict[str | None, list[Node]]) -> Iterator[Branch]:
    # A stack instead of recursion: a conversation may be deeper than Python's stack.
    stack = (
        _indented(children[None], "") if len(children[None]) > 1 else _below(children[None], "")
    )
    while stack:
        node, own_rails, rails_below = stack.pop()
        yield Branch(own_rails, node)
        following = children[node.id]
        if len(following) > 1:
            stack += _indented(following, rails_below)
        else:
            stack += _below(following, rails_below)


def _below(nodes: Sequence[Node], rails: str) -> list[tuple[Node, str, str]]:
    return [(node, rails, rails) for node in nodes]


def _indented(nodes: Sequence[Node], rails: str) -> list[tuple[Node, str, str]]:
    """Return versions, each with its own rails and the rails of the lines below it.

    The last one comes first, because the result is pushed on a stack.
    """
    if len(nodes) == 1:
        return [(nodes[0], rails, rails)]
    last = len(nodes) - 1
    return [
        (node, rails + ("└ " if at == last else "├ "), rails + ("  " if at == last else "│ "))
        for at, node in reversed(list(enumerate(nodes)))
    ]
