"""Text and controls have enough contrast to their background in both themes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.color import Color
from textual.css.styles import RenderStyles
from textual.theme import Theme
from textual.widget import Widget

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.ui.themes import DARK, LIGHT
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

READ, AIMED_AT, TOLD_APART = 4.5, 3.0, 1.1

REPLY = """\
Some **words**, `code`, [a link](https://example.com) and a list:

- one
- two

> a quote

| a | b |
|---|---|
| 1 | 2 |

```python
# A comment.
class Gate(Base):
    def passes(self, limit: int = 5) -> str:
        return f"{limit}" or None
```
"""


def luminance(colour: Color) -> float:
    shares = (each / 255 for each in colour.rgb)
    linear = [x / 12.92 if x <= 0.04045 else pow((x + 0.055) / 1.055, 2.4) for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def pale(journey: Journey) -> Iterator[tuple[str, float]]:
    """Yield the texts on the screen with too little contrast, and their contrast."""
    for strip in journey.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if not segment.text.strip() or style is None:
                continue
            assert style.color is not None
            assert style.bgcolor is not None
            drawn, on = (Color.from_rich_color(each) for each in (style.color, style.bgcolor))
            if style.reverse:
                drawn, on = on, drawn
            is_read = any(sign.isalnum() for sign in segment.text)
            found = contrast(drawn, on)
            if found < (READ if is_read else AIMED_AT) and not is_edge(segment.text):
                yield segment.text, round(found, 2)


def is_edge(text: str) -> bool:
    """Tell whether it is the edge of a surface, drawn in the surface's own colour."""
    return set(text) <= set("▏▕▎ ▁▔")


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_whatever_is_shown_can_be_read(
    opened: Open, server: Scripted, theme: str
) -> None:
    server.will(says(REPLY))
    async with opened(size=(110, 44)) as journey:
        journey.app.theme = theme
        await journey.pilot.pause()
        assert list(pale(journey)) == []
        await journey.ask("A question")
        await journey.until_done()
        for keys in ((), ("shift+tab",), ("k",), ("ctrl+s",), ("tab",), ("escape", "ctrl+f")):
            await journey.press(*keys)
            assert list(pale(journey)) == [], keys


def seen(styles: RenderStyles, colour: Color) -> Color:
    return styles.background.blend(colour, colour.a).with_alpha(1)


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_controls_have_enough_contrast(opened: Open, theme: str) -> None:
    async with opened() as journey:
        app = journey.app
        app.theme = theme
        await journey.press("ctrl+s")
        for kind in (Transcript, Sidebar, Composer):
            widget: Widget = app.screen.query_one(kind)
            styles = widget.styles
            thumb = styles.scrollbar_background.blend(
                styles.scrollbar_color, styles.scrollbar_color.a
            )
            assert contrast(thumb, styles.scrollbar_background) >= AIMED_AT, kind
        border = app.screen.query_one(Composer).styles.border_top[1]
        assert contrast(seen(app.screen.styles, border), app.screen.styles.background) >= 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_surfaces_can_be_told_apart(theme: Theme) -> None:
    ground, code, header = (
        Color.parse(each or "") for each in (theme.background, theme.surface, theme.panel)
    )
    assert contrast(ground, code) >= TOLD_APART
    assert contrast(code, header) >= TOLD_APART


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_matches_are_readable_on_the_row_under_the_cursor(
    opened: Open, server: Scripted, theme: str
) -> None:
    server.will(says("Needles in hay"))
    async with opened() as journey:
        journey.app.theme = theme
        await journey.ask("Where?")
        await journey.until_done()
        await journey.press("ctrl+s", *"needles", "enter")
        await journey.until(lambda: "1 result" in journey.seen)
        assert list(pale(journey)) == []
