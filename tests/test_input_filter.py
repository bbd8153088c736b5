"""Input from a terminal arrives as it was meant, or not at all.

For each bug of Textual 8.2.8 that the filter works around, there is a test of Textual alone
at the end. If one of these fails, Textual has fixed the bug and the workaround can go.
"""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from tests.sent import messages, names, typed
from tui.terminal.input_filter import PASTE_TIMEOUT, SEQUENCE_TIMEOUT, InputFilter

START, END = b"\x1b[200~", b"\x1b[201~"
TYPED = b"after"


def pastes(*reads: bytes) -> list[str]:
    sent = messages(*reads)
    assert all(isinstance(message, events.Paste) for message in sent), names(sent)
    return [message.text for message in sent if isinstance(message, events.Paste)]


# Pastes


def test_a_paste_with_an_escape_in_it_is_one_text_in_order() -> None:
    line = b"ERR \x1b[31mfailed \x1b[0m at\nline two"
    assert pastes(START + line + END) == ["ERR [31mfailed [0m at\nline two"]


@pytest.mark.parametrize("code", range(256))
def test_no_byte_in_a_paste_is_a_key(code: int) -> None:
    (text,) = pastes(START + b"a" + bytes([code]) + b"b\n" + END)
    assert text[0] == "a"
    assert text.endswith("b\n")
    assert all(character in "\t\n" or character.isprintable() for character in text)


def test_a_paste_may_be_cut_anywhere_also_in_its_marks() -> None:
    whole = START + "é\x1b[Aü\r\nx".encode() + END
    for at in range(len(whole)):
        assert pastes(whole[:at], whole[at:]) == ["é[Aü\nx"]
    assert pastes(*(bytes([byte]) for byte in whole)) == ["é[Aü\nx"]


@pytest.mark.parametrize("end", [END[:length] for length in range(len(END))])
def test_a_paste_whose_end_never_comes_is_text_all_the_same(end: bytes) -> None:
    pieces = InputFilter()
    assert pieces.feed(START + b"one\rtwo\r" + end) == []
    assert pieces.pause(PASTE_TIMEOUT - 0.1) == []
    (paste,) = pieces.pause(PASTE_TIMEOUT)
    assert isinstance(paste, events.Paste)
    assert paste.text == "one\ntwo\n"
    assert pieces.feed(TYPED) == ["after"]


def test_a_start_within_a_paste_is_no_text() -> None:
    assert pastes(START + b"a" + START + b"b" + END) == ["ab"]


def test_the_end_of_no_paste_is_nothing() -> None:
    assert names(messages(END)) == []


@pytest.mark.parametrize(
    "line_end",
    [
        *(b"\r", b"\n", b"\r\n"),
        *(b"\x1b[106;5u", b"\x1b[27;5;106~", b"\x1b[13;1u", b"\x1b[13u", b"\x1b[109;5u"),
        *(b"\x1b[27;5;109~", b"\x1b[74;5u", b"\x1b[10u", b"\x1b[109;5u\x1b[106;5u"),
    ],
)
def test_whatever_ends_a_line_in_a_paste_is_a_line_feed(line_end: bytes) -> None:
    assert pastes(START + b"one" + line_end + b"two" + END) == ["one\ntwo"]


@pytest.mark.parametrize("tab", [b"\t", b"\x1b[9u", b"\x1b[105;5u", b"\x1b[27;5;105~"])
def test_tabs_in_a_paste_stay(tab: bytes) -> None:
    assert pastes(START + b"one" + tab + b"two" + END) == ["one\ttwo"]


@pytest.mark.parametrize("report", ["[106u", "[27;5;42~", "[999;5u"])
def test_other_reports_in_a_paste_are_text(report: str) -> None:
    assert pastes(START + f"one\x1b{report}two".encode() + END) == [f"one{report}two"]


def test_a_very_long_paste_arrives_complete() -> None:
    text = "line of text\n" * 100_000
    whole = START + text.encode() + END
    assert pastes(*(whole[at : at + 4096] for at in range(0, len(whole), 4096))) == [text]


# Reports

