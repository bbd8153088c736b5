"""Formats numbers, times and states, the same for the screen and for the shell."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from tui.domain.clock import is_time
from tui.domain.conversation import APART, Activity, Block, Message, State, passages
from tui.domain.parameters import Parameters
from tui.domain.prompt import Consequences
from tui.domain.reply import Retry, StreamingReply
from tui.domain.usage import ReplyStats
from tui.domain.wire import Json
from tui.text import money
from tui.text.sanitise import clean_line

LONGEST_ASIDE = 80
"""The longest line that represents a block that is not text, in characters."""

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
        "context full: the conversation is as long as the model can read;"
        " fork it at an earlier message, or start a new one"
    ),
    "tool_use": "tool use: the model waits for a tool, and this program runs none",
}


_ACTIVITIES: dict[Activity, str] = {
    "waiting": "waiting",
    "thinking": "thinking",
    "streaming": "writing",
    "retrying": "retrying",
}

BYTES_PER_TOKEN = 4
"""About how many bytes of text a token has."""

SPEED_SHOWN_AFTER = 1.0
"""Seconds of writing after which the speed is shown; before, it is too inexact."""


def state(name: State) -> str:
    """Return the state of a message in a few words; "" for a complete one."""
    return _STATES.get(name, name).partition(":")[0]


def end_reason(message: Message) -> str:
    """Return how a reply ended, and why; "" for a complete one."""
    words = _STATES.get(message.state, message.state)
    if message.failure is not None:
        return f"{words}: {message.failure.message}"
    if message.stop_details and isinstance(why := message.stop_details.get("explanation"), str):
        return f"{words}: {why}"
    return words


def readable(blocks: Iterable[Block]) -> str:
    """Return the text of a message, with one line for each block that is not text."""
    return APART.join(
        each if isinstance(each, str) else aside(each) for each in passages(blocks)
    )


def aside(block: Block) -> str:
    """Return the line that represents a block that is not text, whatever it contains."""
    wire, kind = block.wire, block.type
    if kind.endswith("tool_use"):
        name = wire.get("name")
        words = _tool_call(name if isinstance(name, str) and name else kind, wire)
    elif kind.endswith("tool_result"):
        words = _tool_result(kind.removesuffix("_result").removesuffix("_tool"), wire)
    else:
        words = _with(kind or "?", wire.get("title"))
    return _cut(f"▸ {words}")


def _tool_call(name: str, wire: Json) -> str:
    """Return a tool's name and its input: the only text in it, or else all of it."""
    tool_input = wire.get("input")
    if not tool_input:
        return name
    if isinstance(tool_input, dict):
        values = list(tool_input.values())
        if len(values) != 1 or not isinstance(values[0], str):
            return f"{name} {json.dumps(tool_input, ensure_ascii=False, default=str)}"
        tool_input = values[0]
    return _with(name, tool_input)


def _tool_result(name: str, wire: Json) -> str:
    """Return the first text of a tool's result, or the number of results without text."""
    content = wire.get("content")
    if isinstance(content, dict) and (code := content.get("error_code")):
        return f"{name} failed: {code}"
    is_failed = wire.get("is_error") is True
    if isinstance(content, list):
        texts = [each.get("text") for each in content if isinstance(each, dict)]
        if not any(isinstance(text, str) for text in texts):
            return f"{len(content)} result{'' if len(content) == 1 else 's'}"
        content = next(text for text in texts if isinstance(text, str))
    elif isinstance(content, dict):
        fields = (value for field, value in content.items() if field != "type")
        content = next((value for value in fields if isinstance(value, str) and value), None)
    return _with(f"{name} {'failed' if is_failed else 'result'}", content)


def _with(name: str, words: object) -> str:
    return f'{name} "{words}"' if isinstance(words, str) and words.strip() else name


def _cut(words: str) -> str:
    # Cut before cleaning: the text may have megabytes.
    line = clean_line(words[: 4 * LONGEST_ASIDE])
    return line if len(line) <= LONGEST_ASIDE else f"{line[: LONGEST_ASIDE - 1]}…"


def ended_notice(title: str, message: Message) -> str:
    """Return the notice that a reply in another conversation has ended."""
    if words := end_reason(message):
        return f"“{title}”: {sentence(words)}"
    return f"“{title}”: the reply is complete."


def reply_stats(message: Message) -> str:
    """Return the stats of a reply, without numbers that are not known.

    The output tokens are known only if the reply has a stop reason: before that, the API
    reports a number from the beginning of the reply.
    """
    stats = message.figures
    if stats is None:
        return ""
    usage, has_ended = stats.usage, message.stop_reason is not None
    parts = []
    if (prompt := usage.prompt_tokens) is not None:
        parts.append(f"{prompt:,} in")
        if prompt and usage.cache_read_input_tokens:
            parts.append(f"{round(100 * usage.cache_read_input_tokens / prompt)} % cached")
    if has_ended and usage.output_tokens is not None:
        parts.append(f"{usage.output_tokens:,} out")
    if stats.timing.first_text_ms is not None:
        parts.append(f"{seconds(stats.timing.first_text_ms)} to first text")
    if has_ended and (rate := tokens_per_second(stats)) is not None:
        parts.append(f"{rate:,.0f} tok/s")
    if stats.attempts > 1:
        parts.append(f"{stats.attempts} attempts")
    if cost := money.price(stats.price):
        parts.append(cost)
    return " · ".join(parts)


SILENCE_SHOWN_AFTER = 10
"""Seconds without text after which the silence is shown."""


