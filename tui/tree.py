"""The shape of a conversation as lines: a branch is set in, what goes on is below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui.conversation import Role, State


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
    """How it begins."""
    is_deleted: bool
    is_continuation: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the picture."""

    rails: str
    """What is drawn before the message."""
    node: Node


def drawn(nodes: Sequence[Node]) -> list[Branch]:
    """Return the lines of a tree, each message below the one it follows.

    Messages that follow each other without another version stand one below the other;
    versions are set in below the message they follow, the oldest first. A deleted message
    is left out where nothing follows it.
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
    # A stack of its own: a conversation may be deeper than Python's.
    left = (
        _set_in(children[None], "") if len(children[None]) > 1 else _below(children[None], "")
    )
    while left:
        node, first, rest = left.pop()
        yield Branch(first, node)
        following = children[node.id]
        if len(following) > 1:
            left += _set_in(following, rest)
        else:
            left += _below(following, rest)


def _below(nodes: Sequence[Node], rails: str) -> list[tuple[Node, str, str]]:
    return [(node, rails, rails) for node in nodes]


def _set_in(nodes: Sequence[Node], rails: str) -> list[tuple[Node, str, str]]:
    """Return what follows a message, with rails of its own and of what is below it.

    The last first: it is a stack.
    """
    if len(nodes) == 1:
        return [(nodes[0], rails, rails)]
    last = len(nodes) - 1
    return [
        (node, rails + ("└ " if at == last else "├ "), rails + ("  " if at == last else "│ "))
        for at, node in reversed(list(enumerate(nodes)))
    ]
