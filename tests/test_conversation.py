"""The values of a conversation: what arrived is kept, and what may be sent is sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.conversation import Block, State, as_question, title_of
from tui.domain.model import Model
from tui.domain.reply import StreamingReply, ended_state
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Timing, Usage
from tui.domain.wire import Json


def text(words: str, *, is_sendable: bool = True) -> Block:
    return Block({"type": "text", "text": words}, is_sendable=is_sendable)


def thought(words: str = "Hm.") -> Block:
    return Block({"type": "thinking", "thinking": words, "signature": "c2ln"})


# A reply while it arrives


@dataclass(frozen=True)
class Scripted:
    """A complete reply: its events, and the text that has arrived after each of them."""

    events: list[ReplyEvent]
    words: list[tuple[tuple[str, str], ...]]
    """After each event: the type and the text so far of each block."""

    def text(self, cut: int) -> str:
        """Return the text of the text blocks after `cut` events."""
        runs = groupby(self.words[cut - 1], key=lambda block: block[0])
        texts = ["".join(words for _, words in run) for kind, run in runs if kind == "text"]
        return "\n\n".join(text for text in texts if text.strip())

    def thinking(self, cut: int) -> str:
        """Return the thinking after `cut` events."""
        found = (words for kind, words in self.words[cut - 1] if kind == "thinking")
        return "\n\n".join(words for words in found if words)


PIECES = st.lists(st.text("ab \n", max_size=3), max_size=4)


@st.composite
def scripts(draw: st.DrawFn) -> Scripted:
    """Draw a reply of several blocks in pieces; their starts may have text already."""
    events: list[ReplyEvent] = [Started("msg", "model", Usage({"output_tokens": 1}), "req")]
    came: list[tuple[str, str]] = []
    words = [tuple(came)]
    whole: list[Json] = []

    def add(event: ReplyEvent, piece: str = "") -> None:
        events.append(event)
        if isinstance(event, BlockStarted):
            came.append((event.wire["type"], ""))
        if piece:
            came[-1] = (came[-1][0], came[-1][1] + piece)
        words.append(tuple(came))

    for index in range(draw(st.integers(0, 4))):
        kind: Literal["text", "thinking"] = draw(st.sampled_from(["text", "thinking"]))
        opening = draw(st.sampled_from(["", "A "]))
        pieces = draw(PIECES)
        add(BlockStarted(index, {"type": kind, kind: opening}), opening)
        for piece in pieces:
            delta: Any = f"{kind}_delta"
            add(BlockDelta(index, delta, piece), piece)
        whole.append({"type": kind, kind: opening + "".join(pieces)})
        add(BlockStopped(index, whole[-1]))
    add(MessageDelta("end_turn", None, Usage({"output_tokens": 9})))
    add(Finished(tuple(whole), "end_turn", None, Usage({"output_tokens": 9})))
    return Scripted(events, words)


@given(scripts(), st.data())
def test_a_reply_cut_anywhere_keeps_exactly_what_arrived(
    script: Scripted, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(script.events)))
    draft = StreamingReply("m", "c", "asked")
    for event in script.events[:cut]:
        draft.take(event)
    text, thinking = script.text(cut), script.thinking(cut)
    assert draft.words("text") == text
    assert draft.words("thinking") == thinking
    kept = draft.blocks
    # White space alone is not kept, because the API refuses it.
    assert _inked("".join(b.words for b in kept if b.type == "text")) == _inked(text)
    assert _inked("".join(b.words for b in kept if b.type == "thinking")) == _inked(thinking)
    assert all(b.words.strip() for b in kept if b.type == "text" and b.is_sendable)
    assert (draft.finished is not None) == (cut == len(script.events))
    if text or thinking:
        assert draft.has_content


def _inked(words: str) -> str:
    return "".join(words.split())


@given(scripts())
def test_a_complete_reply_keeps_the_blocks_as_the_endpoint_sent_them(script: Scripted) -> None:
    draft = StreamingReply("m", "c", "asked")
    for event in script.events:
        draft.take(event)
    last = script.events[-1]
    assert isinstance(last, Finished)
    expected = [w for w in last.blocks if w["type"] != "text" or w["text"].strip()]
    # A blank text between two texts is kept, but the API refuses it.
    inked = [b for b in draft.blocks if b.type != "text" or b.words.strip()]
    assert [block.wire for block in inked] == expected
    blank = [b for b in draft.blocks if b not in inked]
    assert not any(block.is_sendable for block in blank)
    # Thinking without a signature is kept, but the API would refuse it.
    unsigned = [b.type == "thinking" and not b.wire.get("signature") for b in inked]
    assert [not block.is_sendable for block in inked] == unsigned
    assert (draft.model, draft.api_message_id, draft.request_id) == ("model", "msg", "req")
    assert draft.usage.output_tokens == 9


def test_unfinished_thinking_is_kept_and_not_sent() -> None:
    draft = StreamingReply("m", "c", "asked")
    draft.take(BlockStarted(0, {"type": "thinking", "thinking": "", "signature": ""}))
    draft.take(BlockDelta(0, "thinking_delta", "Perhaps"))
    (block,) = draft.blocks
    assert (block.words, block.is_sendable) == ("Perhaps", False)
    draft.take(BlockStopped(0, thought("Perhaps").wire))
    (block,) = draft.blocks
    assert (block.wire, block.is_sendable) == (thought("Perhaps").wire, True)


def test_a_tool_call_is_not_sent_without_its_result() -> None:
    call: Json = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    draft = StreamingReply("m", "c", "asked")
    draft.take(BlockStarted(0, call))
    draft.take(BlockDelta(0, "input_json_delta", '{"a'))
    assert list(draft.blocks) == []
    draft.take(BlockStopped(0, call))
    assert [block.is_sendable for block in draft.blocks] == [False]
    draft.take(Finished((call,), "tool_use", None, Usage()))
    assert [block.is_sendable for block in draft.blocks] == [False]


def test_the_text_before_a_refusal_is_kept_and_not_sent() -> None:
    draft = StreamingReply("m", "c", "asked")
    draft.take(Finished((text("Well").wire,), "refusal", None, Usage()))
    assert [(block.words, block.is_sendable) for block in draft.blocks] == [("Well", False)]


def test_a_draft_tells_what_it_is_doing() -> None:
    draft = StreamingReply("m", "c", "asked")
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
    draft = StreamingReply("m", "c", "asked")
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
def test_a_complete_reply_ends_as_its_stop_reason_says(
    stop_reason: str | None, state: State
) -> None:
    assert ended_state(Finished((), stop_reason, None, Usage())) == state


# Usage


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


# Questions


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("    return 1\nwhy?", "    return 1\nwhy?"),
        ("\treturn 1", "\treturn 1"),
        ("\n \n\n  code\n  more\n \n", "  code\n  more"),
        ("why? \t ", "why?"),
        ("\u3000全角", "\u3000全角"),
        (" \n\t\n ", ""),
        ("", ""),
    ],
)
def test_a_question_keeps_the_indentation_of_its_first_line(typed: str, asked: str) -> None:
    assert as_question(typed) == asked


@given(st.text(st.sampled_from(" \t\n\r\x0bab\u3000\x85")))
def test_a_question_loses_only_blank_lines_before_and_white_space_after(typed: str) -> None:
    asked = as_question(typed)
    start = typed.index(asked)
    before, after = typed[:start], typed[start + len(asked) :]
    assert not (before + after).strip()
    assert not asked or before == "" or before.endswith("\n")
    assert as_question(asked) == asked
