"""Every text field takes every character, and moves by whole graphemes."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from tests.screens.conftest import Journey, Open
from tui.text.graphemes import boundary, next_boundary, previous_boundary
from tui.ui.widgets.composer import Composer

LINES = {
    "the filter": ("ctrl+s",),
    "the find bar": ("ctrl+f",),
    "the rename line": ("f2", "ctrl+u"),
    "the search": ("ctrl+f", "ctrl+f"),
    "the palette": ("ctrl+p",),
}
"""The text fields besides the composer, and the keys that open them."""

OURS = [name for name in LINES if name != "the palette"]

UNPRINTABLE = "東京\u3000a\u00a0b\u202fc\u200cd\u200de\u200ef\u00adg\ue0b0\U0001fae9\U0001facf"

GRAPHEMES = [
    *(
        "⚠️",
        "👩‍🚀",
        "🇯🇵",
        "👍🏽",
        "👨‍👩‍👧‍👦",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "1️⃣",
    ),
    *("e\u0301", "z\u0351\u0321", "नि", "क्षि", "กำ", "각", "\u1100\u1161\u11a8", "שָׁ", "𝒳", "a"),
]
LEFT, RIGHT, DELETE, BACKSPACE = "\x1b[D", "\x1b[C", "\x1b[3~", "\x7f"


async def at_line(journey: Journey, name: str) -> None:
    """Go to a text field, in a conversation with a title."""
    await journey.ask("first")
    await journey.until_done()
    await journey.press(*LINES[name])
    await journey.until(lambda: isinstance(journey.app.focused, Input))
    assert line(journey) == ""


def line(journey: Journey) -> str:
    focused = journey.app.focused
    assert isinstance(focused, Input)
    return focused.value


@pytest.mark.parametrize("name", LINES)
async def test_every_character_arrives_in(name: str, opened: Open) -> None:
    reports = "".join(f"\x1b[{ord(each)};;{ord(each)}u" for each in UNPRINTABLE)
    async with opened() as journey:
        await at_line(journey, name)
        await journey.send(UNPRINTABLE)
        await journey.until(lambda: line(journey) == UNPRINTABLE)
        await journey.send(reports)
        await journey.until(lambda: line(journey) == UNPRINTABLE * 2)


async def test_every_character_arrives_in_the_composer(opened: Open) -> None:
    async with opened() as journey:
        await journey.send(UNPRINTABLE)
        await journey.until(lambda: journey.composer == UNPRINTABLE)
        reports = "".join(f"\x1b[{ord(each)}u" for each in UNPRINTABLE)
        await journey.send(reports)
        await journey.until(lambda: journey.composer == UNPRINTABLE * 2)


async def test_no_character_that_is_typed_makes_a_row_longer_or_shorter(opened: Open) -> None:
    async with opened() as journey:
        composer = journey.app.screen.query_one(Composer)
        for character in (*UNPRINTABLE, *"\u202e\u2066\ufeff\u061c"):
            composer.clear()
            await journey.send(f"a{character}b")
            assert journey.composer == f"a{character}b"
            for strip in journey.app.screen._compositor.render_strips():
                assert sum(cell_len(segment.text) for segment in strip) == 110, strip.text


@pytest.mark.parametrize("grapheme", GRAPHEMES, ids=ascii)
async def test_one_key_takes_one_grapheme_in_the_composer(opened: Open, grapheme: str) -> None:
    async with opened() as journey:
        composer = journey.app.screen.query_one(Composer)
        await journey.send(f"a{grapheme}")
        await journey.send(BACKSPACE)
        await journey.until(lambda: journey.composer == "a")
        await journey.send(f"{grapheme}b{LEFT}{LEFT}")
        await journey.until(lambda: composer.cursor_location == (0, 1))
        await journey.send(RIGHT)
        await journey.until(lambda: composer.cursor_location == (0, 1 + len(grapheme)))
        await journey.send(LEFT + DELETE)
        await journey.until(lambda: journey.composer == "ab")


@pytest.mark.parametrize("grapheme", GRAPHEMES, ids=ascii)
async def test_one_key_takes_one_grapheme_in_a_line(opened: Open, grapheme: str) -> None:
    async with opened() as journey:
        await journey.press("ctrl+s")
        await journey.until(lambda: isinstance(journey.app.focused, Input))
        focused = journey.app.focused
        assert isinstance(focused, Input)
        await journey.send(f"a{grapheme}{BACKSPACE}")
        await journey.until(lambda: line(journey) == "a")
        await journey.send(f"{grapheme}b{LEFT}{LEFT}")
        await journey.until(lambda: focused.cursor_position == 1)
        await journey.send(RIGHT)
        await journey.until(lambda: focused.cursor_position == 1 + len(grapheme))
        await journey.send(LEFT + DELETE)
        await journey.until(lambda: line(journey) == "ab")


@pytest.mark.parametrize("name", OURS)
async def test_backspace_takes_one_grapheme_in(name: str, opened: Open) -> None:
    async with opened() as journey:
        await at_line(journey, name)
        await journey.send(f"a👩‍🚀🇯🇵{BACKSPACE}{BACKSPACE}")
        await journey.until(lambda: line(journey) == "a")


async def test_shift_with_an_arrow_selects_one_grapheme(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("a👩‍🚀\x1b[1;2D")
        assert journey.app.screen.query_one(Composer).selected_text == "👩‍🚀"
        await journey.press("ctrl+s")
        await journey.send("a👩‍🚀\x1b[1;2D")
        await journey.until(lambda: isinstance(journey.app.focused, Input))
        focused = journey.app.focused
        assert isinstance(focused, Input)
        assert focused.selected_text == "👩‍🚀"


async def test_going_up_never_stops_inside_of_a_grapheme(opened: Open) -> None:
    async with opened() as journey:
        composer = journey.app.screen.query_one(Composer)
        composer.insert("👩‍🚀👩‍🚀\nabcd")
        places = {0, 3, 6}
        for column in range(5):
            composer.move_cursor((1, column))
            await journey.press("up")
            assert composer.cursor_location[1] in places


async def test_deleting_a_word_never_leaves_half_a_letter(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("e\u0301a")
        await journey.press("home", "alt+delete")
        assert not journey.composer.startswith("\u0301")


async def test_a_shift_that_means_nothing_is_let_go(opened: Open) -> None:
    async with opened() as journey:
        await journey.send("abc\x1b[127;2u\x1b[32;2ud\x1b[32;2;32ue")
        await journey.until(lambda: journey.composer == "ab d e")
        await journey.press("home")
        await journey.send("\x1b[3;2~")
        assert journey.composer == "b d e"


async def test_a_shift_that_a_person_has_bound_means_it(opened: Open) -> None:
    async with opened(keys={"chat.new": "shift+backspace"}) as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.send("abc\x1b[127;2u")
        await journey.until(lambda: journey.title == "New conversation")


@pytest.mark.parametrize("sent", ["\x1bn", "\x1bт", "\x1b[110;3u", "\x1b[1090;3u"])
async def test_alt_with_a_letter_does_what_it_is_bound_to(opened: Open, sent: str) -> None:
    async with opened(keys={"chat.new": "alt+n"}) as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.send(sent)
        await journey.until(lambda: journey.title == "New conversation")
        assert journey.composer == ""


async def test_a_paste_of_several_lines_is_not_sent(opened: Open) -> None:
    async with opened() as journey:
        await journey.send(b"\x1b[200~ERR \x1b[31mfailed \x1b[0m at\rline two\r\x1b[201~x")
        await journey.until(lambda: journey.composer.endswith("x"))
        assert journey.composer == "ERR [31mfailed [0m at\nline two\nx"
        assert journey.questions == []


async def test_keys_that_edit_are_taken_in_turn_with_letters(opened: Open) -> None:
    sent = f"abx{BACKSPACE}c{LEFT}d\x1b[He"
    async with opened() as journey:
        await journey.send(sent)
        await journey.until(lambda: journey.composer == "eabdc")
        await journey.press("ctrl+s")
        await journey.until(lambda: isinstance(journey.app.focused, Input))
        await journey.send(sent)
        await journey.until(lambda: line(journey) == "eabdc")


# Graphemes


@pytest.mark.parametrize("before", ["", "a", "👩‍🚀", "🇩🇪" * 99, "東" * 999], ids=len)
@pytest.mark.parametrize("grapheme", GRAPHEMES, ids=ascii)
def test_a_grapheme_is_found_from_both_sides_and_from_within(
    before: str, grapheme: str
) -> None:
    begin, end = len(before), len(before) + len(grapheme)
    text = f"{before}{grapheme}b"
    assert previous_boundary(text, end) == begin
    for inside in range(begin, end):
        assert next_boundary(text, inside) == end
        assert boundary(text, inside, is_forward=False) == begin
    for inside in range(begin + 1, end + 1):
        assert boundary(text, inside, is_forward=True) == end


def test_at_the_ends_there_is_nowhere_to_go() -> None:
    assert previous_boundary("é", 0) == 0
    assert next_boundary("é", 1) == 1
    assert next_boundary("", 0) == 0
