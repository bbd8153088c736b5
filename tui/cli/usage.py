"""`usage`: prints what requests used and cost."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time

from tui.chat.pricing import Pricing, price_pending
from tui.cli.exit_codes import DONE
from tui.cli.output import print_json, say, tell
from tui.config.settings import Settings
from tui.domain.cost_summary import CostSummary, GroupBy, total_of
from tui.store import HistoryError, Store, open_store
from tui.text import money
from tui.text.columns import cell_len, cut, padded
from tui.text.sanitise import clean_line

_FIGURES = (
    "requests",
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
)
_HEADINGS = ("REQUESTS", "IN", "CACHE READ", "CACHE WRITE", "OUT", "PRICE")
_LONGEST_TITLE = 40
"""Columns that are shown of a title."""

_DELETED = "(deleted)"


def usage(options: argparse.Namespace, settings: Settings) -> int:
    """Print the sums as a table, as JSON or as CSV; return the exit code."""
    with open_store(settings.db) as store:
        tell(store.notice)
        found = asyncio.run(_summaries(store, Pricing(settings.prices), options))
    if options.json:
        print_json([_json_of(each, options.by) for each in found])
    elif options.csv:
        print(_csv(found, options.by), end="")
    elif found:
        _print_table(found, options.by)
    elif options.since is not None:
        say(f"No requests were sent since {options.since}.")
    else:
        say("No requests were sent yet.")
    return DONE


async def _summaries(
    store: Store, pricing: Pricing, options: argparse.Namespace
) -> list[CostSummary]:
    try:
        await price_pending(store, pricing)
    except HistoryError as error:
        tell(f"{error} Some prices are missing.")
    since = None if options.since is None else _midnight_ms(options.since)
    return await store.costs.summaries(options.by, since_ms=since)


def _midnight_ms(day: date) -> int:
    """Return when a day begins here: its offset from UTC may not be today's."""
    return round(datetime.combine(day, time()).astimezone().timestamp() * 1000)


def _json_of(found: CostSummary, by: GroupBy) -> dict[str, object]:
    """Return a row for JSON and CSV, with the column names of the view `costs`."""
    usd = found.price.usd
    name = "conversation_id" if by == "conversation" else by
    return {
        name: found.key,
        **({"title": found.title} if by == "conversation" else {}),
        **{figure: getattr(found, figure) for figure in _FIGURES},
        "price_usd": None if usd is None else float(usd),
        "is_price_minimum": int(found.price.is_minimum),
    }


def _csv(found: Sequence[CostSummary], by: GroupBy) -> str:
    text = io.StringIO()
    rows = [_json_of(each, by) for each in found]
    if rows:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """Return a value as a cell. A spreadsheet would run a text that begins like a formula."""
    if not isinstance(value, str):
        return value
    line = clean_line(value)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def _print_table(found: Sequence[CostSummary], by: GroupBy) -> None:
    rows: list[tuple[str, ...]] = [(by.upper(), *_HEADINGS)]
    rows += [_row(each, by) for each in (*found, total_of(found))]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *figures in rows:
        cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        print("  ".join([padded(first, widths[0]), *cells]).rstrip())


def _row(found: CostSummary, by: GroupBy) -> tuple[str, ...]:
    name = clean_line(found.key) or "unknown"
    if by == "conversation" and found.key != "total":
        title = clean_line(_DELETED if found.title is None else found.title)
        name = f"{name[-6:]}  {cut(title, _LONGEST_TITLE)}"
    price = money.price(found.price) or "0"
    return (name, *(f"{getattr(found, figure):,}" for figure in _FIGURES), price)
