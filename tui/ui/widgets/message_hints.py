"""The keys that help after a reply, as the line below the reply shows them."""

from __future__ import annotations

from tui.config.keymap import Keymap, default_keymap, format_keys
from tui.domain.continuation import can_continue
from tui.domain.conversation import Message

_WITHOUT = ("complete", "streaming", "context_full")
"""The states after which no key on a message helps."""

_TO_MESSAGES = format_keys(["shift+tab"])


class MessageHints:
    """The hints of one transcript, which all its messages share."""

    def __init__(self, keymap: Keymap | None = None) -> None:
        self._keymap = keymap or default_keymap()
        self.is_on_messages = False
        """Whether the transcript has the focus; if not, the hints say how to get there."""

    @property
    def stop_key(self) -> str:
        """The key that stops a reply, wherever the focus is."""
        return self._keymap.key("chat.stop")

    def after(self, reply: Message) -> str:
        """Return what to press after a reply that did not end well; empty after others."""
        if reply.state in _WITHOUT:
            return ""
        hints = ["{message.continue} continue"] if can_continue(reply) else []
        if reply.state != "max_tokens":
            hints.append("{message.regenerate} regenerate")
        keys = self._keymap.fill(" · ".join(hints))
        if keys and not self.is_on_messages:
            keys = f"{_TO_MESSAGES}, then {keys}"
        if _is_without_model(reply):
            return f"{self._keymap.fill('{app.settings} choose another model')} · {keys}"
        return keys


def _is_without_model(reply: Message) -> bool:
    """Tell whether a reply failed because its model is retired, or was never there."""
    failure = reply.failure
    return (
        failure is not None
        and failure.type == "not_found_error"
        # Else it may be the address that is wrong.
        and "model" in failure.message.lower()
    )