STRAY = {
    "mouse without numbers": b"\x1b[<32;NaN;NaNM",
    "mouse at infinity": b"\x1b[<0;Infinity;-Infinitym",
    "mouse far away": b"\x1b[<0;1e+21;99999999999M",
    "mouse in fractions": b"\x1b[<35;12.5;3.25M",
    "mouse, urxvt": b"\x1b[32;NaN;NaNM",
    "mouse, old": b"\x1b[M\xff\xfe\xfd",
    "mouse, old, letters": b"\x1b[M ab",
    "cursor colour": b"\x1b]12;rgb:1e1e/1e1e/1e1e\x1b\\",
    "palette": b"\x1b]4;1;rgb:cccc/0000/0000\x07",
    "clipboard": b"\x1b]52;c;aGk=\x07",
    "title": b"\x1b]lsome title\x1b\\",
    "attributes": b"\x1b[?62;22c",
    "attributes, secondary": b"\x1b[>41;354;0c",
    "attributes, tertiary": b"\x1bP!|7E565445\x1b\\",
    "version": b"\x1bP>|tmux 3.5a\x1b\\",
    "termcap": b"\x1bP1+r544e=787465726d\x1b\\",
    "setting": b"\x1bP1$r0m\x1b\\",
    "graphics": b"\x1b_Gi=31;OK\x1b\\",
    "privacy message": b"\x1b^some message\x1b\\",
    "start of string": b"\x1bXsome string\x1b\\",
    "kitty flags": b"\x1b[?29u",
    "modifyOtherKeys": b"\x1b[>4;2m",
    "colour scheme": b"\x1b[?997;1n",
    "status": b"\x1b[0n",
    "window": b"\x1b[4;600;800t",
    "size, without any": b"\x1b[48;0;0;0;0t",
    "size, too large": b"\x1b[48;99999;99999;1;1t",
    "mode, private": b"\x1b[?9999999999;1$y",
    "mode": b"\x1b[4;2$y",
    "cursor far away": b"\x1b[99999999999999999999;1R",
    "no character": b"\x1b[1114112u",
    "no number": b"\x1b[99999999999999999999u",
    "digits by the thousand": b"\x1b[" + b"9" * 5000 + b"u",
    "a surrogate": b"\x1b[55357u",
    "text that is none": b"\x1b[0;;1114112:55296:7u",
    "too many modifiers": b"\x1b[97;99999u",
    "a key let go": b"\x1b[97;1:3u",
    "an arrow let go": b"\x1b[1;1:3A",
    "delete let go": b"\x1b[3;1:3~",
    "colons": b"\x1b[:::;:::;:::u",
    "no key": b"\x1b[u",
    "unknown": b"\x1b[123;45;67;89z",
    "with intermediates": b"\x1b[1;2 q",
    "C1": "\x9b\x9d\x90".encode(),
}


@pytest.mark.parametrize("name", STRAY)
def test_a_report_that_nobody_asked_for_is_swallowed_and_what_is_typed_arrives(
    name: str,
) -> None:
    report = STRAY[name]
    assert names(messages(report)) == []
    assert typed(messages(b"x" + report + TYPED)) == "xafter"
    for at in range(1, min(len(report), 64)):
        assert names(messages(report[:at], report[at:])) == [], report[:at]


@pytest.mark.parametrize(
    "name", [name for name in STRAY if name not in ("C1", "start of string", "privacy message")]
)
def test_a_report_that_breaks_off_is_swallowed_too(name: str) -> None:
    report = STRAY[name]
    for length in range(4, min(len(report), 64)):
        pieces = InputFilter()
        pieces.feed(report[:length])
        assert [*pieces.pause(SEQUENCE_TIMEOUT)] == []
        assert pieces.feed(TYPED) == ["after"]


def test_a_report_that_the_next_one_breaks_off_is_swallowed() -> None:
    assert names(messages(b"\x1b]11;rgb:1e\x1b[1;2\x1b[A")) == ["up None"]


