"""Disables the keys of the first start once the user has a connection.

Afterwards the text area has these keys, or any command that the user has given them.
"""

from __future__ import annotations

from textual.app import App

from tui.chat.connections import Connections


class OfferingApp(App[None]):
    """An app whose ways to connect have keys only while a first connection is offered."""

    connections: Connections

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the ways to connect when they are not offered."""
        if action == "connect" and parameters and not self.connections.is_choice_offered:
            return False
        return super().check_action(action, parameters)
