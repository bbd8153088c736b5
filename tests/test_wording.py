"""Figures, times and states read as a person says them; what is unknown is left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import get_args

import pytest

from tui import wording
from tui.conversation import (
    BlockDelta,
    BlockStarted,
    Failure,
    Figures,
    Json,
    Message,
    State,
    Timing,
    Usage,
)
from tui.draft import Draft, Retry

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
    taken = Figures(Usage(usage or {}), timing or Timing(), attempts)
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
    assert (wording.ending(message(state)) == "") == (state == "complete")


def test_an_ending_tells_why_where_that_is_known() -> None:
    failure = Failure("Claude is overloaded just now.")
    assert wording.ending(message("failed", failure=failure)) == (
        "failed: Claude is overloaded just now."
    )
    details: Json = {"type": "refusal", "explanation": "It asks for harm."}
    assert wording.ending(message("refused", stop_details=details)) == (
        "refused: It asks for harm."
    )
    for unreadable in ({}, {"explanation": None}, {"explanation": 7}):
        assert wording.ending(message("refused", stop_details=unreadable)) == "refused"


def test_figures_are_told_in_full_when_all_are_known() -> None:
    assert wording.figures(message(usage=USAGE, timing=TIMING, attempts=2)) == (
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
    assert wording.figures(message(usage=usage, timing=timing)) == said


def test_the_tokens_of_a_reply_that_broke_off_are_not_guessed() -> None:
    broken = message("cut_off", usage=USAGE, timing=TIMING, stop_reason=None)
    assert wording.figures(broken) == "1,000 in · 90 % cached · 0.8 s to first text"


def test_a_question_has_no_figures() -> None:
    assert wording.figures(Message("m", "c", "user", (), 0)) == ""


def test_the_time_thought_is_told_as_far_as_it_is_known() -> None:
    for timing, said in (
        (None, "Thought"),
        (Timing(duration_ms=5000), "Thought"),
        (Timing(first_thinking_ms=1000), "Thought"),
        (Timing(first_thinking_ms=1000, first_text_ms=4000), "Thought for 3.0 s"),
        (Timing(first_thinking_ms=1000, duration_ms=13_000), "Thought for 12 s"),
        # The text came first: how long it thought is not known.
        (Timing(first_thinking_ms=4000, first_text_ms=1000, duration_ms=9000), "Thought"),
    ):
        assert wording.thought(message(timing=timing)) == said
    assert wording.thought(Message("m", "c", "assistant", (), 0)) == "Thought"


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
    assert wording.seconds(ms) == said


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
    assert wording.age(now - ago, now) == said


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
        assert wording.date_group(then, now) == group


def test_every_day_of_two_years_has_a_group_and_they_come_in_order() -> None:
    now = at(2026, 11, 23, 12)
    noons = (datetime(2026, 11, 23, 12) - timedelta(days=n) for n in range(730))  # noqa: DTZ001 - local
    groups = [wording.date_group(int(noon.timestamp() * 1000), now) for noon in noons]
    seen = list(dict.fromkeys(groups))
    assert seen[:4] == ["Today", "Yesterday", "Previous 7 days", "November"]
    assert [group for group in groups if group in seen] == sorted(groups, key=seen.index)


def test_times_are_local() -> None:
    then = at(2026, 11, 23, 14, 2)
    assert wording.day_and_time(then) == "2026-11-23 14:02"


def test_a_running_reply_tells_what_it_does() -> None:
    draft = Draft("m", "c", "model")
    assert wording.activity(draft, 0) == "Waiting…"
    draft.take(BlockStarted(0, {"type": "thinking", "thinking": ""}))
    assert wording.activity(draft, 0) == "Thinking…"
    draft.take(BlockStarted(1, {"type": "text", "text": ""}))
    draft.take(BlockDelta(1, "text_delta", "So"))
    assert wording.activity(draft, 0) == "Writing…"


def test_a_retry_counts_down_and_not_below_nothing() -> None:
    draft = Draft("m", "c", "model", retry=Retry(2, at=10.0, reason="Overloaded."))
    for now, wait in ((7.5, 3), (10.0, 0), (12.0, 0)):
        assert wording.activity(draft, now) == f"Overloaded. Attempt 2 in {wait} s; Esc stops."


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
    assert wording.model_name(model) == name
