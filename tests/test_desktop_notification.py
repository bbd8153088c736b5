"""The terminal's desktop notification: no title can break out of its sequence."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.domain.conversation import Message, title_of
from tui.terminal.desktop_notification import LONGEST, sequence
from tui.text.formatting import ended_notice

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))
KINDS = {
    "iTerm2": ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;", "\a"),
    "iTerm2 over ssh": ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "\x1b]9;", "\a"),
    "WezTerm": ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "\x1b]9;", "\a"),
    "ghostty": ({"TERM": "xterm-ghostty"}, "\x1b]9;", "\a"),
    "Windows Terminal": ({"WT_SESSION": "1"}, "\x1b]9;", "\a"),
    "kitty": ({"TERM": "xterm-kitty", "VTE_VERSION": "7600"}, "\x1b]99;;", "\x1b\\"),
    "foot": ({"TERM": "foot"}, "\x1b]777;notify;streamchat-tui;", "\a"),
    "foot, of another terminfo": (
        {"TERM": "foot-extra"},
        "\x1b]777;notify;streamchat-tui;",
        "\a",
    ),
    "urxvt": ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;streamchat-tui;", "\a"),
    "VTE": ({"VTE_VERSION": "7600"}, "\x1b]777;notify;streamchat-tui;", "\a"),
}
BELL_ONLY = {
    "nothing known": {"TERM": "xterm-256color"},
    "no variable": {},
    "console": {"TERM": "linux"},
    "Terminal.app": {"TERM_PROGRAM": "Apple_Terminal"},
    "tmux in kitty": {"TMUX": "/tmp/t,1,0", "KITTY_WINDOW_ID": "1", "TERM": "tmux-256color"},
    "tmux at the other end": {"TERM": "tmux-256color"},
    "screen in iTerm2": {"STY": "1.pts", "TERM_PROGRAM": "iTerm.app"},
    "screen at the other end": {"TERM": "screen.xterm-256color"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_terminal_gets_its_own_sequence(kind: str) -> None:
    environ, begin, end = KINDS[kind]
    assert sequence("Kyoto in March", environ) == f"{begin}Kyoto in March{end}"


@pytest.mark.parametrize("kind", BELL_ONLY)
def test_elsewhere_the_bell_rings(kind: str) -> None:
    assert sequence("Kyoto in March", BELL_ONLY[kind]) == "\a"


def test_the_notification_says_how_the_reply_ended_even_with_a_long_title() -> None:
    title = title_of("all the words " * 20)
    assert len(title) > 70
    reply = Message("m", "c", "assistant", (), created_ms=0, state="cut_off")
    made = sequence(ended_notice(title, reply), {"TERM": "xterm-kitty"})
    assert made == f"\x1b]99;;“{title}”: cut off.\x1b\\"


@pytest.mark.parametrize("kind", KINDS)
@given(title=ANYTHING)
@example(title="a\x1b\\\x1b]52;c;aGk=\a")
@example(title="\x9c\x9d52;c;aGk=\x07\x7f\x00")
@example(title="4;1;100")
@example(title="\ud83d\nx")
def test_whatever_the_title_there_is_one_sequence(kind: str, title: str) -> None:
    environ, begin, end = KINDS[kind]
    made = sequence(title, environ)
    assert made.startswith(begin)
    assert made.endswith(end)
    text = made[len(begin) : len(made) - len(end)]
    assert len(text) <= LONGEST
    assert ";" not in text
    assert not any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in text)
    assert made.encode("utf-8")
