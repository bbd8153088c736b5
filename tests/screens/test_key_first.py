"""Drawing a reply waits a moment while the user types, and no longer."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, block, delta, end, start
from tui.domain import attention
from tui.domain.reply import StreamingReply
from tui.ui.controllers import reply_view
from tui.ui.controllers.reply_view import ReplyView


@pytest.mark.parametrize(("longest", "is_drawn"), [(3600.0, False), (0.0, True)])
async def test_a_reply_waits_for_a_key_but_not_for_ever(
    opened: Open,
    server: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    longest: float,
    is_drawn: bool,  # noqa: FBT001 - what is looked for
) -> None:
    ticks: list[None] = []
    offer = ReplyView._offer_to_wait

    def counted(self: ReplyView, reply: StreamingReply | None) -> None:
        ticks.append(None)
        offer(self, reply)

    monkeypatch.setattr(ReplyView, "_offer_to_wait", counted)
    before, after = Hold(), Hold()
    opening, closing = block(0, {"type": "text", "text": ""})
    first, second = delta(0, "text_delta", text="Early "), delta(0, "text_delta", text="late")
    server.will(Reply([start(), opening, first, before, second, after, closing, *end()]))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "Early" in journey.seen)
        monkeypatch.setattr(attention, "PAINTED_AFTER", 3600.0)
        monkeypatch.setattr(reply_view, "LONGEST_PAUSE", longest)
        attention.note_key()
        before.release()
        draft = journey.app.session.current.reply
        assert draft is not None
        await journey.until(lambda: "late" in draft.words("text"))
        ticks.clear()
        await journey.until(lambda: len(ticks) > 3)
        assert ("late" in journey.seen) is is_drawn
        monkeypatch.setattr(attention, "_pressed", -3600.0)
        await journey.until(lambda: "late" in journey.seen)
        after.release()
        await journey.until_done()
