"""What replies and conversations cost, on the screen."""

from __future__ import annotations

from decimal import Decimal

from textual.widgets import OptionList, Static

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, end, start, text
from tui.domain.money import Rates

PRICES = {"claude-sonnet-5-5": Rates(*map(Decimal, ("2", "10", "2.5", "4", "0.1")))}


def costing(usage: dict[str, int], *, before: Hold | None = None) -> Reply:
    """Return a reply whose last usage has these tokens."""
    held = [] if before is None else [before]
    return Reply([start(usage=usage), *text(0, "Words")[:-1], *held, *end(usage=usage)])


def heading(journey: Journey) -> str:
    return str(journey.app.screen.query_one("#model", Static).content)


async def test_each_reply_and_the_conversation_show_what_they_cost(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(
        costing({"input_tokens": 1000, "output_tokens": 1000}),  # 0.002 + 0.01
        costing({"input_tokens": 50_000, "output_tokens": 1}, before=hold),
    )
    async with opened(prices=PRICES) as journey:
        assert "$" not in heading(journey)
        await journey.ask("one")
        await journey.until_done()
        assert journey.figures[0].endswith(" · $0.0120")
        await journey.until(lambda: " · $0.0120 · 127" in heading(journey))
        first = journey.app.session.open_id
        # Stopped: 50,000 x 2 and one token of output at least.
        await journey.ask("two")
        await journey.until(lambda: journey.replies[1:] == ["Words"])
        await journey.press("escape")
        await journey.until_done()
        hold.release()
        assert " · ≥ $0.10 · stopped" in journey.figures[1]
        await journey.until(lambda: " · ≥ $0.11 · 127" in heading(journey))
        await journey.press("ctrl+n")
        assert "$" not in heading(journey)
        await journey.app.session.open(first)
        await journey.until(lambda: " · ≥ $0.11 · 127" in heading(journey))
        assert " · ≥ $0.10 · stopped" in journey.figures[1]


async def test_a_price_that_is_not_known_is_a_dash(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("one")
        await journey.until_done()
        assert journey.figures[0].endswith(" · —")
        await journey.until(lambda: " · — · 127" in heading(journey))


async def test_the_list_of_models_has_their_prices(opened: Open) -> None:
    async with opened(prices=PRICES) as journey:
        await journey.press("ctrl+o")
        options = journey.app.screen.query_one(OptionList)

        def rows() -> list[str]:
            return [" ".join(str(option.prompt).split()) for option in options.options]

        await journey.until(lambda: any(" 2 · 10" in row for row in rows()))
        assert rows()[0].startswith("● Claude Sonnet 5.5 1M 128K 2 · 10")
