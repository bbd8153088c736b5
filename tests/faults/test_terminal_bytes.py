"""Any bytes from a terminal, in any slices: nothing is raised, lost, doubled or invented.

A hundred thousand examples with FAULTS=full.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from textual import events

from tests.conftest import IS_FULL
from tests.sent import messages, names
from tui.terminal.background import BackgroundReported
from tui.terminal.input_filter import PASTE_TIMEOUT, InputFilter


def examples(full: int) -> settings:
    return settings(
        max_examples=full if IS_FULL else 300,
        suppress_health_check=[HealthCheck.too_slow],
    )


# Input that is close to real sequences is more likely to be misread than noise.

NUMBER = st.sampled_from(
    [
        *("", "0", "1", "2", "13", "27", "97", "106", "127", "200", "201", "1081", "55296"),
        *("57399", "1114112", "99999999999999999999", "NaN", "Infinity", "-1", "1.5", "1e+21"),
    ]
) | st.integers(0, 1 << 21).map(str)
PARAMETERS = st.lists(st.lists(NUMBER, min_size=1, max_size=4).map(":".join), max_size=5)
CONTROL_SEQUENCE = st.builds(
    lambda mark, numbers, last: f"\x1b[{mark}{';'.join(numbers)}{last}".encode(),
    st.sampled_from(["", "<", ">", "?", "=", "["]),
    PARAMETERS,
    st.sampled_from([*"uu~~ABCDEFHIJMOPQRSTZabcmntxyz@^$", "$y", " q", "!p", "", "\x1b", "\n"]),
)
STRING = st.builds(
    lambda begin, text, end: b"\x1b" + begin + text + end,
    st.sampled_from([b"]", b"P", b"_", b"^", b"X", b"]11;", b"]52;c;", b"P1$r", b"P>|", b"_G"]),
    st.text(st.characters(codec="utf-8"), max_size=8).map(str.encode),
    st.sampled_from([b"\x07", b"\x1b\\", b"", b"\x18", b"\x1b", b"\xc2\x9c"]),
)
MARK = st.sampled_from([b"\x1b[200~", b"\x1b[201~", b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[M"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=8).map(str.encode)
ANYTHING = st.lists(
    CONTROL_SEQUENCE | STRING | MARK | TEXT | st.binary(max_size=6), max_size=12
).map(b"".join)


# The same from parts without a grammar, which is ten times as fast.
_PARTS = [
    *(b"\x1b", b"\x1b[", b"\x1bO", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"),
    *(b"\x1b\\", b"\x07", b"\x18", b"\x1b[200~", b"\x1b[201~", b"\x1b[<", b"\x1b[M"),
    *(b"\x1b[[", b"11;", b"52;c;", b"NaN", b"Infinity", b"Na", b"e+", b";", b":", b"?", b"$"),
    *(b"u", b"~", b"M", b"m", b"R", b"$y", b"A", b"I", b"t", b"48;", b"27;5;106~", b"13;1u"),
    *(b"1081", b"97", b"1114112", b"99999999999999999999", b"-1", b"1.5", b"\xc2\x9c"),
    *("é".encode(), "日".encode(), "🚀".encode(), b"\xff", b"\xe9", b"\xc3", b"\xf0\x9f"),
]
PARTS = [*(bytes([code]) for code in range(256 - 2 * len(_PARTS))), *_PARTS, *_PARTS]
FRAGMENTS = st.binary(max_size=40).map(lambda made: b"".join(PARTS[each] for each in made))
CUTS = st.binary(max_size=12).map(lambda made: [each * 251 % 521 for each in made])


def sliced(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(whole) + 1) for cut in cuts})
    return [
        whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True) if b > a
    ]


@examples(100_000)
@given(sent=FRAGMENTS, cuts=CUTS)
@example(sent=b"\x1b[32;NaN;NaNM\x1b[1e+5u\x1b[5e", cuts=[5, 6, 7, 17, 18, 19])
@example(sent=b"\x1b[7$\x1b[4;2$y\x1b[[A\x1b[[z", cuts=[3, 4, 5, 15])
@example(sent=b"\x1b[200~\x1b[200~\x1b[20\x1b[201~\x1b", cuts=[6, 12, 16, 20])
def test_nothing_is_raised_and_slices_do_not_matter(sent: bytes, cuts: list[int]) -> None:
    assert names(messages(*sliced(sent, cuts))) == names(messages(sent))


@examples(5_000)
@given(sent=ANYTHING)
def test_after_a_pause_whatever_came_before_what_is_typed_arrives(sent: bytes) -> None:
    pieces = InputFilter()
    pieces.feed(sent)
    for _ in range(3):
        pieces.pause(PASTE_TIMEOUT)
    assert pieces.feed("what is typéd".encode()) == ["what is typéd"]


@dataclass(frozen=True)
class Sent:
    """One complete sequence from a terminal, and how it must arrive."""

    sent: bytes
    arrives: str


WRITTEN = st.characters(codec="utf-8", exclude_categories=["Cc"])
TYPED = st.text(WRITTEN, min_size=1, max_size=6).map(lambda text: Sent(text.encode(), text))
REPORTED = WRITTEN.map(lambda each: Sent(f"\x1b[0;;{ord(each)}u".encode(), each))
KEY = st.sampled_from(
    [
        *(
            ("\x1b[A", "up"),
            ("\x1bOA", "up"),
            ("\x1b[1;5:1A", "ctrl+up"),
            ("\x1b[3~", "delete"),
        ),
        *(("\x1b[1089::99;5u", "ctrl+c"), ("\x1b[27;5;102~", "ctrl+f"), ("\x1b[9u", "tab")),
    ]
).map(lambda pair: Sent(pair[0].encode(), f"<{pair[1]}>"))
PASTED = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(
    lambda text: Sent(b"\x1b[200~" + text.encode() + b"\x1b[201~", f"<paste {stripped(text)}>")
)
ANSWERED = st.sampled_from(
    [
        *(b"\x1b[<32;NaN;NaNM", b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\", b"\x1b]52;c;aGk=\x07"),
        *(b"\x1b[?62;22c", b"\x1bP>|tmux 3.5a\x1b\\", b"\x1b_Gi=31;OK\x1b\\", b"\x1b[97;1:3u"),
    ]
).map(lambda report: Sent(report, ""))


def stripped(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        each for each in lines if each in "\t\n" or not (each < " " or "\x7f" <= each < "\xa0")
    )


def arrived(*reads: bytes) -> str:
    """Return how the reads arrive, in the notation of the pieces above."""
    found = []
    for message in messages(*reads):
        if isinstance(message, events.Paste):
            found.append(f"<paste {message.text}>")
        elif isinstance(message, events.Key):
            is_text = message.character is not None and message.character >= " "
            found.append(message.character or "" if is_text else f"<{message.key}>")
        elif not isinstance(message, BackgroundReported):
            found.append(repr(message))
    return "".join(found)


@examples(10_000)
@given(
    pieces=st.lists(TYPED | REPORTED | KEY | PASTED | ANSWERED, max_size=10),
    cuts=CUTS,
)
def test_keys_and_pastes_arrive_in_order_and_reports_do_not(
    pieces: list[Sent], cuts: list[int]
) -> None:
    sent = b"".join(piece.sent for piece in pieces)
    # An empty paste posts nothing.
    whole = "".join(piece.arrives for piece in pieces if piece.arrives != "<paste >")
    assert arrived(*sliced(sent, cuts)) == whole
