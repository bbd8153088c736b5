"""What is imported in a thread after the first screen, so that no key waits for it."""

from __future__ import annotations


def preload() -> None:
    """Import what drawing the first message needs, and editing the first emoji."""
    import wcwidth  # noqa: F401 - imported for those who come later

    from tui.markdown import Document

    Document.whole("```python\nx\n```").leaves[0].row(1, 20)
