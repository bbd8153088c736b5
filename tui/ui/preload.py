"""Imports in a thread after the first screen, so that no key waits for them."""

from __future__ import annotations

from tui.domain.attention import yielding_to_keys


def preload() -> None:
    """Import what drawing the first message and editing the first emoji need."""
    with yielding_to_keys():
        import wcwidth  # noqa: F401 - only loads it for later imports

        import tui.ui.screens.conversation_settings  # noqa: F401 - likewise
        from tui.text.markdown import Document

        Document.from_text("```python\nx\n```").leaves[0].row(1, 20)
