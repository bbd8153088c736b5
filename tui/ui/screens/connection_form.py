"""A dialog that adds a connection: its key, its address, its name and the key's place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.config.config import BadSetting
from tui.config.credentials import KeyringFailed, check_keyring
from tui.config.keymap import format_keys
from tui.config.profiles import KeyPlace, NewProfile
from tui.domain.failure import ReplyFailed
from tui.store import HistoryError
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.key_input import KeyInput
from tui.ui.widgets.line_input import LineInput

Save = Callable[[NewProfile, KeyPlace], Coroutine[Any, Any, str]]
"""Checks and saves a profile, and returns a line about it.

Raises `BadSetting`, `ReplyFailed` and `HistoryError`.
"""

_PLACES: dict[KeyPlace, str] = {
    ".env": "in .env in the config folder, which only you can read",
    "keyring": "in the system's keyring",
    "this run": "for this run only: in no file",
}


class ConnectionForm(CoverableScreen[str | None], ModalScreen[str | None]):
    """Asks for a connection; closes with a line about it once it is saved, or with None."""

    CSS_PATH = "connection_form.tcss"
    BINDINGS = bindings_of("form")
    AUTO_FOCUS = "KeyInput"

    def __init__(self, save: Save, *, name: str) -> None:
        super().__init__()
        self._save = save
        self._key = KeyInput()
        self._address = LineInput(placeholder="empty: Anthropic", compact=True)
        self._name_field = LineInput(placeholder=name, compact=True)
        self._default_name = name
        self._places = OptionList(markup=False, compact=True)
        self._status = Static(classes="status", markup=False)
        self._is_checking = False

    def compose(self) -> ComposeResult:
        """Compose the fields, each after its label."""
        with Vertical() as box:
            box.border_title = "Add a connection"
            leave = effective_key(self, "form.leave")
            enter, tab = format_keys(["enter"]), format_keys(["tab"])
            box.border_subtitle = f"{enter} Check and save · {tab} Next · {leave} Cancel"
            fields: dict[str, Widget] = {
                "Key": self._key,
                "Address": self._address,
                "Name": self._name_field,
                "Save key": self._places,
            }
            for label, widget in fields.items():
                with Horizontal():
                    yield Static(label, classes="label", markup=False)
                    yield widget
            yield self._status

    def on_mount(self) -> None:
        """Offer the places; the keyring follows when it has been found."""
        self._show_places("looking for it …")
        self.run_worker(self._look_for_keyring())

    async def _look_for_keyring(self) -> None:
        try:
            await asyncio.to_thread(check_keyring)
        except KeyringFailed as error:
            # Only the first sentence: the others say how to repair it.
            self._show_places(str(error).partition(". ")[0])
        else:
            self._show_places("")

    def _show_places(self, problem: str) -> None:
        at = self._places.highlighted or 0
        self._places.clear_options()
        for place, words in _PLACES.items():
            is_off = place == "keyring" and bool(problem)
            shown = f"{words} ({clean_line(problem)})" if is_off else words
            self._places.add_option(Option(Content(shown), id=place, disabled=is_off))
        self._places.highlighted = at

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Check the profile, and save it."""
        event.stop()
        self._submit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Check the profile, and save its key at that place."""
        event.stop()
        self._submit()

    def _submit(self) -> None:
        if self._is_checking:
            return
        option = self._places.highlighted_option
        chosen = None if option is None else option.id
        place: KeyPlace = next((each for each in _PLACES if each == chosen), ".env")
        new = NewProfile(
            self._name_field.value or self._default_name, self._address.value, self._key.value
        )
        self.run_worker(self._check(new, place))

    async def _check(self, new: NewProfile, place: KeyPlace) -> None:
        self._is_checking = True
        self._tell("Checking …")
        try:
            if not (new.key.strip() or new.base_url.strip()):
                self._tell("Paste a key, or type the address of a server.", is_error=True)
                return
            line = await self._save(new, place)
        except (BadSetting, ReplyFailed, HistoryError) as error:
            self._tell(str(error), is_error=True)
        else:
            self.dismiss(line)
        finally:
            self._is_checking = False

    def _tell(self, line: str, *, is_error: bool = False) -> None:
        self._status.update(Content(clean_line(line)))
        self._status.set_class(is_error, "-error")

    def action_leave(self) -> None:
        """Close without adding a connection."""
        self.dismiss(None)
