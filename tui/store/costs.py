"""The prices of requests: those that are missing, and sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui.domain.cost_summary import CostSummary, GroupBy
from tui.domain.money import Price
from tui.domain.prices import Billable
from tui.store import rows
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

_MISSING = "price_nano_usd IS NULL AND state != 'streaming'"
"""An unknown price counts: a later table may know it."""

_SUM = (
    "iif(total(price_nano_usd) = 0 AND count(price_nano_usd) < count(*),"
    " NULL, sum(price_nano_usd))"
)
"""The sum of prices; NULL under the same condition as in `money.total`."""


class Costs:
    """The prices in one history. Every method raises `HistoryError`."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    @reads
    def pending(
        self, connection: sqlite3.Connection, table: str, *, limit: int
    ) -> dict[str, Billable]:
        """Return the newest requests that `table` has not tried to price yet, by their ids.

        `table` is the version of a table of prices. Requests with a known price are left out.
        """
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
        count, nano_usd, is_minimum = connection.execute(
            f"SELECT count(*), {_SUM},"
            " max(is_price_minimum OR price_nano_usd IS NULL) FROM requests"
            " WHERE conversation_id = ? AND state != 'streaming'",
            [conversation_id],
        ).fetchone()
        if not count:
            return None
        return Price(nano_usd, nano_usd is not None and bool(is_minimum))

    @reads
    def summaries(
        self, connection: sqlite3.Connection, by: GroupBy, *, since_ms: int | None = None
    ) -> list[CostSummary]:
        """Return the sums of all requests since a time: days in order, else the dearest first.

        Days and months are those of the local time at the moment of each request.
        """
        order = "key" if by in ("day", "month") else "nano_usd DESC, key"
        found = connection.execute(
            f"SELECT {_KEYS[by]} AS key, count(*) AS requests,"
            " coalesce(sum(input_tokens), 0) AS input_tokens,"
            " coalesce(sum(cache_read_input_tokens), 0) AS cache_read_input_tokens,"
            " coalesce(sum(cache_creation_input_tokens), 0) AS cache_creation_input_tokens,"
            " coalesce(sum(output_tokens), 0) AS output_tokens,"
            f" {_SUM} AS nano_usd,"
            " max(is_price_minimum OR price_nano_usd IS NULL) AS is_minimum,"
            " (SELECT title FROM conversations AS c"
            " WHERE c.id = r.conversation_id AND c.deleted_ms IS NULL) AS title"
            " FROM requests AS r WHERE started_ms >= ? AND state != 'streaming'"
            f" GROUP BY 1 ORDER BY {order}",
            [-(2**62) if since_ms is None else since_ms],
        )
        return [_summary(row, has_title=by == "conversation") for row in found]


_DAY = "started_ms / 1000.0, 'unixepoch', 'localtime'"
_KEYS: dict[GroupBy, str] = {
    "day": f"coalesce(strftime('%Y-%m-%d', {_DAY}), '')",
    "month": f"coalesce(strftime('%Y-%m', {_DAY}), '')",
    "model": "coalesce(model, model_requested)",
    "conversation": "coalesce(conversation_id, '')",
    "purpose": "iif(purpose = 'reply' AND attempt > 1, 'retry', purpose)",
}


def _summary(row: rows.Row, *, has_title: bool) -> CostSummary:
    nano_usd = row["nano_usd"]
    return CostSummary(
        row["key"],
        row["requests"],
        row["input_tokens"],
        row["cache_read_input_tokens"],
        row["cache_creation_input_tokens"],
        row["output_tokens"],
        Price(nano_usd, nano_usd is not None and bool(row["is_minimum"])),
        row["title"] if has_title else None,
    )


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
