"""Search for messages: turns a query into SQL.

To rank all matches takes time in proportion to their number, while the newest fifty take a
millisecond. So only the newest matches are ranked, by their own texts. See `Matches`.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from tui.domain.cjk import has_runs, query_bigrams
from tui.domain.normalise import normalise, without_accents
from tui.domain.query import Found, Hit, Order, Query, Term, snippet

SNIPPET = 160
"""The approximate length of a snippet, in characters."""

RANKED = 2_000
"""How many of the newest matches are ranked."""

BATCH_SECONDS = 0.1
"""The time that a scan should spend on one batch of texts."""

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


_TAGGED = "EXISTS (SELECT 1 FROM tags WHERE conversation_id = c.id AND tag = :tag)"


@dataclass(frozen=True, slots=True)
class _Condition:
    """The conditions of a query in SQL, and their values."""

    parts: tuple[str, ...]
    values: dict[str, object]


class Matches:
    """The matches of a query, as far as they have been read."""

    def __init__(self, query: Query, limit: int, order: Order = "newest") -> None:
        self._query, self._limit, self._order = query, limit, order
        self._rows: list[sqlite3.Row] = []

    @property
    def is_scan(self) -> bool:
        """Whether the search reads every text, because no index knows any of the terms."""
        terms = [_as_indexed(term) for term in self._query.terms]
        return bool(terms) and not self._query.is_in_title and not _match_expression(terms)

    def read(self, connection: sqlite3.Connection) -> Found:
        """Return the hits of the query; none for an empty query.

        If SQLite is interrupted, returns the hits so far.
        """
        self._rows = []
        if self._query.is_empty:
            return Found(())
        is_ranked = self._order == "best"
        try:
            for row in _rows(connection, self._query, RANKED if is_ranked else self._limit):
                self._rows.append(row)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return self.so_far()
        return replace(self.so_far(), is_truncated=False)

    def so_far(self) -> Found:
        """Return the hits that have been read. Any thread may call this during `read`."""
        rows, terms = list(self._rows), self._query.terms
        if self._order == "best":
            rows = _ranked(rows, terms)
        shown = rows[: self._limit] if self._limit >= 0 else rows
        return Found(tuple(_hit(row, terms) for row in shown), is_truncated=True)


def _ranked(rows: Sequence[sqlite3.Row], terms: Sequence[Term]) -> list[sqlite3.Row]:
    """Return the rows in order of relevance: many occurrences in a short text come first.

    Of two equal rows, the newer one comes first. The score is BM25 without the weight of
    rare words: FTS5 would read every row that has a word to know how rare it is, and every
    row here has all the words anyway.
    """
    if not rows:
        return []
    searched = [term.words.lower() for term in terms]
    texts = [row["text"].lower() for row in rows]
    mean = sum(map(len, texts)) / len(texts) or 1

    def score(text: str) -> float:
        length = 0.25 + 0.75 * len(text) / mean
        # At least once: the index ignores accents, and `count` does not.
        counts = (max(1, text.count(words)) for words in searched)
        return sum(count / (count + 1.2 * length) for count in counts)

    scores = {row["n"]: score(text) for row, text in zip(rows, texts, strict=True)}
    return sorted(rows, key=lambda row: -scores[row["n"]])


def _rows(connection: sqlite3.Connection, query: Query, limit: int) -> Iterable[sqlite3.Row]:
    if query.is_in_title:
        return _in_titles(connection, query, limit)
    query = replace(query, terms=tuple(map(_as_indexed, query.terms)))
    condition = _condition(query)
    conditions, values = _joined(condition.parts), condition.values | {"limit": limit}
    if not query.terms:
        return connection.execute(_MESSAGES.format(conditions=conditions), values)
    connection.create_function("contains", 2, _contains, deterministic=True)
    match_expression = _match_expression(query.terms)
    if not match_expression:
        return _scanned(connection, conditions, values)
    values["match"] = match_expression
    is_in_pairs = any(has_runs(term.words) for term in query.terms)
    indexes = ("pairs_fts",) if is_in_pairs else ("blocks_fts", "pairs_fts")
    return _newest(connection, indexes, conditions, values)


def _scanned(
    connection: sqlite3.Connection, conditions: str, values: dict[str, Any]
) -> Iterator[sqlite3.Row]:
    """Yield the newest matches; read all texts to find them.

    Reads in batches, because a cursor returns a row only when it has found the next one,
    or the end. The batches grow while they take little time.
    """
    batch = "f.n <= :first AND f.n > :last"
    sql = _HITS.format(
        source="blocks AS f", number="f.n", conditions=f" AND {batch}{conditions}"
    )
    values = values | {"last": 2**63 - 1}
    length, left = 64, values["limit"]
    while left:
        # Skip a gap between the numbers.
        (values["first"],) = connection.execute(
            "SELECT max(n) FROM blocks WHERE n <= :last", values
        ).fetchone()
        # Our rows have numbers from 1.
        if (values["first"] or 0) < 1:
            return
        values |= {"last": max(0, values["first"] - length), "limit": left}
        began = time.monotonic()
        found = connection.execute(sql, values).fetchall()
        yield from found
        left -= len(found) if left > 0 else 0
        is_quick = time.monotonic() - began < BATCH_SECONDS
        length = length * 2 if is_quick else max(1, length // 2)


def _newest(
    connection: sqlite3.Connection,
    indexes: Sequence[str],
    conditions: str,
    values: dict[str, Any],
) -> Iterator[sqlite3.Row]:
    """Yield the newest matches of some indexes, each block once."""
    # Merge the rows here: each index returns its newest rows first, and only the rows that
    # are shown are read. A UNION in SQL would read all of them.
    rows = merge(
        *(
            connection.execute(
                _HITS.format(
                    source=index,
                    number=f"{index}.rowid",
                    conditions=f" AND {index} MATCH :match{conditions}",
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


def beginnings(words: Iterable[str]) -> str:
    """Return the MATCH expression for texts with words that begin like these.

    Empty if the index knows none of them.
    """
    return _match_expression([Term(word, is_prefix=True) for word in words])


def _match_expression(terms: Sequence[Term]) -> str:
    """Return the expression for FTS5's MATCH; "" if the index knows none of the terms."""
    indexed = [
        term for term in terms if not term.is_inside and re.search(r"[^\W_]", term.words)
    ]
    return " ".join(_phrase(term) for term in indexed)


