"""Every key has a name in `config.toml`, and the user's own key works."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import tui
from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, says, start
from tui.config.commands import COMMANDS
from tui.config.keymap import keymap, spelled
from tui.ui.bindings import every_key
from tui.ui.screens.confirm import ConfirmScreen


def bound() -> list[tuple[str, Binding]]:
    """Return every binding in the package, with its class."""
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
    # Raises if a key is not known.
    assert spelled(binding.key), where
    assert binding.description


def test_every_binding_is_among_the_keys_that_can_be_changed() -> None:
    known = {each.id for each in every_key()}
    assert known == {each.id for _, each in BOUND} | {None}


def test_the_default_keys_do_one_thing_in_each_place() -> None:
    known = every_key()
    # As if the user had chosen all of them: only then are conflicts reported.
    chosen = {each.id: ",".join(each.keys) for each in known if each.id}
    assert keymap(known, chosen).conflicts == ()


def test_no_binding_is_written_elsewhere_than_in_the_table() -> None:
    table = {command.id: command for command in COMMANDS}
    assert len(table) == len(COMMANDS)
    for where, binding in BOUND:
        assert binding.id is not None, where
        command = table[binding.id]
        assert (binding.key, binding.id.partition(".")[0]) == (command.keys, command.scope)


async def test_chosen_keys_act_and_the_default_ones_no_more(opened: Open) -> None:
    async with opened(keys={"chat.sidebar": "f5,f6"}) as journey:
        hidden: list[bool] = []
        for key in ("f5", "ctrl+s", "f6"):
            await journey.press(key)
            hidden.append(type(journey.app.focused).__name__ == "Filter")
        # Visible, still visible, and hidden: the second press hides it.
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
        assert "Ctrl+Y Copy message: as Markdown" in rows
        assert "y Copy message: as Markdown" not in rows
        clash = "! Ctrl+S: chat.new (New conversation), and chat.sidebar (Sidebar)."
        assert clash in " ".join(rows)
        assert "? chat.now" in rows
        assert rows.index("Conflicts") < rows.index("Unknown names") < rows.index("Everywhere")


async def test_f1_tells_of_no_conflict_where_nothing_was_chosen(opened: Open) -> None:
    async with opened(size=(110, 90)) as journey:
        await journey.press("f1")
        await journey.until(lambda: "On a message" in journey.seen)
        assert "Conflicts" not in journey.seen
        assert "Unknown names" not in journey.seen
        assert "Esc Close" in journey.seen


async def test_hints_show_the_users_own_keys(opened: Open) -> None:
    keys = {"help.close": "f5", "chat.new": "f6", "app.interrupt": "f7", "confirm.no": "f8"}
    async with opened(keys=keys) as journey:
        assert palette(journey)["New conversation"] == "F6"
        assert (
            palette(journey)["Sidebar"]
            == "Ctrl+S · move the focus there; press again to hide it"
        )
        # Commands that would do nothing are not listed.
        assert not {"Regenerate", "Stop the reply", "Undo delete", "Tags"} & {*palette(journey)}
        assert palette(journey)["Theme"] == "Choose from all themes"
        await journey.press("f7")
        await journey.until(lambda: "Press F7 again to quit." in journey.seen)
        await journey.press("f1")
        await journey.until(lambda: "F5 Close" in journey.seen)
        await journey.press("escape")
        assert "F5 Close" in journey.seen
        await journey.press("f5")
        await journey.until(lambda: "F5 Close" not in journey.seen)
        await journey.app.push_screen(ConfirmScreen("Really?", yes="Quit"))
        await journey.until(lambda: "Really?" in journey.seen)
        assert "Enter Quit   F8 Cancel" in journey.seen
        await journey.press("f8")
        await journey.until(lambda: "Really?" not in journey.seen)


async def test_every_hint_names_the_key_that_acts(opened: Open, server: Scripted) -> None:
    keys = {
        "app.help": "f3", "app.suspend": "f4", "app.palette": "f9", "chat.end": "f5",
        "chat.stop": "f10", "composer.send": "f7", "filter.search": "f8", "message.undo": "d",
    }  # fmt: skip
    hold = Hold()
    server.will(Reply([start(), hold, *says("Words").steps[1:]]))
    async with opened(keys=keys) as journey:
        assert "F9 Palette   F3 Help" in journey.seen
        assert "Filter · F8 search all" in journey.seen
        await journey.until(lambda: "F7 Send" in journey.footer)
        assert "F3 Help F9 Palette" in journey.footer
        await journey.press("a", "f7")
        await journey.until(hold.reached.is_set)
        await journey.until(lambda: journey.footer.startswith("F10 Stop"))
        hold.release()
        await journey.until_done()
        assert palette(journey)["Regenerate"] == (
            "r on a message · ask for a new version; the old one stays"
        )
        await journey.press("shift+tab", "x")
        await journey.until(lambda: "Deleted the message · d or F4 undo" in journey.notices)
        assert "Undo delete" in palette(journey)
        await journey.press("d")
        await journey.until(lambda: journey.replies == ["Words"])
        await journey.press("f10")
        # In the composer, where letters are text, the palette has the command.
        await journey.app._chat.action_run("message.delete")
        told = "Deleted the message · F9 “Undo delete”"
        await journey.until(lambda: told in journey.notices)


async def test_the_chat_knows_how_to_do_each_of_its_commands(opened: Open) -> None:
    async with opened() as journey:
        known = journey.app._chat.commands
        assert known.keys() >= {each.id for each in COMMANDS if each.scope == "chat"}
        # Commands of the palette on the open conversation.
        listed = {
            each.id for each in COMMANDS if each.scope == "sidebar" and each.is_in_palette
        }
        assert known.keys() >= listed
        assert known.keys() <= {each.id for each in COMMANDS}


def palette(journey: Journey) -> dict[str, str]:
    commands = journey.app.get_system_commands(journey.app.screen)
    return {command.title: command.help for command in commands}
