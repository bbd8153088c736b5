"""Which texts are commands and which are questions, and how commands are completed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.commands import COMMANDS
from tui.config.slash import (
    SlashEntry,
    begun_call,
    completed,
    completions,
    entries_of_commands,
    parse_call,
)

ENTRIES = entries_of_commands()
NAMES = {entry.name: entry for entry in ENTRIES}
TAKING = [entry for entry in ENTRIES if entry.takes]

entries = st.sampled_from(ENTRIES)


def test_every_command_of_the_palette_has_a_name_of_its_own() -> None:
    assert len(NAMES) == len(ENTRIES)
    assert {entry.command_id for entry in ENTRIES} == {
        command.id for command in COMMANDS if command.is_in_palette
    }
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in NAMES)
    expected = {"new", "search", "rename", "find", "help", "quit", "theme", "undo", "copy"}
    assert expected <= NAMES.keys()
    assert {entry.name for entry in TAKING} == {"search", "find", "rename"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "/etc/hosts why?",
            "/unknown",
            "/",
            "",
            "new",
            " /new",
            "//new",
            "/new/",
            "/New",
            "/ne",
        ),
        *(
            "/new conversation",
            "/quit\nnow",
            "/search\nwords",
            "/search a\nb",
            "x /new",
            "/new.py",
        ),
    ],
)
def test_other_texts_are_questions(text: str) -> None:
    assert parse_call(text, ENTRIES) is None


@given(st.text())
def test_what_is_no_known_name_is_never_a_command(text: str) -> None:
    for begun in (text, f"/{text}"):
        call = parse_call(begun, ENTRIES)
        if call is not None:
            assert begun.rstrip().startswith(f"/{call.entry.name}")
            assert call.entry in ENTRIES
            assert begun.split() == call.text.split()
            assert call.entry.takes or begun.rstrip() == f"/{call.entry.name}"


@given(entries, st.text(), st.sampled_from(["", " ", "\n", "x", "/", "-"]))
def test_a_name_with_words_it_does_not_take_is_a_question(
    entry: SlashEntry, words: str, between: str
) -> None:
    text = f"/{entry.name}{between}{words}"
    call = parse_call(text, ENTRIES)
    if call is not None:
        assert call.entry.takes or text.rstrip() in {f"/{name}" for name in NAMES}
        assert "\n" not in call.argument


@given(st.sampled_from(TAKING), st.from_regex(r"\S(.*\S)?", fullmatch=True))
def test_words_reach_a_command_as_they_are(entry: SlashEntry, words: str) -> None:
    call = parse_call(f"/{entry.name}  {words} ", ENTRIES)
    assert call is not None
    assert (call.entry, call.argument) == (entry, words)


@given(entries, st.integers(0, 30))
def test_each_beginning_of_a_name_is_completed(entry: SlashEntry, length: int) -> None:
    begun = f"/{entry.name[:length]}"
    found = completions(begun, ENTRIES)
    assert entry in found
    # Names that begin with the text come before other matches.
    is_name = [each.name.startswith(begun[1:]) for each in found]
    assert is_name == sorted(is_name, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_completed_is_a_command(name: str) -> None:
    call = parse_call(completed(NAMES[name]), ENTRIES)
    assert call is not None
    assert call.entry == NAMES[name]
    assert NAMES[name] in completions(completed(NAMES[name]), ENTRIES)


@pytest.mark.parametrize(
    "text", ["/etc/hosts", "/new conversation", "text", " /", "/zzz", "/a b"]
)
def test_where_there_is_nothing_to_complete_nothing_is_listed(text: str) -> None:
    assert completions(text, ENTRIES) == []


@given(entries, st.integers(0, 30))
def test_only_a_beginning_of_one_name_is_a_call(entry: SlashEntry, length: int) -> None:
    begun = entry.name[:length]
    call = begun_call(f"/{begun}", ENTRIES)
    names = [name for name in NAMES if name.startswith(begun)]
    assert (call and call.entry) == (entry if len(names) == 1 else None)


@pytest.mark.parametrize("text", ["/", "/zzz", "/conv", "/ren x", "/etc/hosts", "/ren\nx"])
def test_what_begins_no_name_is_no_call(text: str) -> None:
    assert begun_call(text, ENTRIES) is None


def test_a_word_of_the_title_finds_a_command_too() -> None:
    assert [entry.name for entry in completions("/everything", ENTRIES)] == ["search"]
    assert "new" in [entry.name for entry in completions("/conv", ENTRIES)]
