"""The terminal's background is read from its answer only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sent import messages
from tui.terminal.background import BackgroundReported, background_in

ENDS = (b"\x1b\\", b"\x07", b"\xc2\x9c")
DARK, LIGHT = [BackgroundReported(is_dark=True)], [BackgroundReported(is_dark=False)]

colours = st.tuples(*[st.integers(0, 255)] * 3)


def told(answer: bytes) -> list[BackgroundReported]:
    return [each for each in messages(answer) if isinstance(each, BackgroundReported)]


def is_dark(answer: bytes) -> bool:
    (found,) = told(answer)
    return found.is_dark


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        (b"rgb:0000/0000/0000", True),
        (b"rgb:ffff/ffff/ffff", False),
        (b"rgb:f/f/f", False),
        (b"rgb:1e/1e/2e", True),
        (b"rgb:fd/f6/e3", False),
        (b"rgb:0000/2b2b/3636", True),
        (b"rgba:ffff/ffff/ffff/8000", False),
        (b"#fdf6e3", False),
        (b"#111", True),
    ],
)
def test_answers_of_every_form(colour: bytes, expected: object, end: bytes) -> None:
    assert is_dark(b"\x1b]11;" + colour + end) is expected


@given(colours)
def test_a_colour_is_the_same_in_every_form(colour: tuple[int, int, int]) -> None:
    parts = [f"{each:02x}" for each in colour]
    forms = (
        f"rgb:{'/'.join(parts)}",
        f"#{''.join(parts)}",
        f"rgb:{'/'.join(x * 2 for x in parts)}",
    )
    assert len({is_dark(f"\x1b]11;{form}\x07".encode()) for form in forms}) == 1


@given(colours, colours)
def test_a_lighter_colour_is_never_the_dark_one(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    darker, lighter = (
        is_dark(b"\x1b]11;#" + bytes(map(pick, one, other)).hex().encode() + b"\x07")
        for pick in (min, max)
    )
    assert darker or not lighter


@given(st.binary(max_size=40))
def test_no_bytes_break_it(answer: bytes) -> None:
    background_in(answer)
    background_in(b"\x1b]11;" + answer)
    background_in(b"\x1b]11;rgb:" + answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b]11;?",
        b"\x1b]11;rgb:",
        b"\x1b]11;rgb:fffff/0/0",
        b"\x1b]10;rgb:0/0/0",
        b"\x1b]11;#12",
    ],
)
def test_meaningless_input_is_dropped(answer: bytes) -> None:
    assert messages(answer + b"\x1b\\") == []


@given(st.data(), st.sampled_from(ENDS))
def test_an_answer_that_comes_late_and_in_pieces_is_never_typed(
    data: st.DataObject, end: bytes
) -> None:
    answer = b"\x1b]11;rgb:fafa/f8f8/f4f4" + end
    at = data.draw(st.integers(0, len(answer)))
    assert messages(answer[:at], answer[at:]) == LIGHT
