"""The page of keys uses the width of the window, and wraps its texts in their column."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Journey, Open


def row_of(journey: Journey, key: str) -> list[str]:
    """Return the row of a key on the page and the row below it, without the frame."""
    lines = [line.replace("│", " ").rstrip() for line in journey.seen.splitlines()]
    at = next(number for number, line in enumerate(lines) if line.split()[:1] == [key])
    return lines[at : at + 2]


async def test_the_page_of_keys_says_more_where_there_is_room(opened: Open) -> None:
    async with opened(size=(140, 40)) as journey:
        await journey.press("f1")
        await journey.until(lambda: "Copy, stop or quit" in journey.seen)
        row, below = row_of(journey, "Ctrl+C")
        # The text continues in its own column.
        assert row.endswith(
            "Copy, stop or quit: copy the selection; without one, stop the reply; else press"
        )
        assert below.index("twice to quit") == row.index("Copy, stop")
        await journey.pilot.resize_terminal(80, 24)
        await journey.until(lambda: row_of(journey, "Ctrl+C")[0].endswith("Copy, stop or quit"))
        assert row_of(journey, "Ctrl+C")[1].split()[0] == "Ctrl+P"


@pytest.mark.parametrize("size", [(20, 10), (40, 12)])
async def test_the_page_of_keys_is_shown_in_a_small_window(
    opened: Open, size: tuple[int, int]
) -> None:
    async with opened(size=size) as journey:
        await journey.press("f1")
        await journey.until(lambda: "F1" in journey.seen)
