"""Figures, times and states put into words, the same on the screen and in the shell."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from tui.clock import is_time
from tui.conversation import Activity, Figures, Message, State
from tui.draft import Draft, Retry

_STATES: dict[State, str] = {
    "streaming": "still being written",
    "complete": "",
    "max_tokens": "reached its token limit",
    "refused": "refused",
    "stopped": "stopped",
    "cut_off": "cut off",
    "failed": "failed",
    "interrupted": "interrupted: the program ended before the reply did",
    "context_full": (
        "context full: this conversation fills all that the model can read;"
        " fork it at an earlier message, or begin a new one"
    ),
    "tool_use": "tool use: it waits for a tool, and none is run here",
}


_ACTIVITIES: dict[Activity, str] = {
    "waiting": "Waiting…",
    "thinking": "Thinking…",
    "streaming": "Writing…",
    "retrying": "Trying again…",
}


def state(name: State) -> str:
    """Return how a message stands, in a word or two; empty for a complete one."""
    return _STATES.get(name, name).partition(":")[0]


def ending(message: Message) -> str:
    """Return how a reply ended, and why; empty for a complete one."""
    words = _STATES.get(message.state, message.state)
    if message.failure is not None:
        return f"{words}: {message.failure.message}"
    if message.stop_details and isinstance(why := message.stop_details.get("explanation"), str):
        return f"{words}: {why}"
    return words


def told(title: str, message: Message) -> str:
    """Return the line for somebody who looks elsewhere that a reply has ended."""
    if words := ending(message):
        return f"“{title}”: {words.rstrip('.')}."
    return f"“{title}” is answered."


def figures(message: Message) -> str:
    """Return what a reply took. Figures that were not reported are left out.

    The tokens written are known only of a reply that came to its end: until then
    the API's figure is that of its beginning.
    """
    taken = message.figures
    if taken is None:
        return ""
    usage, is_whole = taken.usage, message.stop_reason is not None
    parts = []
    if (prompt := usage.prompt_tokens) is not None:
        parts.append(f"{prompt:,} in")
        if prompt and usage.cache_read_input_tokens:
            parts.append(f"{round(100 * usage.cache_read_input_tokens / prompt)} % cached")
    if is_whole and usage.output_tokens is not None:
        parts.append(f"{usage.output_tokens:,} out")
    if taken.timing.first_text_ms is not None:
        parts.append(f"{seconds(taken.timing.first_text_ms)} to first text")
    if is_whole and (rate := tokens_per_second(taken)) is not None:
        parts.append(f"{rate:,.0f} tok/s")
    if taken.attempts > 1:
        parts.append(f"{taken.attempts} attempts")
    return " · ".join(parts)


SILENCE_NAMED = 10
"""From how many seconds without words on a wait is named."""


def activity(draft: Draft, now: float) -> str:
    """Return what a running reply is doing. `now` is monotonic seconds."""
    if draft.is_queued:
        return "Waiting for its turn: as many replies as may be are being written. Esc stops."
    words = _retrying(draft.retry, now) if draft.retry else _ACTIVITIES[draft.activity]
    silent = 0 if draft.heard_at is None else int(now - draft.heard_at)
    if draft.retry is None and silent >= SILENCE_NAMED:
        words += f" still waiting, {counted(silent)}"
    return f"{words} · not on disk: {draft.trouble}" if draft.trouble else words


def _retrying(retry: Retry, now: float) -> str:
    wait = counted(max(0, math.ceil(retry.at - now)))
    if retry.is_asking:
        return f"{retry.reason} It asks to be left alone for {wait}; Esc stops."
    return f"{retry.reason} Attempt {retry.attempt} in {wait}; Esc stops."


def counted(whole: int) -> str:
    """Return whole seconds that are counted up or down."""
    return f"{whole} s" if whole < 60 else seconds(whole * 1000)


def model_name(model: str) -> str:
    """Return a model's id as a name: `claude-sonnet-5-5` is Claude Sonnet 5.5."""
    if model == "demo":
        return "Offline demo"
    family, *rest = model.split("-")
    if family != "claude" or not rest:
        return model
    words = [word.capitalize() for word in (family, *rest) if not word.isdecimal()]
    # A date at the end names a snapshot, not a version.
    version = ".".join(part for part in rest if part.isdecimal() and len(part) < 8)
    return " ".join([*words, version]).strip()


def tokens_per_second(taken: Figures) -> float | None:
    """Return how fast a reply was written, counted from the endpoint's first sign.

    None for what came so fast, or in one piece, that a rate would mean nothing.
    """
    timing, tokens = taken.timing, taken.usage.output_tokens
    if tokens is None or timing.first_byte_ms is None or timing.duration_ms is None:
        return None
    writing_ms = timing.duration_ms - timing.first_byte_ms
    return tokens * 1000 / writing_ms if writing_ms >= 100 else None


def thought(message: Message) -> str:
    """Return how long a reply thought, as far as is known."""
    timing = message.figures.timing if message.figures else None
    if timing is None or timing.first_thinking_ms is None:
        return "Thought"
    until = timing.first_text_ms or timing.duration_ms
    # Text may come first, and how long it then thought is not known.
    if until is None or until < timing.first_thinking_ms:
        return "Thought"
    return f"Thought for {seconds(until - timing.first_thinking_ms)}"


def seconds(ms: int) -> str:
    """Return a duration as a person says it: `0.8 s`, `12 s`, `3 min 5 s`."""
    if ms < 9_950:
        return f"{ms / 1000:.1f} s"
    whole = round(ms / 1000)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age(then_ms: int, now_ms: int) -> str:
    """Return how long ago something was, in two or three letters: `2m`, `1h`, `3d`."""
    if not is_time(then_ms):
        return "?"
    minutes = max(0, now_ms - then_ms) // 60_000
    if minutes < 1:
        return "now"
    for size, unit in ((60 * 24 * 365, "y"), (60 * 24 * 7, "w"), (60 * 24, "d"), (60, "h")):
        if minutes >= size:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def date_group(then_ms: int, now_ms: int) -> str:
    """Return the heading under which a conversation of that time is listed."""
    if not is_time(then_ms):
        return "At an unknown time"
    then, today = _local(then_ms).date(), _local(now_ms).date()
    if then >= today:
        return "Today"
    if then == today - timedelta(days=1):
        return "Yesterday"
    if then > today - timedelta(days=8):
        return "Previous 7 days"
    return then.strftime("%B") if then.year == today.year else then.strftime("%B %Y")


def moment(then_ms: int, now_ms: int) -> str:
    """Return the local time of day, with the date unless it is today: `22 Nov 14:02`."""
    if not is_time(then_ms):
        return "at an unknown time"
    then, now = _local(then_ms), _local(now_ms)
    if then.date() == now.date():
        return then.strftime("%H:%M")
    date = "%d %b" if then.year == now.year else "%d %b %Y"
    return then.strftime(f"{date} %H:%M").lstrip("0")


def day_and_time(then_ms: int) -> str:
    """Return the local date and time, such as `2026-11-23 14:02`."""
    if not is_time(then_ms):
        return "at unknown time "
    return _local(then_ms).strftime("%Y-%m-%d %H:%M")


def utc(then_ms: int) -> str | None:
    """Return a time as the views give it: `2026-11-23T14:02:00.000Z`; None if it is none."""
    if not is_time(then_ms):
        return None
    moment = datetime.fromtimestamp(then_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000).astimezone()
