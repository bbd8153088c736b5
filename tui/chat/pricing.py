"""Prices requests, when they end and later.

The table of prices is loaded in a thread, with the first reply that needs it. A request that
ends before, or whose program died, has no price yet; `price_pending` adds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from tui.domain.attention import yielding_to_keys
from tui.domain.endpoint import Endpoint
from tui.domain.garbage import collector_paused
from tui.domain.money import UNKNOWN, Price, Rates
from tui.domain.price_table import PriceTable, load, needs_library
from tui.domain.prices import Billable, price_of
from tui.domain.request import Request
from tui.store import Store

LOAD_AFTER = 0.1
"""Seconds after the start of a reply until the table is loaded."""

BATCH = 100
"""How many requests one step prices. Saving them takes about 20 ms, in other threads."""

MOST_BATCHES = 500
"""How many steps one call takes. The next start of the program continues."""

PAUSE = 0.05
"""Seconds between two steps, for other writes."""

_log = logging.getLogger(__name__)


class Pricing:
    """Computes prices with the program's table and the user's own rates."""

    def __init__(self, own: Mapping[str, Rates] | None = None) -> None:
        self._own = own or {}
        self._table: PriceTable | None = None
        self._loading: asyncio.Future[PriceTable] | None = None

    def start_loading(self, endpoint: str) -> None:
        """Start to load what the prices of an endpoint need."""
        if self._table is not None and self._table.covers(endpoint):
            return
        if self._loading is None or self._loading.done():
            has_library = needs_library(endpoint, self._own)
            self._loading = asyncio.ensure_future(
                asyncio.to_thread(_loaded, self._own, has_library=has_library)
            )

    async def loaded(self, endpoint: str) -> PriceTable | None:
        """Return the table for an endpoint; None if it cannot be loaded. Never raises that."""
        self.start_loading(endpoint)
        while self._table is None or not self._table.covers(endpoint):
            assert self._loading is not None  # noqa: S101 - `start_loading` has set it
            try:
                # Shielded: stopping one reply must not stop what others wait for.
                self._table = await asyncio.shield(self._loading)
            except Exception:  # noqa: BLE001 - whatever it was, the reply is saved
                _log.exception("the table of prices cannot be loaded")
                return None
            self.start_loading(endpoint)
        return self._table

    def priced(self, request: Request, *, has_output: bool) -> Request:
        """Return a request that has ended with its price, if the table is loaded."""
        table = self._table
        if table is None or not table.covers(request.endpoint):
            return request
        price = _price(request.billable(has_output=has_output), table)
        return replace(request, price=price, price_table=table.version)


@asynccontextmanager
async def loaded_meanwhile(pricing: Pricing | None, asked: Endpoint) -> AsyncGenerator[None]:
    """Load the table while a reply of an endpoint arrives; after it, wait for the table."""
    if pricing is None:
        yield
        return
    endpoint = asked.identity
    # A little later, so that the request is on its way before a thread is busy.
    loop = asyncio.get_running_loop()
    timer = loop.call_later(LOAD_AFTER, pricing.start_loading, endpoint)
    try:
        yield
    except Exception:
        # A failed reply has a price too. One that the user stops does not wait for it.
        await pricing.loaded(endpoint)
        raise
    finally:
        timer.cancel()
    await pricing.loaded(endpoint)


def _loaded(own: Mapping[str, Rates], *, has_library: bool) -> PriceTable:
    with collector_paused(), yielding_to_keys():
        return load(own, has_library=has_library)


async def price_pending(store: Store, pricing: Pricing) -> None:
    """Price the requests without a price, the newest first; leave the rest to the next call.

    Raises `HistoryError`.
    """
    if store.is_read_only or (table := await pricing.loaded("demo")) is None:
        return
    for _ in range(MOST_BATCHES):
        pending = await store.costs.pending(table.version, limit=BATCH)
        for endpoint in {each.endpoint for each in pending.values()}:
            if (table := await pricing.loaded(endpoint)) is None:
                return
        if not pending:
            return
        await store.costs.save(
            await asyncio.to_thread(_prices_of, pending, table), table.version
        )
        if len(pending) < BATCH:
            return
        await asyncio.sleep(PAUSE)


def _prices_of(pending: Mapping[str, Billable], table: PriceTable) -> dict[str, Price]:
    return {row_id: _price(each, table) for row_id, each in pending.items()}


def _price(billable: Billable, table: PriceTable) -> Price:
    try:
        return price_of(billable, table)
    except Exception:  # noqa: BLE001 - an endpoint may report anything as a usage
        _log.exception("a request cannot be priced")
        return UNKNOWN
