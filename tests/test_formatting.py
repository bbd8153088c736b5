"""Numbers, times and states are formatted as people write them; unknown ones are left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.conversation import Message, State
from tui.domain.failure import Failure
from tui.domain.reply import Retry, StreamingReply
from tui.domain.reply_events import BlockDelta, BlockStarted
from tui.domain.usage import ReplyStats, Timing, Usage
from tui.domain.wire import Json
from tui.text import formatting

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
USAGE: Json = {
    "input_tokens": 100,
    "cache_read_input_tokens": 900,
    "cache_creation_input_tokens": 0,
    "output_tokens": 1234,
}
TIMING = Timing(first_byte_ms=500, first_thinking_ms=600, first_text_ms=800, duration_ms=10_500)


def message(
    state: State = "complete",
    *,
    failure: Failure | None = None,
    stop_details: Json | None = None,
    usage: Json | None = None,
    timing: Timing | None = None,
    attempts: int = 1,
    stop_reason: str | None = "end_turn",
) -> Message:
    taken = ReplyStats(Usage(usage or {}), timing or Timing(), attempts)
    return Message(
        "m", "c", "assistant", (), 0,
        state=state, failure=failure, stop_details=stop_details, stop_reason=stop_reason,
        figures=taken,
    )  # fmt: skip


def at(*moment: int) -> int:
    """Return a local time in milliseconds."""
    return int(datetime(*moment).astimezone().timestamp() * 1000)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", get_args(State))
def test_every_ending_but_a_complete_one_has_words(state: State) -> None:
    assert (formatting.end_reason(message(state)) == "") == (state == "complete")


def test_an_ending_tells_why_where_that_is_known() -> None:
    failure = Failure("Claude is overloaded.")
    assert formatting.end_reason(message("failed", failure=failure)) == (
        "failed: Claude is overloaded."
    )
    details: Json = {"type": "refusal", "explanation": "It asks for harm."}
    assert formatting.end_reason(message("refused", stop_details=details)) == (
        "refused: It asks for harm."
    )
    for unreadable in ({}, {"explanation": None}, {"explanation": 7}):
        assert formatting.end_reason(message("refused", stop_details=unreadable)) == "refused"


def test_all_figures_are_shown_if_all_are_known() -> None:
    assert formatting.reply_stats(message(usage=USAGE, timing=TIMING, attempts=2)) == (
        "1,000 in · 90 % cached · 1,234 out · 0.8 s to first text · 123 tok/s · 2 attempts"
    )


@pytest.mark.parametrize(
    ("usage", "timing", "said"),
    [
        ({}, Timing(), ""),
        ({"input_tokens": None, "output_tokens": None}, Timing(), ""),
        ({"input_tokens": True, "output_tokens": "9"}, Timing(), ""),
        ({"input_tokens": 0}, Timing(), "0 in"),
        ({"input_tokens": 9, "cache_read_input_tokens": 0}, Timing(), "9 in"),
        ({"cache_read_input_tokens": 9}, Timing(), ""),
        ({"output_tokens": 0}, Timing(), "0 out"),
        ({"output_tokens": 9}, Timing(duration_ms=1000), "9 out"),
        ({}, TIMING, "0.8 s to first text"),
        ({"output_tokens": 9}, Timing(first_byte_ms=1000, duration_ms=1050), "9 out"),
    ],
)
def test_figures_that_were_not_reported_are_left_out(
    usage: Json, timing: Timing, said: str
) -> None:
    assert formatting.reply_stats(message(usage=usage, timing=timing)) == said


def test_the_tokens_of_a_reply_that_broke_off_are_not_guessed() -> None:
    broken = message("cut_off", usage=USAGE, timing=TIMING, stop_reason=None)
    assert formatting.reply_stats(broken) == "1,000 in · 90 % cached · 0.8 s to first text"


def test_a_question_has_no_figures() -> None:
    assert formatting.reply_stats(Message("m", "c", "user", (), 0)) == ""


def test_the_time_of_thinking_is_shown_if_it_is_known() -> None:
    for timing, said in (
        (None, "Thought"),
        (Timing(duration_ms=5000), "Thought"),
        (Timing(first_thinking_ms=1000), "Thought"),
        (Timing(first_thinking_ms=1000, first_text_ms=4000), "Thought for 3.0 s"),
        (Timing(first_thinking_ms=1000, duration_ms=13_000), "Thought for 12 s"),
        (Timing(first_thinking_ms=1000, first_text_ms=1049), "Thought"),
        (Timing(first_thinking_ms=1000, first_text_ms=1051), "Thought for 0.1 s"),
        # The text came first, so the time of the thinking is unknown.
        (Timing(first_thinking_ms=4000, first_text_ms=1000, duration_ms=9000), "Thought"),
    ):
        assert formatting.thinking_label(message(timing=timing)) == said
    assert formatting.thinking_label(Message("m", "c", "assistant", (), 0)) == "Thought"


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0.0 s"),
        (840, "0.8 s"),
        (9_949, "9.9 s"),
        (9_950, "10 s"),
        (59_499, "59 s"),
        (59_500, "1 min"),
        (185_000, "3 min 5 s"),
        (3_600_000, "60 min"),
    ],
)
def test_durations_read_as_a_person_says_them(ms: int, said: str) -> None:
    assert formatting.seconds(ms) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (-HOUR, "now"),
        (0, "now"),
        (MINUTE - 1, "now"),
        (MINUTE, "1m"),
        (HOUR - 1, "59m"),
        (HOUR, "1h"),
        (DAY - 1, "23h"),
        (DAY, "1d"),
        (7 * DAY - 1, "6d"),
        (7 * DAY, "1w"),
        (365 * DAY - 1, "52w"),
        (365 * DAY, "1y"),
    ],
)
def test_ages_are_two_or_three_letters(ago: int, said: str) -> None:
    now = at(2026, 11, 23, 12)
    assert formatting.age(now - ago, now) == said


def test_conversations_are_grouped_by_the_local_day() -> None:
    now = at(2026, 11, 23, 0, 30)
    for then, group in (
        (at(2026, 11, 24, 9), "Today"),
        (at(2026, 11, 23, 0, 1), "Today"),
        (at(2026, 11, 22, 23, 59), "Yesterday"),
        (at(2026, 11, 22, 0, 0), "Yesterday"),
        (at(2026, 11, 21, 23, 59), "Previous 7 days"),
        (at(2026, 11, 16, 0, 0), "Previous 7 days"),
        (at(2026, 11, 15, 23, 59), "November"),
        (at(2026, 1, 1), "January"),
        (at(2025, 12, 31), "December 2025"),
        (at(2025, 11, 23), "November 2025"),
    ):
        assert formatting.date_group(then, now) == group


def test_every_day_of_two_years_has_a_group_and_they_come_in_order() -> None:
    now = at(2026, 11, 23, 12)
    noons = (datetime(2026, 11, 23, 12) - timedelta(days=n) for n in range(730))  # noqa: DTZ001 - local
    groups = [formatting.date_group(int(noon.timestamp() * 1000), now) for noon in noons]
    seen = list(dict.fromkeys(groups))
    assert seen[:4] == ["Today", "Yesterday", "Previous 7 days", "November"]
    assert [group for group in groups if group in seen] == sorted(groups, key=seen.index)


def test_times_are_local() -> None:
    then = at(2026, 11, 23, 14, 2)
    assert formatting.day_and_time(then) == "2026-11-23 14:02"


def test_a_running_reply_tells_what_is_known() -> None:
    draft = StreamingReply("m", "c", "model")
    assert formatting.activity(draft, 0, stop_key="Esc") == "waiting"
    draft.since = 10.0
    assert formatting.activity(draft, 10.9, stop_key="Esc") == "waiting"
    assert formatting.activity(draft, 13.2, stop_key="Esc") == "waiting 3 s"
    draft.take(BlockStarted(0, {"type": "thinking", "thinking": ""}))
    assert formatting.activity(draft, 22.0, stop_key="Esc") == "thinking 12 s"
    draft.take(BlockStarted(1, {"type": "text", "text": ""}))
    draft.take(BlockDelta(1, "text_delta", "So it is"))
    draft.since = 30.0
    assert formatting.activity(draft, 30.5, stop_key="Esc") == "writing · ≈ 2 tokens"
    draft.take(BlockDelta(1, "text_delta", "x" * 1352))
    said = formatting.activity(draft, 34.2, stop_key="Esc")
    assert said == "writing · ≈ 340 tokens · ≈ 81 tok/s · 4.2 s"


def test_a_reply_whose_beginning_was_not_seen_tells_no_time() -> None:
    draft = StreamingReply("m", "c", "model")
    draft.take(BlockStarted(0, {"type": "text", "text": ""}))
    draft.take(BlockDelta(0, "text_delta", "word"))
    assert formatting.activity(draft, 100.0, stop_key="Esc") == "writing · ≈ 1 tokens"


def test_a_silence_is_named_once() -> None:
    draft = StreamingReply("m", "c", "model", since=0.0, content_at=0.0)
    assert formatting.activity(draft, 30.0, stop_key="Esc") == "waiting 30 s"
    draft.take(BlockStarted(0, {"type": "thinking", "thinking": ""}))
    assert (
        formatting.activity(draft, 30.0, stop_key="Esc")
        == "thinking 30 s · nothing new for 30 s"
    )


@pytest.mark.parametrize("reason", ["Overloaded", "Overloaded.", "Overloaded.. "])
def test_a_retry_counts_down_and_not_below_nothing(reason: str) -> None:
    draft = StreamingReply("m", "c", "model", retry=Retry(2, at=10.0, reason=reason))
    for now, wait in ((7.5, 3), (10.0, 0), (12.0, 0)):
        said = formatting.activity(draft, now, stop_key="Esc")
        assert said == f"Overloaded. Attempt 2 in {wait} s · Esc stop"


@given(st.floats(0, 1000), st.floats(0, 100))
def test_counted_texts_change_only_with_their_tick(now: float, later: float) -> None:
    for draft in (
        StreamingReply("m", "c", "model", retry=Retry(2, at=500.25, reason="Busy")),
        StreamingReply("m", "c", "model", since=0.0, content_at=0.0),
    ):
        if formatting.tick(draft, now) == formatting.tick(draft, now + later):
            then = formatting.activity(draft, now + later, stop_key="Esc")
            assert formatting.activity(draft, now, stop_key="Esc") == then


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("demo", "Offline demo"),
        ("claude-sonnet-5-5", "Claude Sonnet 5.5"),
        ("claude-opus-5", "Claude Opus 5"),
        ("claude-3-5-haiku-20241022", "Claude Haiku 3.5"),
        ("claude", "claude"),
        ("qwen3:8b", "qwen3:8b"),
        ("", ""),
    ],
)
def test_models_are_called_by_their_names(model: str, name: str) -> None:
    assert formatting.model_name(model) == name
