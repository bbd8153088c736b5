"""Reads conversations: one by its id, or a page of the list by its index.

A history may have very many conversations. So no query reads the entire list or skips
from its beginning: each finds its rows by key, in an index. Only the sizes of the groups
are counted, along that index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from tui.domain.conversation import Conversation
from tui.domain.conversation_list import (
    PAGE,
    ConversationSummary,
    Group,
    Key,
    Listing,
    Page,
    group_start,
)
from tui.domain.normalise import normalise
from tui.store import rows

_CONVERSATIONS = """
    SELECT c.*, m.state AS tip_state FROM conversations AS c
    LEFT JOIN messages AS m ON m.id = c.tip_id AND m.deleted_ms IS NULL
    WHERE c.deleted_ms IS NULL
"""
_LISTED = "c.deleted_ms IS NULL AND c.archived_ms IS NULL"
_IN_ORDER = "ORDER BY c.is_pinned DESC, c.updated_ms DESC, c.id DESC"
_BACKWARDS = "ORDER BY c.is_pinned, c.updated_ms, c.id"
_KEY = "(c.is_pinned, c.updated_ms, c.id)"

_TAGGED = (
    "EXISTS (SELECT 1 FROM tags WHERE conversation_id = c.id"
    " AND tag >= ? AND substr(tag, 1, ?) = ?)"
)

FILTERED = 1000
"""The most conversations that a filter returns."""

_ALWAYS = (-(2**63), 2**63 - 1)
_AROUND = 100
"""How many conversations are read on each side of an index; more than a screen shows."""


def newest_first(connection: sqlite3.Connection, limit: int) -> list[Conversation]:
    """Return the first `limit` conversations of the list; all of them for -1."""
    found = connection.execute(
        f"{_CONVERSATIONS} AND c.archived_ms IS NULL {_IN_ORDER} LIMIT ?", [limit]
    )
    return [rows.conversation_from(row) for row in found]


def by_last_use(
    connection: sqlite3.Connection, limit: int, *, with_archived: bool
) -> list[tuple[Conversation, int]]:
    """Return conversations with their number of messages, the last used first.

    Pinned ones have no special place. With `limit` -1, returns all of them.
    """
    condition = "c.deleted_ms IS NULL" if with_archived else _LISTED
    # The inner query reads only an index. The outer one reads the rows that are returned.
    found = connection.execute(
        "SELECT c.*, m.state AS tip_state, (SELECT count(*) FROM messages"
        "  WHERE conversation_id = c.id AND deleted_ms IS NULL) AS messages FROM ("
        f"SELECT c.rowid AS n FROM conversations AS c WHERE {condition}"
        " ORDER BY c.updated_ms DESC, c.id DESC LIMIT ?"
        ") AS f CROSS JOIN conversations AS c ON c.rowid = f.n"
        " LEFT JOIN messages AS m ON m.id = c.tip_id AND m.deleted_ms IS NULL"
        " ORDER BY c.updated_ms DESC, c.id DESC",
        [limit],
    )
    return [(rows.conversation_from(row), row["messages"]) for row in found]


def by_id(connection: sqlite3.Connection, conversation_id: str) -> Conversation | None:
    """Return a conversation; None if it does not exist or is deleted."""
    row = connection.execute(f"{_CONVERSATIONS} AND c.id = ?", [conversation_id]).fetchone()
    return None if row is None else rows.conversation_from(row)


def by_part_of_id(connection: sqlite3.Connection, part: str) -> list[Conversation]:
    """Return up to three conversations whose id begins with `part`.

    If `part` has 6 characters, the id may also end with it.
    """
    low, tail = part.lower(), part.lower() if len(part) == 6 else None
    found = connection.execute(
        f"{_CONVERSATIONS} AND (substr(c.id, 1, length(:low)) = :low"
        " OR substr(c.id, -6) = :tail) ORDER BY c.id DESC LIMIT 3",
        {"low": low, "tail": tail},
    )
    return [rows.conversation_from(row) for row in found]


def last_used(connection: sqlite3.Connection, *, is_demo: bool) -> Conversation | None:
    """Return the most recently used conversation, either of the demo or of all others."""
    row = connection.execute(
        f"{_CONVERSATIONS} AND ? = EXISTS"
        " (SELECT 1 FROM messages WHERE conversation_id = c.id AND endpoint = 'demo')"
        " ORDER BY c.updated_ms DESC, c.id DESC LIMIT 1",
        [int(is_demo)],
    ).fetchone()
    return None if row is None else rows.conversation_from(row)


def listing(
    connection: sqlite3.Connection, now_ms: int, cursor_id: str | None, anchor: Key | None
) -> Listing:
    """Return the groups of the list, and its pages around `cursor_id` and `anchor`."""
    groups = tuple(_groups(connection, now_ms))
    newest = _newest(connection)
    cursor_key = _key_of(connection, cursor_id)
    cursor = None if cursor_key is None else _index_of(connection, groups, cursor_key)
    at = 0 if anchor is None else _index_of(connection, groups, anchor)
    found = Listing(groups, newest, now_ms, (), anchor, at, cursor_id, cursor)
    indexes = (at,) if cursor is None else (at, cursor)
    pages = (_read(connection, found, start) for start in _starts(found, indexes))
    return replace(found, pages=tuple(pages))


def page(connection: sqlite3.Connection, found: Listing, start: int) -> Page | None:
    """Return the page that begins at `start`; None if the list has changed since `found`.

    Compares the beginning of the list and the sizes of the page's groups.
    """
    is_same = _newest(connection) == found.newest and all(
        _count(connection, int(group.is_pinned), group.since_ms, group.until_ms) == group.count
        for group in found.groups
        if group.first < start + PAGE and start < group.first + group.count
    )
    return _read(connection, found, start) if is_same else None


def neighbour(connection: sqlite3.Connection, conversation_id: str, step: int) -> str | None:
    """Return the next conversation of the list (`step` 1) or the one before it (-1).

    Returns None past either end, and the first conversation if the given one is not in the
    list.
    """
    key = _key_of(connection, conversation_id)
    if key is None:
        key, step = (2, 0, ""), 1
    sign, order = ("<", _IN_ORDER) if step > 0 else (">", _BACKWARDS)
    row = connection.execute(
        f"SELECT c.id FROM conversations AS c"
        f" WHERE {_LISTED} AND {_KEY} {sign} (?, ?, ?) {order} LIMIT 1",
        key,
    ).fetchone()
    return None if row is None else str(row[0])


def _groups(connection: sqlite3.Connection, now_ms: int) -> Iterator[Group]:
    """Yield the groups with their sizes, newest first, without empty ones."""
    since_ms, until_ms = _ALWAYS
    first = _count(connection, 1, since_ms, until_ms)
    if first:
        yield Group(0, first, is_pinned=True, since_ms=since_ms, until_ms=until_ms)
    while (newest_ms := _last_use(connection, until_ms)) is not None:
        since_ms = group_start(newest_ms, now_ms)
        count = _count(connection, 0, since_ms, until_ms)
        yield Group(first, count, is_pinned=False, since_ms=since_ms, until_ms=until_ms)
        first, until_ms = first + count, since_ms


def _count(connection: sqlite3.Connection, is_pinned: int, since_ms: int, until_ms: int) -> int:
    (count,) = connection.execute(
        f"SELECT count(*) FROM conversations AS c WHERE {_LISTED}"
        " AND c.is_pinned = ? AND c.updated_ms >= ? AND c.updated_ms < ?",
        [is_pinned, since_ms, until_ms],
    ).fetchone()
    return int(count)


def _last_use(connection: sqlite3.Connection, until_ms: int) -> int | None:
    row = connection.execute(
        f"SELECT c.updated_ms FROM conversations AS c WHERE {_LISTED}"
        " AND c.is_pinned = 0 AND c.updated_ms < ? ORDER BY c.updated_ms DESC LIMIT 1",
        [until_ms],
    ).fetchone()
    return None if row is None else int(row[0])


def _newest(connection: sqlite3.Connection) -> tuple[Key, ...]:
    """Return the key of the first pinned conversation and of the first other one."""
    found = (
        connection.execute(
            f"SELECT c.is_pinned, c.updated_ms, c.id FROM conversations AS c"
            f" WHERE {_LISTED} AND c.is_pinned = ? {_IN_ORDER} LIMIT 1",
            [is_pinned],
        ).fetchone()
        for is_pinned in (1, 0)
    )
    return tuple((row[0], row[1], row[2]) for row in found if row is not None)


def _key_of(connection: sqlite3.Connection, conversation_id: str | None) -> Key | None:
    row = connection.execute(
        f"SELECT c.is_pinned, c.updated_ms, c.id FROM conversations AS c"
        f" WHERE {_LISTED} AND c.id = ?",
        [conversation_id],
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _index_of(connection: sqlite3.Connection, groups: tuple[Group, ...], key: Key) -> int:
    """Return how many conversations come before a key, which need not be in the list."""
    is_pinned, updated_ms, _ = key
    for group in groups:
        if group.is_pinned < is_pinned:
            return group.first
        if group.is_pinned == is_pinned and group.since_ms <= updated_ms:
            return group.first + _count_before(connection, group, key)
    return groups[-1].first + groups[-1].count if groups else 0


def _count_before(connection: sqlite3.Connection, group: Group, key: Key) -> int:
    (count,) = connection.execute(
        f"SELECT count(*) FROM conversations AS c WHERE {_LISTED}"
        " AND c.is_pinned = ? AND (c.updated_ms, c.id) > (?, ?) AND c.updated_ms < ?",
        [*key, group.until_ms],
    ).fetchone()
    return int(count)


def _starts(found: Listing, indexes: tuple[int, ...]) -> list[int]:
    """Return the starts of the pages around some indexes."""
    around = {
        max(0, near) // PAGE * PAGE
        for index in indexes
        for near in (index - _AROUND, index, index + _AROUND)
    }
    return sorted(start for start in around if start < found.count)


def _read(connection: sqlite3.Connection, found: Listing, start: int) -> Page:
    key = _key_at(connection, found, start)
    read = connection.execute(
        "SELECT c.id, c.title, c.updated_ms, c.is_pinned, m.state FROM conversations AS c"
        " LEFT JOIN messages AS m ON m.id = c.tip_id AND m.deleted_ms IS NULL"
        f" WHERE {_LISTED} AND {_KEY} <= (?, ?, ?) {_IN_ORDER} LIMIT ?",
        [*key, PAGE],
    )
    return Page(
        start,
        tuple(
            ConversationSummary(name, title, used, bool(is_pinned), state)
            for name, title, used, is_pinned, state in read
        ),
    )


def _key_at(connection: sqlite3.Connection, found: Listing, index: int) -> Key:
    """Return the key at an index; count from the nearer end of its group."""
    group = found.group_of(index)
    skipped = index - group.first
    order, is_backwards = _IN_ORDER, skipped > group.count // 2
    if is_backwards:
        order, skipped = _BACKWARDS, group.count - 1 - skipped
    row = connection.execute(
        f"SELECT c.is_pinned, c.updated_ms, c.id FROM conversations AS c WHERE {_LISTED}"
        f" AND c.is_pinned = ? AND c.updated_ms >= ? AND c.updated_ms < ?"
        f" {order} LIMIT 1 OFFSET ?",
        [int(group.is_pinned), group.since_ms, group.until_ms, skipped],
    ).fetchone()
    return row[0], row[1], row[2]


def filtered(
    connection: sqlite3.Connection, now_ms: int, typed: str, *, is_archived: bool
) -> Listing:
    """Return the newest conversations with all the words in their titles, at most `FILTERED`.

    A word that begins with # is the beginning of a tag.
    """
    index = "conversations_archived" if is_archived else "conversations_by_title"
    where = ["c.deleted_ms IS NULL", f"c.archived_ms IS {'NOT ' if is_archived else ''}NULL"]
    values: list[object] = []
    for word in typed.split():
        if word.startswith("#") and (tag := word.strip("#,").casefold()):
            where.append(_TAGGED)
            values += [tag, len(tag), tag]
        else:
            where.append("instr(c.folded_title, ?) > 0")
            values.append(normalise(word))
    # The inner query reads only an index. The outer one reads the rows that are returned.
    found = connection.execute(
        "SELECT c.id, c.title, c.updated_ms, c.is_pinned, m.state FROM ("
        f"SELECT c.rowid AS n FROM conversations AS c INDEXED BY {index}"
        f" WHERE {' AND '.join(where)} {_IN_ORDER} LIMIT {FILTERED}"
        ") AS f CROSS JOIN conversations AS c ON c.rowid = f.n"
        " LEFT JOIN messages AS m ON m.id = c.tip_id AND m.deleted_ms IS NULL"
        f" {_IN_ORDER}",
        values,
    )
    return _listing_of(
        [
            ConversationSummary(name, title, used, bool(is_pinned), state)
            for name, title, used, is_pinned, state in found
        ],
        now_ms,
    )


def _listing_of(found: list[ConversationSummary], now_ms: int) -> Listing:
    """Return a listing of these conversations, with all its pages."""
    groups: list[Group] = []
    for at, each in enumerate(found):
        since_ms, until_ms = _ALWAYS
        if not each.is_pinned:
            since_ms = group_start(each.updated_ms, now_ms)
        if groups and (groups[-1].is_pinned, groups[-1].since_ms) == (each.is_pinned, since_ms):
            groups[-1] = replace(groups[-1], count=groups[-1].count + 1)
        else:
            groups.append(Group(at, 1, each.is_pinned, since_ms, until_ms))
    pages = (
        Page(start, tuple(found[start : start + PAGE])) for start in range(0, len(found), PAGE)
    )
    return Listing(tuple(groups), (), now_ms, tuple(pages))
