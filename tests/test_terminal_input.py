"""A terminal's bytes, through the driver and the whole program, to a question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.scripted import Scripted, scripted
from tests.terminal import Terminal, terminal
from tests.test_input_filter import STRAY

SIZE = (110, 34)
ENTER = "\r"


class Person:
    """A user at a terminal, whose questions reach the scripted server."""

    def __init__(self, screen: Terminal, server: Scripted) -> None:
        self.screen = screen
        self._server = server

    @property
    def asked(self) -> int:
        """How many questions have reached the server."""
        return len(self._server.asked)

    def sends(self, *sent: str | bytes) -> None:
        for each in sent:
            self.screen.press(each)

    def asks(self, mark: str = "") -> str:
        """Wait for `mark` on the screen, press Enter, and return the question."""
        before = len(self._server.asked)
        if mark:
            self.screen.until_seen(mark)
        self.screen.press(ENTER)
        self.screen.until(lambda: len(self._server.asked) > before)
        return question(self._server)


def question(server: Scripted) -> str:
    content: Any = server.asked[-1].json["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    assert isinstance(text, str)
    return text


@pytest.fixture
def person(empty_home: Path, server: Scripted) -> Iterator[Person]:
    with at_terminal(empty_home, server) as found:
        yield found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """A program for several tests, each of which ends with a question."""
    with scripted() as server, at_terminal(tmp_path_factory.mktemp("home"), server) as found:
        yield found


@pytest.fixture
def asker(program: Person) -> Person:
    """A user who begins a new conversation in that program."""
    program.sends("\x0e")
    program.screen.until_seen("Ask Claude something")
    program.screen.until(lambda: "Ask anything" in program.screen.text)
    return program


@contextmanager
def at_terminal(home: Path, server: Scripted) -> Iterator[Person]:
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal(home=home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        yield Person(screen, server)


def test_a_paste_with_colours_is_sent_completely_and_only_by_enter(
    asker: Person,
) -> None:
    before = asker.asked
    asker.sends(b"\x1b[200~ERR \x1b[31mfailed \x1b[0m at\r", b"line two\x1b[20", b"1~ done")
    asker.screen.until_seen("line two done")
    assert asker.asked == before
    assert asker.asks() == "ERR [31mfailed [0m at\nline two done"


def test_a_paste_of_every_control_byte_is_sent_without_them(asker: Person) -> None:
    controls = b"".join(bytes([code]) + b"." for code in range(0x20))
    asker.sends(b"\x1b[200~[" + controls + b"\x7f" + "\x85\x9b".encode() + b"]\x1b[201~end")
    kept = "".join({9: "\t", 10: "\n", 13: "\n"}.get(code, "") + "." for code in range(0x20))
    assert asker.asks("end") == f"[{kept}]end"


def test_line_ends_that_tmux_reencodes_in_a_paste_are_line_ends(asker: Person) -> None:
    asker.sends(b"\x1b[200~one\x1b[106;5utwo\x1b[27;5;106~three\x1b[13;1ufour\x1b[201~.")
    assert asker.asks("four.") == "one\ntwo\nthree\nfour."


def test_a_huge_paste_arrives(asker: Person) -> None:
    text = "\n".join(
        f"line {number:05} of sixty-odd characters, as in logs" for number in range(3000)
    )
    for end in ("\r", "\r\n"):
        asker.sends("\x1b[200~", text.replace("\n", end), "\x1b[201~.")
        assert asker.asks("line 02999 of sixty-odd characters, as in logs.") == f"{text}."


def test_characters_that_python_does_not_print_are_sent(asker: Person) -> None:
    typed = "東京\u3000大阪 a\u00a0b\u202fc می\u200cخواهم"
    typed += " 👩\u200d🚀 d\u200ee\u00adf\ue0b0 \U0001facf"
    reports = "".join(f"\x1b[{ord(each)};;{ord(each)}u" for each in typed)
    asker.sends(typed, "\n", reports, ".")
    assert asker.asks("東京\u3000大阪") == f"{typed}\n{typed}."


@pytest.mark.parametrize(
    "report",
    [
        *("\x1b[97:65;2u", "\x1b[1089::99;1u", "\x1b[1;1:1D", "\x1b[3;1:1~"),
        *("\x1b[1114112u", "\x1b[99999999999999999999u"),
    ],
)
def test_a_key_report_of_any_kind_ends_nothing(asker: Person, report: str) -> None:
    asker.sends("x", report, "y")
    read = {"\x1b[97:65;2u": "xAy", "\x1b[1089::99;1u": "xсy", "\x1b[1;1:1D": "yx"}
    assert asker.asks(read.get(report, "xy")) == read.get(report, "xy")


def test_no_stray_report_is_typed(asker: Person) -> None:
    for name, report in STRAY.items():
        asker.sends(report, f"<{name}>\n")
    last = list(STRAY)[-1]
    assert asker.asks(f"<{last}>") == "\n".join(f"<{name}>" for name in STRAY)


def test_a_stray_report_in_slices_is_not_typed(asker: Person) -> None:
    for name in ("version", "attributes"):
        report = STRAY[name]
        for at in range(3, len(report), 5):
            asker.sends(report[:at], report[at:])
    asker.sends("typed")
    assert asker.asks("typed") == "typed"


def test_bytes_that_are_no_utf_8_end_nothing(asker: Person) -> None:
    asker.sends(b"a\xffb", b"caf\xe9 \x1b[M\xff\xfe\xfd", b"\x1b[200~p\xff\x1b[201~.")
    assert asker.asks("p\ufffd.") == "a\ufffdbcaf\ufffd p\ufffd."


def test_keys_with_a_modifier_that_means_nothing_are_those_keys(asker: Person) -> None:
    asker.sends("abc\x1b[127;2u\x1b[32;2ud\x1b[32;2;32ue")
    assert asker.asks("ab d e") == "ab d e"


def test_one_backspace_takes_a_grapheme(asker: Person) -> None:
    for grapheme in ("⚠️", "👩‍🚀", "🇯🇵"):
        asker.sends(f"a{grapheme}\x7fz")
    assert asker.asks("azazaz") == "azazaz"


@pytest.mark.parametrize("quit_key", ["\x1b[1081;5u", "\x1b[1081::113;5u", "\x1b[59::113;5u"])
def test_ctrl_q_leaves_on_other_layouts(
    empty_home: Path, server: Scripted, quit_key: str
) -> None:
    with at_terminal(empty_home, server) as person:
        person.sends(quit_key)
        assert person.screen.until_left() == 0
        assert b"Traceback" not in person.screen.raw


def test_shortcuts_work_on_a_cyrillic_layout(person: Person) -> None:
    person.sends("\x1b[1079;5u")
    person.screen.until_seen("Search for commands")
    person.sends("\x1b[27u")
    person.screen.until(lambda: "Search for commands" not in person.screen.text)
    person.sends("\x1b[1089;5u")
    person.screen.until_seen("again to quit")


def test_the_terminals_cursor_is_at_the_caret(person: Person) -> None:
    typed = "abc 日本語\u3000👩 é"
    person.sends(typed)
    person.screen.until_seen("abc 日本語")

    def caret() -> tuple[int, int]:
        lines = person.screen.text.splitlines()
        row = next(at for at, line in enumerate(lines) if "abc 日" in line)
        before = lines[row].partition("abc 日")[0]
        return cell_len(before) + cell_len(typed), row

    person.screen.until(lambda: person.screen.cursor == caret())


def test_alternate_keys_are_asked_for(person: Person) -> None:
    person.screen.until(lambda: b"\x1b[>29u" in person.screen.raw)
