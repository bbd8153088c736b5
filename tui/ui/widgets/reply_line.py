"""The line below a reply: its progress, or its tokens, times and end."""

from __future__ import annotations

from textual.content import Content

from tui.domain.conversation import Message, State
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.sanitise import clean_line

MUTED = "$foreground 70%"

_STEPS = "⠋⠙⠹⠸⠼⠴⠦⠧"
"""The frames of a sign that moves when text arrives, and stands still when none does."""

_SIGNS: dict[State, tuple[str, str]] = {
    "failed": ("✗", "$text-error"),
    "refused": ("✗", "$text-error"),
    "cut_off": ("⚠", "$text-warning"),
    "interrupted": ("⚠", "$text-warning"),
    "context_full": ("⚠", "$text-warning"),
    "tool_use": ("⚠", "$text-warning"),
    "max_tokens": ("⚠", "$text-warning"),
}
"""The states that the user has to notice. The sign tells them apart without colours."""


def running_line(reply: StreamingReply, now: float | None, *, stop_key: str) -> Content:
    """Return the progress of a running reply. `now` is in monotonic seconds.

    If `now` is None, the line says nothing that depends on the time.
    """
    if now is None and reply.retry is not None:
        return Content()
    words = clean_line(formatting.activity(reply, now or 0.0, stop_key=stop_key))
    if reply.retry is not None:
        return Content.assemble(("↻ ", "$text-warning"), (words, MUTED))
    sign = "◔" if reply.is_queued else _STEPS[reply.delta_count % len(_STEPS)]
    return Content.assemble((f"{sign} ", "$text-accent"), (words, MUTED))


def ended_line(message: Message, hint: str) -> Content:
    """Return a reply's tokens and times, how it ended, and the hint about keys."""
    sign, colour = _SIGNS.get(message.state, ("", ""))
    figures, ending = (
        clean_line(formatting.reply_stats(message)),
        formatting.end_reason(message),
    )
    word, colon, why = clean_line(ending).partition(":")
    shown = [(f"{sign} {word}" if sign else word, f"bold {colour}" if sign else MUTED)]
    if colon or word:
        shown.append((f"{colon}{why}".rstrip("."), MUTED))
    parts = [
        Content.assemble((figures, MUTED)),
        Content.assemble(*shown),
        Content.assemble((hint, MUTED)),
    ]
    return Content.styled(" · ", MUTED).join(part for part in parts if part.plain)
