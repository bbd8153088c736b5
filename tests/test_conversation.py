"""Values keep what they were given: what arrived stays, what may be sent is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.conversation import (
    Block,
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    Json,
    Model,
    ReplyEvent,
    Started,
    State,
    Stopping,
    Timing,
    Usage,
    title_of,
)
from tui.draft import Draft, ended_state


def text(words: str, *, is_sendable: bool = True) -> Block:
    return Block({"type": "text", "text": words}, is_sendable=is_sendable)


def thought(words: str = "Hm.") -> Block:
    return Block({"type": "thinking", "thinking": words, "signature": "c2ln"})


# A reply while it arrives


@dataclass(frozen=True)
class Scripted:
    """A whole reply: its events, and after each the words that have come."""

    events: list[ReplyEvent]
    words: list[dict[str, str]]


PIECES = st.lists(st.text("ab \n", max_size=3), max_size=4)


@st.composite
def scripts(draw: st.DrawFn) -> Scripted:
    """Draw a reply of some blocks, each in pieces, its opening with words or without."""
    events: list[ReplyEvent] = [Started("msg", "model", Usage({"output_tokens": 1}), "req")]
    came = {"text": "", "thinking": ""}
    words = [dict(came)]
    whole: list[Json] = []

    def add(event: ReplyEvent, kind: str = "text", piece: str = "") -> None:
        events.append(event)
        came[kind] += piece
        words.append(dict(came))

    for index in range(draw(st.integers(0, 4))):
        kind: Literal["text", "thinking"] = draw(st.sampled_from(["text", "thinking"]))
        opening = draw(st.sampled_from(["", "A "]))
        pieces = draw(PIECES)
        add(BlockStarted(index, {"type": kind, kind: opening}), kind, opening)
        for piece in pieces:
            delta: Any = f"{kind}_delta"
            add(BlockDelta(index, delta, piece), kind, piece)
        whole.append({"type": kind, kind: opening + "".join(pieces)})
        add(BlockStopped(index, whole[-1]))
    add(Stopping("end_turn", None, Usage({"output_tokens": 9})))
    add(Finished(tuple(whole), "end_turn", None, Usage({"output_tokens": 9})))
    return Scripted(events, words)


@settings(deadline=None)
@given(scripts(), st.data())
def test_wherever_a_reply_is_cut_exactly_what_arrived_is_kept(
    script: Scripted, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(script.events)))
    draft = Draft("m", "c", "asked")
    for event in script.events[:cut]:
        draft.take(event)
    came = script.words[cut - 1]
    assert draft.words("text") == came["text"]
    assert draft.words("thinking") == came["thinking"]
    kept = draft.blocks
    # Of white space alone nothing is kept, for the API refuses it.
    assert _inked("".join(b.words for b in kept if b.type == "text")) == _inked(came["text"])
    assert _inked("".join(b.words for b in kept if b.type == "thinking")) == _inked(
        came["thinking"]
    )
    assert all(block.words.strip() for block in kept if block.type == "text")
    assert (draft.finished is not None) == (cut == len(script.events))
    if came["text"] or came["thinking"]:
        assert draft.has_content


def _inked(words: str) -> str:
    return "".join(words.split())


@settings(deadline=None)
@given(scripts())
def test_a_whole_reply_keeps_the_blocks_as_the_endpoint_gave_them(script: Scripted) -> None:
    draft = Draft("m", "c", "asked")
    for event in script.events:
        draft.take(event)
    last = script.events[-1]
    assert isinstance(last, Finished)
    expected = [w for w in last.blocks if w["type"] != "text" or w["text"].strip()]
    assert [block.wire for block in draft.blocks] == expected
    # A thought without a signature is kept, but the API would not take it back.
    unsigned = [b.type == "thinking" and not b.wire.get("signature") for b in draft.blocks]
    assert [not block.is_sendable for block in draft.blocks] == unsigned
    assert (draft.model, draft.api_message_id, draft.request_id) == ("model", "msg", "req")
    assert draft.usage.output_tokens == 9


def test_an_unfinished_thought_is_kept_and_not_sent() -> None:
    draft = Draft("m", "c", "asked")
    draft.take(BlockStarted(0, {"type": "thinking", "thinking": "", "signature": ""}))
    draft.take(BlockDelta(0, "thinking_delta", "Perhaps"))
    (block,) = draft.blocks
    assert (block.words, block.is_sendable) == ("Perhaps", False)
    draft.take(BlockStopped(0, thought("Perhaps").wire))
    (block,) = draft.blocks
    assert (block.wire, block.is_sendable) == (thought("Perhaps").wire, True)


def test_a_tool_call_is_not_sent_without_its_result() -> None:
    call: Json = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    draft = Draft("m", "c", "asked")
    draft.take(BlockStarted(0, call))
    draft.take(BlockDelta(0, "input_json_delta", '{"a'))
    assert list(draft.blocks) == []
    draft.take(BlockStopped(0, call))
    assert [block.is_sendable for block in draft.blocks] == [False]
    draft.take(Finished((call,), "tool_use", None, Usage()))
    assert [block.is_sendable for block in draft.blocks] == [False]


def test_what_came_before_a_refusal_is_kept_and_not_sent() -> None:
    draft = Draft("m", "c", "asked")
    draft.take(Finished((text("Well").wire,), "refusal", None, Usage()))
    assert [(block.words, block.is_sendable) for block in draft.blocks] == [("Well", False)]


def test_a_draft_tells_what_it_is_doing() -> None:
    draft = Draft("m", "c", "asked")
    assert (draft.activity, draft.has_content) == ("waiting", False)
    draft.take(Started("msg", "model", Usage(), None))
    assert (draft.activity, draft.has_content) == ("waiting", False)
    draft.take(BlockStarted(0, {"type": "redacted_thinking", "data": "eA=="}))
    assert draft.activity == "thinking"
    draft.take(BlockStarted(1, {"type": "text", "text": ""}))
    assert draft.activity == "thinking"
    draft.take(BlockDelta(1, "text_delta", "So"))
    assert (draft.activity, draft.has_content) == ("streaming", True)


def test_a_draft_that_starts_over_forgets_the_attempt_and_keeps_its_id() -> None:
    draft = Draft("m", "c", "asked")
    draft.take(Started("msg", "model", Usage({"input_tokens": 1}), "req"))
    draft.take(BlockStarted(0, {"type": "text", "text": ""}))
    draft.start_over("claude-asked")
    assert (draft.id, draft.blocks, draft.has_content) == ("m", (), False)
    assert (draft.usage, draft.api_message_id, draft.request_id) == (Usage(), None, None)


@pytest.mark.parametrize(
    ("stop_reason", "state"),
    [
        ("end_turn", "complete"),
        ("stop_sequence", "complete"),
        ("tool_use", "tool_use"),
        ("a reason of tomorrow", "complete"),
        (None, "complete"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "context_full"),
        ("refusal", "refused"),
    ],
)
def test_a_whole_reply_ends_as_its_stop_reason_says(
    stop_reason: str | None, state: State
) -> None:
    assert ended_state(Finished((), stop_reason, None, Usage())) == state


# What endpoints report


def test_a_figure_that_was_not_reported_is_none() -> None:
    for wire in ({}, {"input_tokens": None}, {"input_tokens": "9"}, {"input_tokens": True}):
        usage = Usage(wire)
        assert (usage.input_tokens, usage.prompt_tokens) == (None, None)
    assert Usage({"output_tokens_details": None}).thinking_tokens is None
    assert Usage({"output_tokens_details": {"thinking_tokens": 3}}).thinking_tokens == 3


def test_the_prompt_is_every_token_cached_or_not() -> None:
    wire = {
        "input_tokens": 1,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
    }
    assert Usage(wire).prompt_tokens == 321
    assert Usage({"input_tokens": 1}).prompt_tokens == 1


def test_newer_figures_replace_older_ones_and_absent_ones_do_not() -> None:
    merged = Usage({"input_tokens": 1, "output_tokens": 1}).merged(
        {"input_tokens": None, "output_tokens": 9}
    )
    assert merged == Usage({"input_tokens": 1, "output_tokens": 9})


def test_moments_are_counted_from_an_earlier_start_and_gaps_are_not() -> None:
    timing = Timing(first_byte_ms=10, duration_ms=100, longest_gap_ms=5)
    assert timing.later(1000) == Timing(first_byte_ms=1010, duration_ms=1100, longest_gap_ms=5)


@pytest.mark.parametrize(
    ("wire", "is_described", "has_adaptive_thinking"),
    [
        ({"id": "m"}, False, False),
        ({"id": "m", "capabilities": None}, False, False),
        ({"id": "m", "capabilities": {}}, True, False),
        ({"id": "m", "capabilities": {"thinking": True}}, True, False),
        (
            {
                "id": "m",
                "capabilities": {"thinking": {"types": {"adaptive": {"supported": 1}}}},
            },
            True,
            False,
        ),
        (
            {
                "id": "m",
                "capabilities": {"thinking": {"types": {"adaptive": {"supported": True}}}},
            },
            True,
            True,
        ),
    ],
)
def test_a_model_can_do_only_what_it_is_said_to(
    wire: Json, *, is_described: bool, has_adaptive_thinking: bool
) -> None:
    model = Model(wire)
    assert model.is_described == is_described
    assert model.has_adaptive_thinking == has_adaptive_thinking
    assert (model.id, model.max_tokens) == ("m", None)


# Titles


@settings(deadline=None)
@given(st.text())
def test_a_title_is_one_short_line(words: str) -> None:
    title = title_of(words)
    assert len(title) <= 81
    assert title == " ".join(title.split())


def test_a_title_is_the_first_words_of_the_question() -> None:
    assert title_of("  Why\n\tis the sky  blue? ") == "Why is the sky blue?"
    assert title_of("word " * 40) == " ".join(["word"] * 16) + "…"
    assert title_of("first, " * 40) == "first, " * 10 + "first…"
    assert title_of("東" * 100) == "東" * 80 + "…"
