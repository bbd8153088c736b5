"""The prices of requests: those that are missing, and sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui.domain.money import Price
from tui.domain.prices import Billable
from tui.store import rows
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

_MISSING = "price_nano_usd IS NULL AND state != 'streaming'"
"""An unknown price counts: a later table may know it."""


class Costs:
    """The prices in one history. Every method raises `HistoryError`."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    @reads
    def pending(
        self, connection: sqlite3.Connection, table: str, *, limit: int
    ) -> dict[str, Billable]:
        """Return the newest requests whose price no table of this version has looked up."""
        found = connection.execute(
            "SELECT r.*, (SELECT EXISTS (SELECT 1 FROM blocks WHERE message_id = m.id)"
            " FROM messages AS m WHERE m.id = r.message_id AND m.deleted_ms IS NULL"
            ") AS has_output FROM requests AS r"
            f" WHERE {_MISSING} AND price_table IS NOT ? ORDER BY started_ms DESC LIMIT ?",
            [table, limit],
        )
        return {row["id"]: _billable(row) for row in found}

    @writes
    def save(self, db: Database, prices: Mapping[str, Price], table: str) -> None:
        """Save prices by the id of their request, unless it has a known price already."""
        for row_id, price in prices.items():
            changed = rows.price_columns(price, table)
            db.execute(
                f"UPDATE requests SET {rows.assignments(changed)}"
                f" WHERE id = :id AND {_MISSING}",
                {**changed, "id": row_id},
            )

    @reads
    def of_conversation(
        self, connection: sqlite3.Connection, conversation_id: str
    ) -> Price | None:
        """Return what a conversation has cost, with its titles and retries.

        None if nothing was asked there. The messages of a fork cost where they were asked.
        """
        count, known, nano_usd, is_minimum = connection.execute(
            "SELECT count(*), count(price_nano_usd), sum(price_nano_usd),"
            " max(is_price_minimum OR price_nano_usd IS NULL) FROM requests"
            " WHERE conversation_id = ? AND state != 'streaming'",
            [conversation_id],
        ).fetchone()
        if not count:
            return None
        return Price(nano_usd if known else None, bool(known and is_minimum))


def _billable(row: rows.Row) -> Billable:
    has_output = row["has_output"]
    return Billable(
        endpoint=row["endpoint"],
        model=row["model"],
        model_requested=row["model_requested"],
        time_ms=row["started_ms"],
        state=row["state"],
        is_final=row["stop_reason"] is not None or row["state"] == "complete",
        has_output=None if has_output is None else bool(has_output),
        is_fault=row["error_type"] == "internal",
        usage=rows.usage_from(row["usage"]),
    )