@pytest.mark.parametrize(
    "bytes_", [b"\xff", b"caf\xe9", b"\xc3(", b"\xed\xa0\x80", b"\x1b\xff"]
)
def test_bytes_that_are_no_utf_8_are_replaced_and_what_follows_arrives(bytes_: bytes) -> None:
    for sent in (
        messages(bytes_ + TYPED),
        messages(*(bytes([each]) for each in bytes_), TYPED),
    ):
        assert "\ufffd" in typed(sent)
        assert typed(sent).endswith("after")


def test_bytes_that_are_no_utf_8_are_replaced_in_a_paste() -> None:
    assert pastes(START + b"caf\xe9 \xff" + END) == ["caf\ufffd \ufffd"]


def test_answers_to_textuals_queries_reach_it() -> None:
    sent = messages(b"\x1b[I\x1b[O\x1b[3;4R\x1b[?2026;2$y\x1b[<0;5;6M\x1b[<0;5;6m\x1b[<64;1;1M")
    assert [type(message).__name__ for message in sent] == [
        *("AppFocus", "AppBlur", "CursorPosition", "TerminalSupportsSynchronizedOutput"),
        *("MouseDown", "MouseUp", "MouseScrollUp"),
    ]


def test_the_mouse_works_in_a_terminal_that_does_not_know_its_size_in_pixels() -> None:
    size, click = messages(b"\x1b[48;24;80;0;0t\x1b[<0;5;6M")
    assert isinstance(size, events.Resize)
    assert size.size == (80, 24)
    assert isinstance(click, events.MouseDown)
    assert (click.x, click.y) == (4, 5)


# Keys


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("\x1b[97:65;2u", "A 'A'"),
        ("\x1b[1089::99;5u", "ctrl+c None"),
        ("\x1b[1;1:1A", "up None"),
        ("\x1b[1;1:2A", "up None"),
        ("\x1b[3;1:1~", "delete None"),
        ("\x1b[97:65;2;65u", "A 'A'"),
        ("\x1b[55:47;2u", "slash '/'"),
        ("\x1b[1092:1060:97;2u", "Ф 'Ф'"),
        ("\x1b[97;0u", "a 'a'"),
        ("\x1b[57414;129u", "enter '\\r'"),
        ("\x1b[57400;129;49u", "1 '1'"),
        ("\x1b[13;65u", "enter '\\r'"),
        ("\x1b[32;2u", "space ' '"),
        ("\x1b[8u", "backspace '\\x7f'"),
        ("\x1b[25~", "f13 None"),
        ("\x1b[0;;26481u", "東 '東'"),
    ],
)
def test_a_key_report_is_read(sent: str, key: str) -> None:
    assert names(messages(sent.encode())) == [key]


def test_the_text_of_an_input_method_comes_character_by_character() -> None:
    assert typed(messages(b"\x1b[0;;26481:20140u")) == "東京"


UNPRINTABLE = "\u3000\u00a0\u202f\u200c\u200d\u200e\u00ad\ue0b0\ue001\U0001fae9\U0001facf"


@pytest.mark.parametrize("character", UNPRINTABLE)
def test_characters_that_python_does_not_print_arrive(character: str) -> None:
    code = ord(character)
    for sent in (character, f"\x1b[{code}u", f"\x1b[{code};;{code}u", f"\x1b[0;;{code}u"):
        assert typed(messages(sent.encode())) == character


