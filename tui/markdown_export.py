"""What is on the screen as a file of its own, for when the history cannot have it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from tui.conversation import Conversation, Message
from tui.draft import Draft


def markdown_of(
    conversation: Conversation, line: Iterable[Message], draft: Draft | None
) -> str:
    """Return a conversation as Markdown, with what has arrived of the reply being written."""
    parts = [f"# {' '.join(conversation.title.split()) or 'A conversation'}"]
    for message in line:
        parts += _said("You" if message.role == "user" else message.model or "Claude", message)
    if draft is not None:
        parts += _spoken(draft.model, draft.words("thinking"), draft.words("text"))
    return "\n\n".join(parts) + "\n"


def _said(name: str, message: Message) -> Iterator[str]:
    return _spoken(name, message.thinking, message.text)


def _spoken(name: str, thinking: str, text: str) -> Iterator[str]:
    yield f"## {name}"
    if thinking:
        yield "\n".join(f"> {line}".rstrip() for line in thinking.splitlines())
    yield text


def save(folders: Iterable[Path], text: str, now_ms: int) -> Path:
    """Write a text into a new file of the first folder that takes it; return its path.

    For its owner's eyes only. Raises the last folder's `OSError` if none does.
    """
    moment = datetime.fromtimestamp(now_ms / 1000).astimezone().strftime("%Y%m%d-%H%M%S")
    problem = OSError("there is no folder")
    for folder in folders:
        try:
            return _write(folder, f"conversation-{moment}", text)
        except OSError as error:
            problem = error
    raise problem


def _write(folder: Path, name: str, text: str) -> Path:
    content = text.encode("utf-8", "replace")
    for number in range(1, 100):
        path = folder / (f"{name}.md" if number == 1 else f"{name}-{number}.md")
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path
    raise FileExistsError(f"{name}.md is there already")