def activity(reply: StreamingReply, now: float, *, stop_key: str) -> str:
    """Return what a running reply is doing. `now` is seconds of the monotonic clock."""
    if reply.is_queued:
        limit = "too many replies are running"
        return f"waiting: {limit} · {stop_key} stop"
    retry = reply.retry
    parts = [_retrying(retry, now, stop_key)] if retry else [*_progress(reply, now)]
    silent = 0 if reply.content_at is None else int(now - reply.content_at)
    if reply.retry is None and reply.activity != "waiting" and silent >= SILENCE_SHOWN_AFTER:
        parts.append(f"nothing new for {duration(silent)}")
    if reply.save_problem:
        parts.append(f"not saved: {reply.save_problem}")
    return " · ".join(parts)


def tick(reply: StreamingReply, now: float) -> int:
    """Return a number that changes when `activity` changes only because time passes.

    It changes once a second, for a retry together with its countdown.
    """
    if reply.retry is not None:
        return _left(reply.retry, now)
    return int(now - (reply.since or 0.0))


def _progress(reply: StreamingReply, now: float) -> Iterator[str]:
    """Yield the progress of a reply; "≈" marks an estimate."""
    doing, since = _ACTIVITIES[reply.activity], reply.since
    elapsed = -1.0 if since is None else now - since
    if reply.activity != "streaming":
        yield f"{doing} {duration(int(elapsed))}" if elapsed >= 1 else doing
        return
    yield doing
    tokens = round(reply.written / BYTES_PER_TOKEN)
    if tokens:
        yield f"≈ {tokens:,} tokens"
    if elapsed >= SPEED_SHOWN_AFTER:
        if tokens:
            yield f"≈ {tokens / elapsed:,.0f} tok/s"
        yield seconds(round(elapsed * 1000))


def _left(retry: Retry, now: float) -> int:
    return max(0, math.ceil(retry.at - now))


def wait_left(retry: Retry, now: float) -> str:
    """Return how long a retry still waits. Every place that shows it uses this."""
    return duration(_left(retry, now))


def _retrying(retry: Retry, now: float, stop_key: str) -> str:
    wait, reason = wait_left(retry, now), sentence(retry.reason)
    if retry.is_asking:
        return f"{reason} The endpoint asks to wait {wait} · {stop_key} stop"
    return f"{reason} Attempt {retry.attempt} in {wait} · {stop_key} stop"


def sentence(words: str) -> str:
    """Return words with exactly one full stop at the end."""
    bare = words.rstrip()
    if bare.endswith(("...", "…", "?", "!", "。")):
        return bare
    return f"{bare.rstrip('.')}."


def duration(whole: int) -> str:
    """Return a number of seconds as text, for a count up or down."""
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


def asked_name(model: str, effort: str | None) -> str:
    """Return a model's name, with the effort if there is one."""
    return f"{model_name(model)} · {effort}" if effort else model_name(model)


def size(tokens: int) -> str:
    """Return a number of tokens in few characters: 1M, 128K, 4,096."""
    for unit, sign in ((1_000_000, "M"), (1000, "K")):
        if tokens >= unit and tokens % (unit // 10) == 0:
            return f"{tokens / unit:g}{sign}"
    return f"{tokens:,}"


def cost_of_change(cost: Consequences) -> str:
    """Return the cost of a change of parameters as one line; "" if it costs nothing."""
    parts = ["the prompt cache is lost"] if cost.is_cache_lost else []
    if cost.thoughts:
        one = cost.thoughts == 1
        what = "1 thinking block" if one else f"{cost.thoughts:,} thinking blocks"
        parts.append(f"{what} will not be sent again")
    line = "; ".join(parts)
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def chosen(parameters: Parameters) -> str:
    """Return the chosen parameters except the model and the system prompt, as one line."""
    parts = []
    if parameters.effort is not None:
        parts.append(f"effort {parameters.effort}")
    if parameters.max_tokens is not None:
        parts.append(f"at most {parameters.max_tokens:,} tokens")
    if parameters.thinking_display is not None:
        parts.append(f"thinking {parameters.thinking_display}")
    return " · ".join(parts)


def tokens_per_second(stats: ReplyStats) -> float | None:
    """Return the speed of a reply, measured from its first byte.

    Returns None if it arrived at once or too fast, because the speed has no meaning then.
    """
    timing, tokens = stats.timing, stats.usage.output_tokens
    if tokens is None or timing.first_byte_ms is None or timing.duration_ms is None:
        return None
    writing_ms = timing.duration_ms - timing.first_byte_ms
    return tokens * 1000 / writing_ms if writing_ms >= 100 else None


def thinking_label(message: Message) -> str:
    """Return the heading of a reply's thinking, with its duration if it is known."""
    timing = message.figures.timing if message.figures else None
    if timing is None or timing.first_thinking_ms is None:
        return "Thought"
    until = timing.first_text_ms or timing.duration_ms
    # If the text came first, the duration of the thinking is not known.
    if until is None or until < timing.first_thinking_ms:
        return "Thought"
    lasted = until - timing.first_thinking_ms
    # Less than 50 ms would be shown as 0.0 s.
    return f"Thought for {seconds(lasted)}" if lasted >= 50 else "Thought"


def seconds(ms: int) -> str:
    """Return a duration in milliseconds as text: `0.8 s`, `12 s`, `3 min 5 s`."""
    if ms < 9_950:
        return f"{ms / 1000:.1f} s"
    whole = round(ms / 1000)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age(then_ms: int, now_ms: int) -> str:
    """Return how long ago a time was, in two or three characters: `2m`, `1h`, `3d`."""
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
    """Return the heading of the date group that a time belongs to."""
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


def timestamp(then_ms: int, now_ms: int) -> str:
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
    """Return a time as the views have it, `2026-11-23T14:02:00.000Z`; None without a date."""
    if not is_time(then_ms):
        return None
    time = datetime.fromtimestamp(then_ms / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000).astimezone()