LAYOUTS = {
    "Russian": ("йцукенгшщзфывапролдячсмить", "qwertyuiopasdfghjklzxcvbnm"),
    "Ukrainian": ("йцукенгшщзфівапролдячсмить", "qwertyuiopasdfghjklzxcvbnm"),
    "Greek": ("ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"),
    "Hebrew": ("קראטוןםפשדגכעיחלךזסבהנמצ", "ertyuiopasdfghjklzxcvbnm"),
    "Arabic": ("ضصثقفغعهخحشسيبلاتنمئءؤرىة", "qwertyuiopasdfghjklzxcvnm"),
    "Persian": ("ضصثقفغعهخحشسیبلاتنمظطزرذد", "qwertyuiopasdfghjklzxcvbn"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shortcuts_work_on_other_layouts_without_alternate_keys(layout: str) -> None:
    for letter, key in zip(*LAYOUTS[layout], strict=True):
        code = ord(letter)
        assert names(messages(f"\x1b[{code};5u".encode())) == [f"ctrl+{key} None"]
        assert names(messages(f"\x1b[27;5;{code}~".encode())) == [f"ctrl+{key} None"]
        assert names(messages(f"\x1b[{code};3u".encode())) == [f"alt+{key} None"]
        assert names(messages(f"\x1b{letter}".encode())) == [f"alt+{key} {letter!r}"]


@pytest.mark.parametrize("character", ["с", "ς", "ש", "ش", "ก", "ა", ";", "/"])
def test_shortcuts_work_on_any_layout_with_alternate_keys(character: str) -> None:
    assert names(messages(f"\x1b[{ord(character)}::113;5u".encode())) == ["ctrl+q None"]


@pytest.mark.parametrize(
    ("character", "base"), [("a", "q"), ("'", "q"), (";", "z"), ("m", ";")]
)
def test_a_latin_layout_means_the_letter_and_not_the_place(character: str, base: str) -> None:
    (key,) = messages(f"\x1b[{ord(character)}::{ord(base)};5u".encode())
    assert isinstance(key, events.Key)
    assert key.key.removeprefix("ctrl+") in {character, "apostrophe", "semicolon"}


# Escape, and sequences that begin with it


def test_esc_is_a_key_when_nothing_follows_for_a_moment() -> None:
    pieces = InputFilter()
    assert pieces.feed(b"\x1b") == []
    assert pieces.pause(0.05) == []
    assert names([*pieces.pause(0.1)]) == ["escape '\\x1b'"]  # type: ignore[list-item]


@pytest.mark.parametrize("letter", "[OP]_^Xx(é")
def test_alt_with_a_letter_arrives_also_if_it_might_begin_a_sequence(letter: str) -> None:
    (key,) = messages(f"\x1b{letter}".encode())
    assert isinstance(key, events.Key)
    assert key.key.startswith("alt+")
    assert key.character == letter


@pytest.mark.parametrize("letter", "P]_^X")
def test_letters_typed_quickly_after_alt_are_not_lost(letter: str) -> None:
    assert typed(messages(f"\x1b{letter}hello\r".encode())) == f"{letter}hello\r"
    assert typed(messages(f"\x1b{letter}hello".encode())) == f"{letter}hello"


def test_esc_before_another_key_is_a_key() -> None:
    assert names(messages(b"\x1b\x1b[A\x1b\x1b")) == [
        "escape '\\x1b'", "up None", "escape '\\x1b'", "escape '\\x1b'",
    ]  # fmt: skip


# Textual without the filter


def alone(sent: str) -> list[str]:
    return names([*(parser := XTermParser()).feed(sent), *parser.feed("")])


def test_textual_still_cuts_pastes_at_an_escape() -> None:
    assert len(alone("\x1b[200~a\x1b[31mb\x1b[201~")) > 1


@pytest.mark.parametrize(
    "report",
    ["\x1b[97:65;2u", "\x1b[1;1:1A", "\x1b[1114112u", "\x1b[99999999999999999999u"],
)
def test_textual_still_raises_at_key_reports(report: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        alone(report)


@pytest.mark.parametrize(
    "name", ["mouse without numbers", "cursor colour", "attributes", "version", "graphics"]
)
def test_textual_still_types_reports(name: str) -> None:
    assert len(alone(STRAY[name].decode())) > 1


def test_textual_still_drops_characters_that_python_does_not_print() -> None:
    assert not events.Key("ideographic_space", "\u3000").is_printable


def test_textual_still_divides_by_a_size_in_pixels_of_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        alone("\x1b[48;24;80;0;0t\x1b[<0;5;6M")


def test_textual_still_takes_f13_for_a_character() -> None:
    assert alone("\x1b[25~") != ["f13 None"]


def test_textual_still_decodes_strictly() -> None:
    import inspect

    from textual.drivers.linux_driver import LinuxDriver

    assert 'getincrementaldecoder("utf-8")()' in inspect.getsource(LinuxDriver.run_input_thread)
