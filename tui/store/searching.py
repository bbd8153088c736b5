"""Finding what was said: a query into SQL, newest first.

Ranking by relevance costs in proportion to all that match, the newest fifty of them
one millisecond; see `matching`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tui.pairs import asked, spaced
from tui.search import Hit, Query, Term, snippet

SNIPPET = 160
"""About how many characters a snippet has."""

SCANNED = 20_000
"""How many of the newest blocks are looked at for what no index finds."""

_HITS = """
    SELECT b.n, b.type, b.text, m.id AS message_id, m.role, m.state, m.model, m.created_ms,
        c.id AS conversation_id, c.title
    FROM {source}
    CROSS JOIN blocks AS b ON b.n = {number}
    CROSS JOIN messages AS m ON m.id = b.message_id
    CROSS JOIN conversations AS c ON c.id = m.conversation_id
    WHERE c.deleted_ms IS NULL AND m.deleted_ms IS NULL AND b.text IS NOT NULL{conditions}
    ORDER BY {number} DESC LIMIT :limit
"""
# Each index gives its rows newest first, so that only as many are read as are shown.
_EITHER = """(
        SELECT rowid AS n FROM blocks_fts WHERE blocks_fts MATCH :asked
        UNION
        SELECT rowid AS n FROM pairs_fts WHERE pairs_fts MATCH :asked
        ORDER BY n DESC
    ) AS f"""
_MESSAGES = """
    SELECT m.n, coalesce(b.type, 'text') AS type, coalesce(b.text, '') AS text,
        m.id AS message_id, m.role, m.state, m.model, m.created_ms,
        c.id AS conversation_id, c.title
    FROM messages AS m
    CROSS JOIN conversations AS c ON c.id = m.conversation_id
    LEFT JOIN blocks AS b ON b.n = (
        SELECT n FROM blocks WHERE message_id = m.id AND type = 'text' ORDER BY seq LIMIT 1)
    WHERE c.deleted_ms IS NULL AND m.deleted_ms IS NULL{conditions}
    ORDER BY m.n DESC LIMIT :limit
"""
_TITLES = """
    SELECT 0 AS n, 'title' AS type, c.title AS text, c.tip_id AS message_id, 'user' AS role,
        'complete' AS state, c.model, c.updated_ms AS created_ms,
        c.id AS conversation_id, c.title
    FROM conversations AS c WHERE c.deleted_ms IS NULL{conditions}
    ORDER BY c.updated_ms DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A part of a query's SQL."""

    conditions: tuple[str, ...]
    values: dict[str, object]


def matching(connection: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    """Return the newest hits of a query; of an empty one none."""
    if query.is_empty:
        return []
    if query.is_in_title:
        return _in_titles(connection, query, limit)
    others = _conditions(query)
    if not query.terms:
        sql = _MESSAGES.format(conditions=_joined(others.conditions))
        found = connection.execute(sql, others.values | {"limit": limit})
    else:
        source, number, match = _source(query.terms)
        conditions = _joined([*match.conditions, *others.conditions])
        sql = _HITS.format(source=source, number=number, conditions=conditions)
        found = connection.execute(sql, match.values | others.values | {"limit": limit})
    return [_hit(row, query.terms) for row in found]


def _source(terms: Sequence[Term]) -> tuple[str, str, _Asked]:
    """Return what to go through, its column with the block's number, what must match."""
    indexed = [term for term in terms if re.search(r"[^\W_]", term.words)]
    if not indexed:
        newest = "s.n > (SELECT coalesce(max(n), 0) FROM blocks) - :scanned"
        return "blocks AS s", "s.n", _Asked((newest,), {"scanned": SCANNED})
    phrases = " ".join(_phrase(term) for term in indexed)
    if any(spaced(term.words) for term in indexed):
        return (
            "pairs_fts AS p",
            "p.rowid",
            _Asked(("pairs_fts MATCH :asked",), {"asked": phrases}),
        )
    return _EITHER, "f.n", _Asked((), {"asked": phrases})


def _in_titles(connection: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    values: dict[str, object] = {"limit": limit}
    conditions = []
    for at, term in enumerate(query.terms):
        conditions.append(f"c.title LIKE :title{at} ESCAPE '\\'")
        values[f"title{at}"] = _anywhere(term.words)
    for name, sign in (("after_ms", ">="), ("before_ms", "<")):
        if (moment := getattr(query, name)) is not None:
            conditions.append(f"c.updated_ms {sign} :{name}")
            values[name] = moment
    if query.model:
        conditions.append("c.model LIKE :model ESCAPE '\\'")
        values["model"] = _anywhere(query.model)
    sql = _TITLES.format(conditions=_joined(conditions))
    return [_hit(row, query.terms) for row in connection.execute(sql, values)]


def _conditions(query: Query) -> _Asked:
    """Return what must hold besides the index's own matches."""
    values: dict[str, object] = {}
    conditions = []
    for name in ("state", "role"):
        if value := getattr(query, name):
            conditions.append(f"m.{name} = :{name}")
            values[name] = value
    for name, sign in (("after_ms", ">="), ("before_ms", "<")):
        if (moment := getattr(query, name)) is not None:
            conditions.append(f"m.created_ms {sign} :{name}")
            values[name] = moment
    if query.model:
        conditions.append("m.model LIKE :model ESCAPE '\\'")
        values["model"] = _anywhere(query.model)
    for at, term in enumerate(query.terms):
        if _is_literal(term.words):
            conditions.append(f"b.text LIKE :term{at} ESCAPE '\\'")
            values[f"term{at}"] = _anywhere(term.words)
    return _Asked(tuple(conditions), values)


def _joined(conditions: Sequence[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)


def _is_literal(words: str) -> bool:
    """Tell whether a term must stand in the text as it is: an index knows C++ as `c`."""
    letters = re.sub(r"[\W_]", "", words)
    return len(letters) < 3 and letters != words


def _phrase(term: Term) -> str:
    """Return a term in FTS5's own language: quoted, nothing in it is an operator."""
    words, may_go_on = asked(term.words.replace('"', " ").replace("\0", " "))
    is_prefix = may_go_on or (term.is_prefix and words[-1:].isalnum())
    return f'"{words}"' + (" *" if is_prefix else "")


def _anywhere(part: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", part)
    return f"%{escaped}%"


def _hit(row: sqlite3.Row, terms: Sequence[Term]) -> Hit:
    return Hit(
        conversation_id=row["conversation_id"],
        message_id=row["message_id"],
        title=row["title"],
        role=row["role"],
        state=row["state"],
        model=row["model"],
        created_ms=row["created_ms"],
        found_in=row["type"],
        snippet=snippet(row["text"], terms, SNIPPET),
    )
