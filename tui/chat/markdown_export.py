"""Saving the conversation on the screen as a Markdown file, if the history is lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from tui.domain.conversation import Conversation, Message
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.formatting import readable


def markdown_of(
    conversation: Conversation, path: Iterable[Message], reply: StreamingReply | None
) -> str:
    """Return a conversation as Markdown, with what has arrived of a running reply."""
    parts = [f"# {' '.join(conversation.title.split()) or 'A conversation'}"]
    if how := formatting.chosen(conversation.parameters):
        parts.append(f"*{how}*")
    if conversation.parameters.system:
        parts += ["## System prompt", conversation.parameters.system]
    for message in path:
        parts += _message_section(
            "You" if message.role == "user" else _model_name(message), message
        )
    if reply is not None:
        parts += _section(_model_name(reply), reply.words("thinking"), readable(reply.blocks))
    return "\n\n".join(parts) + "\n"


def _model_name(message: Message | StreamingReply) -> str:
    return " · ".join(filter(None, (message.model or "Claude", message.effort)))


def _message_section(name: str, message: Message) -> Iterator[str]:
    return _section(name, message.thinking, readable(message.blocks))


def _section(name: str, thinking: str, text: str) -> Iterator[str]:
    yield f"## {name}"
    if thinking:
        yield "\n".join(f"> {line}".rstrip() for line in thinking.splitlines())
    yield text


def save(folders: Iterable[Path], text: str, now_ms: int) -> Path:
    """Write a text to a new file in the first folder that allows it; return its path.

    Only the owner can read the file. Raises the last folder's `OSError` if all fail.
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
    raise FileExistsError(f"{name}.md exists already")
