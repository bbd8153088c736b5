"""Every key has a name in `config.toml`, and does what the person chose for it."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import tui
from tests.screens.conftest import Journey, Open
from tui.app import StreamChat
from tui.bindings import every_key
from tui.keymap import keymap, shown, spelled
from tui.screens.confirm import ConfirmScreen

README = Path(tui.__file__).parent.parent / "README.md"


def bound() -> list[tuple[str, Binding]]:
    """Every binding in the package, and the class that it stands in."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if module.name != "tui.__main__":
            importlib.import_module(module.name)
    left: list[type[Any]] = [DOMNode]
    found: dict[str, type[Any]] = {}
    while left:
        each = left.pop()
        left += each.__subclasses__()
        if each.__module__.partition(".")[0] == "tui":
            found[f"{each.__module__}.{each.__qualname__}"] = each
    return [
        (name, binding if isinstance(binding, Binding) else Binding(*binding))
        for name, each in sorted(found.items())
        for binding in each.__dict__.get("BINDINGS", ())
    ]


BOUND = bound()


def test_every_binding_has_a_name_of_its_own() -> None:
    assert len(BOUND) > 30
    assert [(where, each.key) for where, each in BOUND if not each.id] == []
    names = [each.id for _, each in BOUND]
    assert sorted({name for name in names if names.count(name) > 1}, key=str) == []


@pytest.mark.parametrize(("where", "binding"), BOUND, ids=[str(each.id) for _, each in BOUND])
def test_every_binding_is_a_key_that_terminals_send(where: str, binding: Binding) -> None:
    # Raises for what they do not.
    assert spelled(binding.key), where
    assert binding.description


def test_every_binding_is_among_the_keys_that_can_be_changed() -> None:
    known = {each.id for each in every_key(StreamChat.BINDINGS)}
    assert known == {each.id for _, each in BOUND} | {None}


def test_the_default_keys_do_one_thing_in_each_place() -> None:
    known = every_key(StreamChat.BINDINGS)
    # As if a person had chosen them all, or no clash would be told.
    chosen = {each.id: ",".join(each.keys) for each in known if each.id}
    assert keymap(known, chosen).conflicts == ()


def test_the_readme_lists_every_name_with_its_keys() -> None:
    rows = [
        f"| `{each.id}` | {shown(each.keys)} | {each.description} |"
        for each in every_key(StreamChat.BINDINGS)
        if each.id
    ]
    _, _, table = README.read_text(encoding="utf-8").partition(
        "| Name | Keys | |\n|---|---|---|\n"
    )
    assert table.partition("\n\n")[0].splitlines() == rows


async def test_chosen_keys_act_and_the_default_ones_no_more(opened: Open) -> None:
    async with opened(keys={"chat.sidebar": "f5,f6"}) as journey:
        hidden: list[bool] = []
        for key in ("f5", "ctrl+s", "f6"):
            await journey.press(key)
            hidden.append(type(journey.app.focused).__name__ == "Filter")
        # There, still there, and away: the second press of two hides it.
        assert hidden == [True, True, False]


async def test_two_keys_may_change_places(opened: Open) -> None:
    keys = {"chat.sidebar": "ctrl+n", "chat.new": "ctrl+s"}
    async with opened(keys=keys) as journey:
        await journey.press("ctrl+n")
        assert type(journey.app.focused).__name__ == "Filter"


async def test_the_composer_obeys_chosen_keys(opened: Open) -> None:
    keys = {"composer.send": "f5", "composer.newline": "ctrl+k"}
    async with opened(keys=keys) as journey:
        await journey.press("a", "ctrl+k", "b", "enter", "c", "ctrl+j", "shift+enter", "d")
        assert journey.composer == "a\nb\ncd"
        assert journey.questions == []
        await journey.press("f5")
        await journey.until_done()
        assert journey.questions == ["a\nb\ncd"]


@pytest.mark.parametrize("key", ["shift+enter", "shift+\r"])
async def test_shift_enter_is_one_key_in_whatever_terminal(opened: Open, key: str) -> None:
    keys = {"composer.send": "shift+enter", "composer.newline": "enter"}
    async with opened(keys=keys) as journey:
        await journey.press("a", "enter", "b", key)
        await journey.until_done()
        assert journey.questions == ["a\nb"]


async def test_f1_shows_the_keys_as_they_are(opened: Open) -> None:
    keys = {"message.copy": "ctrl+y", "chat.new": "ctrl+s", "chat.now": "f5"}
    async with opened(size=(110, 90), keys=keys) as journey:
        await journey.press("f1")
        await journey.until(lambda: "On a message" in journey.seen)
        rows = [" ".join(row.strip(" │┃▎▌").split()) for row in journey.seen.splitlines()]
        assert "^y Copy" in rows
        assert "y Copy" not in rows
        assert "! Ctrl+S: chat.new (New), and chat.sidebar (Sidebar)." in rows
        assert "? chat.now" in rows
        assert rows.index("Conflicts") < rows.index("Not known") < rows.index("Everywhere")


async def test_f1_tells_of_no_conflict_where_nothing_was_chosen(opened: Open) -> None:
    async with opened(size=(110, 90)) as journey:
        await journey.press("f1")
        await journey.until(lambda: "On a message" in journey.seen)
        assert "Conflicts" not in journey.seen
        assert "Not known" not in journey.seen
        assert "Esc closes" in journey.seen


async def test_what_is_said_of_keys_follows_the_choice(opened: Open) -> None:
    keys = {"help.close": "f5", "chat.new": "f6", "app.interrupt": "f7", "confirm.no": "f8"}
    async with opened(keys=keys) as journey:
        assert palette(journey)["New conversation"] == "F6"
        assert palette(journey)["Sidebar"] == "Ctrl+S: go there, or hide it"
        assert palette(journey)["Ask again"] == "r on a reply: the newest one anew"
        assert palette(journey)["Theme"] == "Choose among all themes"
        await journey.press("f7")
        await journey.until(lambda: "Press F7 again to quit." in journey.seen)
        await journey.press("f1")
        await journey.until(lambda: "F5 closes" in journey.seen)
        await journey.press("escape")
        assert "F5 closes" in journey.seen
        await journey.press("f5")
        await journey.until(lambda: "F5 closes" not in journey.seen)
        await journey.app.push_screen(ConfirmScreen("Really?", yes="Quit"))
        await journey.until(lambda: "Really?" in journey.seen)
        assert "Enter Quit   F8 Cancel" in journey.seen
        await journey.press("f8")
        await journey.until(lambda: "Really?" not in journey.seen)


def palette(journey: Journey) -> dict[str, str]:
    commands = journey.app.get_system_commands(journey.app.screen)
    return {command.title: command.help for command in commands}
