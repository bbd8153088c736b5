"""The user's own keys: their spelling, and their conflicts."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from tui.config.commands import EVERYWHERE
from tui.config.keymap import BadKey, Keymap, Known, arrived, format_keys, keymap, spelled

NEW = Known("chat.new", ("ctrl+n",), "New", EVERYWHERE)
SIDEBAR = Known("chat.sidebar", ("ctrl+s",), "Sidebar", EVERYWHERE)
QUIT = Known("app.interrupt", ("ctrl+c",), "Quit", EVERYWHERE, leaves_writing=False)
SEND = Known("composer.send", ("enter",), "Send", "Writing", leaves_writing=False)
ERASE = Known(None, ("ctrl+k",), "Delete to the end", "Writing")
COLLAPSE = Known("message.collapse", ("enter",), "Collapse", "Messages")
DOWN = Known("message.next", ("j", "down"), "Next", "Messages")
CLOSE = Known("help.close", ("escape", "f1"), "Close", "Help", is_alone=True)
ALL = (NEW, SIDEBAR, QUIT, SEND, ERASE, COLLAPSE, DOWN, CLOSE)


def applied(**chosen: str) -> Keymap:
    return keymap(ALL, {name.replace("_", "."): keys for name, keys in chosen.items()})


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("ctrl+k", "ctrl+k"),
        ("Ctrl+K", "ctrl+k"),
        ("ctrl+k, f5", "ctrl+k,f5"),
        ("F12", "f12"),
        ("G", "G"),
        ("g", "g"),
        ("Esc", "escape"),
        ("Ctrl+PgUp", "ctrl+pageup"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("Shift+Enter", "shift+enter"),
        ("/", "slash"),
        ("?", "question_mark"),
        ("slash", "slash"),
        ("comma", "comma"),
        ("ctrl+/", "ctrl+slash"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("space", "space"),
        ("ctrl+j", "ctrl+j"),
        ("é", "é"),
    ],
)
def test_a_key_may_be_written_as_people_write_it(written: str, means: str) -> None:
    assert spelled(written) == means


@pytest.mark.parametrize(
    "written",
    [
        *(
            "ctrl+i",
            "ctrl+m",
            "ctrl+h",
            "ctrl+[",
            "ctrl+space",
            "ctrl+@",
            "alt+enter",
            "alt+return",
        ),
        *(f"alt+{digit}" for digit in string.digits),
        *("", " ", ",", "ctrl+k,", "f99", "ctrl+", "ctrl+k+x", "enter+k", "hello", "\x1b"),
        *("shift+k", "shift+/", "f5,ctrl+m", "\x00", "\u200b"),
    ],
)
def test_a_key_that_no_terminal_sends_is_refused_in_one_line(written: str) -> None:
    with pytest.raises(BadKey) as caught:
        spelled(written)
    text = str(caught.value)
    assert text.isprintable()
    assert not text.endswith(".")


@pytest.mark.parametrize("sign", f" {string.punctuation}")
def test_a_sign_is_named_as_its_event_is(sign: str) -> None:
    if sign not in " ,":
        assert spelled(sign) == _character_to_key(sign)
    assert spelled(_character_to_key(sign)) == _character_to_key(sign)


@given(st.text(max_size=12))
def test_whatever_is_written_is_a_key_or_refused(written: str) -> None:
    try:
        made = spelled(written)
    except BadKey:
        return
    assert spelled(made) == made
    assert format_keys(made.split(","))


@pytest.mark.parametrize(
    ("keys", "seen"),
    [
        (("ctrl+n",), "Ctrl+N"),
        (("ctrl+pageup", "alt+up"), "Ctrl+PgUp, Alt+↑"),
        (("r",), "r"),
        (("G",), "G"),
        (("escape",), "Esc"),
        (("f1", "slash", "space"), "F1, /, Space"),
        (("shift+enter", "shift+tab"), "Shift+Enter, Shift+Tab"),
        (("left", "pagedown"), "←, PgDn"),
    ],
)
def test_a_key_is_shown_as_on_the_keyboard(keys: tuple[str, ...], seen: str) -> None:
    assert format_keys(keys) == seen


def test_with_nothing_chosen_all_is_as_it_was() -> None:
    assert applied() == Keymap(known=ALL, chosen={})


def test_chosen_keys_take_the_place_of_all_default_keys() -> None:
    found = applied(message_next="n,f5")
    assert found.keys("message.next") == ("n", "f5")
    assert found.keys("message.collapse") == ("enter",)
    assert found.chosen == {"message.next": "n,f5"}
    assert (found.unknown, found.conflicts) == ((), ())


def test_an_id_that_there_is_not_is_named_and_left_out() -> None:
    found = applied(chat_now="ctrl+k", chat_new="f5")
    assert found.unknown == ("chat.now",)
    assert found.chosen == {"chat.new": "f5"}
    with pytest.raises(KeyError):
        found.keys("chat.now")
    assert found.beside("chat.now") == ["chat.new", "chat.sidebar"]
    assert "chat.…" in found.beside("cht.new")


@pytest.mark.parametrize(
    ("chosen", "lines"),
    [
        ({"chat_new": "ctrl+s"}, ("Ctrl+S: chat.new (New), and chat.sidebar (Sidebar).",)),
        ({"chat_new": "ctrl+s", "chat_sidebar": "ctrl+n"}, ()),
        (
            {"message_next": "enter"},
            ("Enter: message.collapse (Collapse), and message.next (Next).",),
        ),
        # A key of "everywhere" conflicts with a key of a message.
        (
            {"message_collapse": "ctrl+n"},
            ("Ctrl+N: chat.new (New), and message.collapse (Collapse).",),
        ),
        # A key may do two things in two different scopes.
        ({"message_collapse": "ctrl+k"}, ()),
        # Textual's own key, which cannot be changed.
        (
            {"chat_new": "ctrl+k"},
            ("Ctrl+K: chat.new (New), and Delete to the end (Writing).",),
        ),
        # In a dialog no other keys work.
        ({"help_close": "ctrl+n"}, ()),
        ({"chat_new": "escape"}, ()),
    ],
)
def test_a_key_for_two_things_in_one_scope_is_reported(
    chosen: dict[str, str], lines: tuple[str, ...]
) -> None:
    assert applied(**chosen).conflicts == lines


@pytest.mark.parametrize("key", ["q", "space", "slash"])
def test_a_text_field_cannot_have_a_letter_as_its_key(key: str) -> None:
    found = applied(app_interrupt=key, composer_send=f"f5,{key}")
    assert found.keys("app.interrupt") == ("ctrl+c",)
    assert found.keys("composer.send") == ("enter",)
    assert found.chosen == {}
    sign = format_keys([key])
    assert found.conflicts == (
        f"{sign} types text there, so app.interrupt stays on Ctrl+C.",
        f"{sign} types text there, so composer.send stays on Enter.",
    )


@pytest.mark.parametrize("key", ["alt+d", "ctrl+f", "alt+D", "alt+shift+d"])
def test_a_letter_with_alt_or_ctrl_writes_nothing(key: str) -> None:
    assert arrived(key, key[-1])[1] is None


@pytest.mark.parametrize(("key", "written"), [("d", "d"), ("shift+d", "D"), ("é", "é")])
def test_a_letter_without_them_is_written(key: str, written: str) -> None:
    assert arrived(key, written)[1] == written
