"""How plain mode writes messages and the ends of replies."""

from __future__ import annotations

from tui.domain.conversation import Message
from tui.text import formatting
from tui.text.sanitise import clean, clean_line


def speaker(model: str | None) -> str:
    """Return the name of the writer of a reply, to put before its text."""
    model = model or "claude"
    if model.startswith("claude"):
        return "Claude"
    return clean_line(formatting.model_name(model))


def how_it_ended(message: Message) -> str:
    """Return a sentence about how a reply ended, with its tokens and times."""
    figures = _figures(message)
    if message.state == "complete":
        return f"Complete: {figures}." if figures else "Complete."
    words = clean_line(formatting.sentence(formatting.end_reason(message)))
    words = words[:1].upper() + words[1:]
    return f"{words} {figures}." if figures else words


def _figures(message: Message) -> str:
    parts = formatting.reply_stats(message).split(" · ")
    if parts[0].endswith(" in"):
        parts[0] = f"{parts[0].removesuffix(' in')} tokens in"
    return ", ".join(parts).replace("tok/s", "tokens a second")


def message_text(message: Message) -> str:
    """Return a message with the name of its writer, and how it ended if not complete."""
    text = clean(formatting.readable(message.blocks)).strip("\n")
    if message.role == "user":
        return f"You: {text}" if text else "You: continue."
    lines = [f"{speaker(message.model)}:", text]
    if message.state != "complete":
        lines.append(how_it_ended(message))
    return "\n".join(line for line in lines if line)


def number_of(number: int, what: str) -> str:
    """Return a number of things: `1 message`, `2 messages`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
