"""The text has a maximal width, and the sidebar leaves room for it."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from tests.screens.conftest import Open
from tests.screens.test_transcript import message
from tests.scripted import Scripted, says
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

LONG = "word " * 300


@pytest.mark.parametrize(
    ("columns", "widest", "width"), [(200, 100, 100), (200, 60, 60), (80, 100, 76)]
)
async def test_words_are_no_wider_than_the_measure(
    columns: int, widest: int, width: int
) -> None:
    class Wide(App[None]):
        def compose(self) -> ComposeResult:
            yield Transcript(widest=widest)

    app = Wide()
    async with app.run_test(size=(columns, 20)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.show([message(0, LONG, "user"), message(1, LONG)], None, now_ms=0)
        await pilot.pause()
        assert transcript.text_width == width
        for y in range(20):
            strip = transcript.render_line(y)
            assert strip.cell_length == transcript.size.width
            assert len(strip.text.rstrip()) <= width + 2


@pytest.mark.parametrize(("columns", "width"), [(80, 22), (120, 33), (200, 34)])
async def test_the_sidebar_is_narrower_in_a_narrow_window(
    opened: Open, server: Scripted, columns: int, width: int
) -> None:
    server.will(says("Yes"))
    async with opened(size=(columns, 24)) as journey:
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.app.screen.query_one(Sidebar).region.width == width


async def test_help_and_palette_stand_at_the_right_end(opened: Open) -> None:
    async with opened(size=(120, 24)) as journey:
        await journey.until(lambda: journey.seen.rstrip().endswith("Ctrl+P Palette"))
        footer = journey.seen.splitlines()[-1]
        assert len(footer.rstrip()) in (118, 119, 120)
        assert "Quit      " in footer


@pytest.mark.parametrize(
    ("columns", "hint"), [(80, "Filter"), (120, "Filter · Enter search all")]
)
async def test_the_filters_hint_is_complete_or_absent(
    opened: Open, columns: int, hint: str
) -> None:
    async with opened(size=(columns, 24)) as journey:
        await journey.until(
            lambda: journey.seen.splitlines()[0][: columns // 4].split("▕")[0].strip() == hint
        )


@pytest.mark.parametrize(("rows", "above"), [(24, 0), (40, 1)])
async def test_a_row_is_left_above_the_title_where_there_are_enough(
    opened: Open, server: Scripted, rows: int, above: int
) -> None:
    server.will(says("Yes"))
    async with opened(size=(120, rows)) as journey:
        await journey.ask("Hi")
        await journey.until_done()
        lines = journey.seen.splitlines()
        assert [line.strip(" ▕") for line in lines[:above]] == [""] * above
        assert lines[above].split("▕")[0].strip() == "Filter · Enter search all"
        assert lines[above].split("▕")[1].strip().startswith("Hi")
        assert lines[2 * above + 1].split("▕")[0].strip() == "Today"
        assert lines[-1].endswith("Ctrl+P Palette ")
