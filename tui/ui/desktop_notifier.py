"""Desktop notifications that a reply has ended, for a person who looks elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from textual.driver import Driver

from tui.domain.reply import StreamingReply
from tui.store import HistoryError, Store
from tui.text import formatting


class DesktopNotifier:
    """Sends desktop notifications through the terminal, if it supports them."""

    def __init__(
        self, store: Store, environ: Mapping[str, str], driver: Callable[[], Driver | None]
    ) -> None:
        self._store = store
        self._environ = environ
        """Identifies the terminal."""
        self._driver = driver
        """Returns the driver that writes to the terminal, while there is one."""

    async def tell(self, reply: StreamingReply) -> None:
        """Notify that a reply has ended, with the title of its conversation."""
        from tui.terminal.desktop_notification import sequence

        with suppress(HistoryError):
            conversation = await self._store.conversation(reply.conversation_id)
            driver = self._driver()
            if driver is None or conversation is None or reply.ended is None:
                return
            message = formatting.ended_notice(conversation.title, reply.ended)
            driver.write(sequence(message, self._environ))