def _as_indexed(term: Term) -> Term:
    """Return a term that a full-text index finds, if it can find it inside of words too.

    It can for CJK text, which is indexed in bigrams.
    """
    is_in_pairs = term.is_inside and all(map(has_runs, without_accents(term.words)))
    return replace(term, is_inside=False) if is_in_pairs else term


def _contains(text: str | None, part: str) -> bool:
    """Return whether a text contains a part, without regard to case and accents.

    `part` must be the result of `_bare`. LIKE ignores case only for ASCII, and refuses long
    patterns.
    """
    return text is not None and part in _bare(text)


# Cached, because a query with several parts needs the same text several times.
@lru_cache(maxsize=2)
def _bare(text: str) -> str:
    # A lone accent would become "", which every text contains.
    return (without_accents(text) or text).casefold()


def _in_titles(connection: sqlite3.Connection, query: Query, limit: int) -> sqlite3.Cursor:
    values: dict[str, object] = {"limit": limit}
    conditions = []
    for at, term in enumerate(query.terms):
        conditions.append(f"instr(c.folded_title, :title{at}) > 0")
        values[f"title{at}"] = normalise(term.words)
    conditions += _shared_conditions(query, values, time="c.updated_ms", model="c.model")
    sql = _TITLES.format(conditions=_joined(conditions))
    return connection.execute(sql, values)


def _shared_conditions(
    query: Query, values: dict[str, object], *, time: str, model: str
) -> Iterator[str]:
    """Yield the conditions that titles and messages share; add their values to `values`."""
    for name, sign in (("after_ms", ">="), ("before_ms", "<")):
        if (limit_ms := getattr(query, name)) is not None:
            values[name] = limit_ms
            yield f"{time} {sign} :{name}"
    if query.model:
        values["model"] = query.model.lower()
        yield f"instr(lower({model}), :model) > 0"
    if query.tag:
        values["tag"] = query.tag
        yield _TAGGED


def _condition(query: Query) -> _Condition:
    """Return the conditions besides the match in the index."""
    values: dict[str, object] = {}
    conditions = []
    for name in ("state", "role"):
        if value := getattr(query, name):
            conditions.append(f"m.{name} = :{name}")
            values[name] = value
    conditions += _shared_conditions(query, values, time="m.created_ms", model="m.model")
    for at, term in enumerate(query.terms):
        if term.is_inside or _is_literal(term.words):
            conditions.append(f"contains(b.text, :term{at})")
            values[f"term{at}"] = _bare(term.words)
    return _Condition(tuple(conditions), values)


def _joined(conditions: Sequence[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)


def _is_literal(words: str) -> bool:
    """Return whether a term must occur literally, because the index knows `C++` as `c`."""
    words = without_accents(words)
    letters = re.sub(r"[\W_]", "", words)
    return len(letters) < 3 and letters != words


def _phrase(term: Term) -> str:
    """Return a term as a phrase of FTS5, quoted so that nothing in it is an operator."""
    words, may_continue = query_bigrams(term.words.replace('"', " ").replace("\0", " "))
    is_prefix = may_continue or (term.is_prefix and words[-1:].isalnum())
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
