"""Finding what was said: a query into SQL.

To rank all that matches costs in proportion to it, the newest fifty one millisecond;
so only the newest are ranked, by their own texts. See `matching`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from tui.folding import folded
from tui.pairs import asked, spaced
from tui.search import Found, Hit, Order, Query, Term, snippet
from tui.store import substrings

SNIPPET = 160
"""About how many characters a snippet has."""

RANKED = 2_000
"""How many of the newest matches are ranked."""

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


_NEWEST = "f.n > (SELECT coalesce(max(n), 0) FROM blocks) - :scanned"
_TAGGED = "EXISTS (SELECT 1 FROM tags WHERE conversation_id = c.id AND tag = :tag)"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A part of a query's SQL."""

    conditions: tuple[str, ...]
    values: dict[str, object]


def matching(
    connection: sqlite3.Connection, query: Query, limit: int, order: Order = "newest"
) -> Found:
    """Return the hits of a query; of an empty one none.

    Interrupted, it returns what it has.
    """
    if query.is_empty:
        return Found(())
    found: list[sqlite3.Row] = []
    is_cut = False
    try:
        for row in _rows(connection, query, RANKED if order == "best" else limit):
            found.append(row)  # noqa: PERF402 - what there is when it is interrupted
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        is_cut = True
    if order == "best":
        found = _ranked(found, query.terms)
    shown = found[:limit] if limit >= 0 else found
    return Found(tuple(_hit(row, query.terms) for row in shown), is_cut)


def _ranked(rows: Sequence[sqlite3.Row], terms: Sequence[Term]) -> list[sqlite3.Row]:
    """Return the rows that match best first: where the terms are many, in few words.

    The newer one of two that are alike. As BM25, but for how rare a word is: to know
    that, FTS5 looks at everything that has it, and here all that are found have all.
    """
    if not rows:
        return []
    wanted = [term.words.lower() for term in terms]
    texts = [row["text"].lower() for row in rows]
    mean = sum(map(len, texts)) / len(texts) or 1

    def score(text: str) -> float:
        length = 0.25 + 0.75 * len(text) / mean
        # Found once at least, though perhaps with other accents.
        often = (max(1, text.count(words)) for words in wanted)
        return sum(count / (count + 1.2 * length) for count in often)

    scores = {row["n"]: score(text) for row, text in zip(rows, texts, strict=True)}
    return sorted(rows, key=lambda row: -scores[row["n"]])


def _rows(connection: sqlite3.Connection, query: Query, limit: int) -> Iterable[sqlite3.Row]:
    if query.is_in_title:
        return _in_titles(connection, query, limit)
    query = replace(query, terms=tuple(map(_as_indexed, query.terms)))
    others = _conditions(query)
    conditions, values = _joined(others.conditions), others.values | {"limit": limit}
    if not query.terms:
        return connection.execute(_MESSAGES.format(conditions=conditions), values)
    connection.create_function("holds", 2, _holds, deterministic=True)
    asked_for = _asked_for(query.terms)
    if not asked_for and (inside := _inside(connection, query.terms)):
        values["asked"] = inside
        return _newest(connection, (substrings.INDEX,), conditions, values)
    if not asked_for:
        conditions = f" AND {_NEWEST}{conditions}"
        sql = _HITS.format(source="blocks AS f", number="f.n", conditions=conditions)
        return connection.execute(sql, values | {"scanned": SCANNED})
    values["asked"] = asked_for
    is_in_pairs = any(spaced(term.words) for term in query.terms)
    indexes = ("pairs_fts",) if is_in_pairs else ("blocks_fts", "pairs_fts")
    return _newest(connection, indexes, conditions, values)


def _newest(
    connection: sqlite3.Connection,
    indexes: Sequence[str],
    conditions: str,
    values: dict[str, Any],
) -> Iterator[sqlite3.Row]:
    """Yield the newest matches of some indexes, each block once."""
    # Merged here: each index gives its rows newest first, and only as many are read as
    # are shown, where a UNION in SQL would collect all of them.
    rows = merge(
        *(
            connection.execute(
                _HITS.format(
                    source=index,
                    number=f"{index}.rowid",
                    conditions=f" AND {index} MATCH :asked{conditions}",
                ),
                values,
            )
            for index in indexes
        ),
        key=itemgetter("n"),
        reverse=True,
    )
    each_once = (next(same) for _, same in groupby(rows, itemgetter("n")))
    return islice(each_once, values["limit"] if values["limit"] >= 0 else None)


def _asked_for(terms: Sequence[Term]) -> str:
    """Return what an index of words is asked for; "" if it knows none of the terms."""
    indexed = [
        term for term in terms if not term.is_inside and re.search(r"[^\W_]", term.words)
    ]
    return " ".join(_phrase(term) for term in indexed)


def _inside(connection: sqlite3.Connection, terms: Sequence[Term]) -> str:
    return substrings.asked(connection, [term.words for term in terms if term.is_inside])


def _as_indexed(term: Term) -> Term:
    """Return the term for the words' indexes where they know it inside of words too."""
    is_in_pairs = term.is_inside and all(map(spaced, term.words))
    return replace(term, is_inside=False) if is_in_pairs else term


def _holds(text: str | None, part: str) -> bool:
    """Tell whether a part stands in a text, whatever their case.

    LIKE knows the case of the Latin alphabet only, and refuses long patterns.
    """
    return text is not None and part in text.casefold()


def _in_titles(connection: sqlite3.Connection, query: Query, limit: int) -> sqlite3.Cursor:
    values: dict[str, object] = {"limit": limit}
    conditions = []
    for at, term in enumerate(query.terms):
        conditions.append(f"instr(c.folded_title, :title{at}) > 0")
        values[f"title{at}"] = folded(term.words)
    for name, sign in (("after_ms", ">="), ("before_ms", "<")):
        if (moment := getattr(query, name)) is not None:
            conditions.append(f"c.updated_ms {sign} :{name}")
            values[name] = moment
    if query.model:
        conditions.append("instr(lower(c.model), :model) > 0")
        values["model"] = query.model.lower()
    if query.tag:
        conditions.append(_TAGGED)
        values["tag"] = query.tag
    sql = _TITLES.format(conditions=_joined(conditions))
    return connection.execute(sql, values)


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
        conditions.append("instr(lower(m.model), :model) > 0")
        values["model"] = query.model.lower()
    if query.tag:
        conditions.append(_TAGGED)
        values["tag"] = query.tag
    for at, term in enumerate(query.terms):
        if term.is_inside or _is_literal(term.words):
            conditions.append(f"holds(b.text, :term{at})")
            values[f"term{at}"] = term.words.casefold()
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
