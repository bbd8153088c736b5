"""Finding conversations: one by its id, or a page of the list by its place.

The list is as long as a history gets, so nothing here reads all of it, and
nothing skips from its beginning: places are found by key, in an index. Only the
sizes of groups are counted, along that index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tui.conversation import Conversation
from tui.folding import folded
from tui.listing import PAGE, Group, Key, Listed, Listing, Page, group_start
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
"""How many conversations a filter shows at most."""

_ALWAYS = (-(2**63), 2**63 - 1)
_AROUND = 100
"""How many conversations on each side of a place are read with it: more than a screen's."""


def newest_first(connection: sqlite3.Connection, limit: int) -> list[Conversation]:
    """Return the first conversations of the list; all of them for -1."""
    found = connection.execute(
        f"{_CONVERSATIONS} AND c.archived_ms IS NULL {_IN_ORDER} LIMIT ?", [limit]
    )
    return [rows.conversation_from(row) for row in found]


def by_id(connection: sqlite3.Connection, conversation_id: str) -> Conversation | None:
    """Return a conversation that is not in the trash."""
    row = connection.execute(f"{_CONVERSATIONS} AND c.id = ?", [conversation_id]).fetchone()
    return None if row is None else rows.conversation_from(row)


def by_part_of_id(connection: sqlite3.Connection, part: str) -> list[Conversation]:
    """Return up to three whose id begins with `part` or ends in its 6 letters."""
    low, tail = part.lower(), part.lower() if len(part) == 6 else None
    found = connection.execute(
        f"{_CONVERSATIONS} AND (substr(c.id, 1, length(:low)) = :low"
        " OR substr(c.id, -6) = :tail) ORDER BY c.id DESC LIMIT 3",
        {"low": low, "tail": tail},
    )
    return [rows.conversation_from(row) for row in found]


def last_used(connection: sqlite3.Connection, *, is_demo: bool) -> Conversation | None:
    """Return the conversation last used, of the demo's or of the others."""
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
    """Return the list's groups, with the pages around a conversation and around a place."""
    with _one_moment(connection):
        groups = tuple(_groups(connection, now_ms))
        newest = _newest(connection)
        cursor_key = _key_of(connection, cursor_id)
        cursor = None if cursor_key is None else _index_of(connection, groups, cursor_key)
        at = 0 if anchor is None else _index_of(connection, groups, anchor)
        found = Listing(groups, newest, now_ms, (), anchor, at, cursor_id, cursor)
        places = (at,) if cursor is None else (at, cursor)
        pages = (_read(connection, found, start) for start in _starts(found, places))
        return replace(found, pages=tuple(pages))


def page(connection: sqlite3.Connection, found: Listing, start: int) -> Page | None:
    """Return a page of a list; None if the list is no longer that one.

    What is compared is its beginning and the sizes of the page's groups.
    """
    with _one_moment(connection):
        is_same = _newest(connection) == found.newest and all(
            _count(connection, int(group.is_pinned), group.since_ms, group.until_ms)
            == group.count
            for group in found.groups
            if group.first < start + PAGE and start < group.first + group.count
        )
        return _read(connection, found, start) if is_same else None


def neighbour(connection: sqlite3.Connection, conversation_id: str, step: int) -> str | None:
    """Return the next conversation of the list (`step` 1) or the one before it (-1).

    None past either end. Of a conversation that is not in the list: the first.
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
    """Count the groups, newest first. Empty ones are skipped, however many."""
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
    """Return the first key of the pinned ones and the first of the others."""
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
    """Return how many conversations come before a key, whether it is in the list or not."""
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


def _starts(found: Listing, places: tuple[int, ...]) -> list[int]:
    """Return where the pages begin that lie around some places."""
    around = {
        max(0, index) // PAGE * PAGE
        for place in places
        for index in (place - _AROUND, place, place + _AROUND)
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
            Listed(name, title, used, bool(is_pinned), state)
            for name, title, used, is_pinned, state in read
        ),
    )


def _key_at(connection: sqlite3.Connection, found: Listing, index: int) -> Key:
    """Return the key at an index, counted from the nearer end of its group."""
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


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Generator[None]:
    """Let several queries see the history as it is now."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def filtered(
    connection: sqlite3.Connection, now_ms: int, typed: str, *, is_archived: bool
) -> Listing:
    """Return the newest conversations whose titles hold all the words, at most `FILTERED`.

    A word with # before it is the beginning of a tag.
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
            values.append(folded(word))
    # Only the index is read for all, the conversations themselves for those found.
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
            Listed(name, title, used, bool(is_pinned), state)
            for name, title, used, is_pinned, state in found
        ],
        now_ms,
    )


def _listing_of(found: list[Listed], now_ms: int) -> Listing:
    """Return a list of these conversations, all of their pages with it."""
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
