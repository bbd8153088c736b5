"""A recording gives back what came, and when."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.recording import Recording, unpack


@given(st.lists(st.tuples(st.integers(0, 10**7), st.binary(max_size=300))))
def test_a_recording_gives_back_what_came_and_when(chunks: list[tuple[int, bytes]]) -> None:
    chunks.sort(key=lambda chunk: chunk[0])
    recording = Recording()
    for number, (ms, chunk) in enumerate(chunks):
        assert unpack(recording.packed()) == chunks[:number]
        recording.note(chunk, ms)
    assert unpack(recording.packed()) == chunks
    assert recording.size == sum(len(chunk) for _, chunk in chunks)


def test_a_reply_takes_a_fraction_of_its_size() -> None:
    recording = Recording()
    for number in range(5000):
        recording.note(
            b'event: content_block_delta\ndata: {"index": 0, "text": "a"}\n\n', number
        )
    assert len(recording.packed()) < recording.size / 20


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x02x",
        b"\x01",
        b"\x01garbage",
        b"\x01" + zlib.compress(b"\x00\x05abc"),
        b"\x01" + zlib.compress(b"\xff"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_way(packed: bytes) -> None:
    with pytest.raises(ValueError, match="recording"):
        unpack(packed)


@given(st.binary())
def test_garbage_is_refused_in_no_other_way(garbage: bytes) -> None:
    with contextlib.suppress(ValueError):
        unpack(b"\x01" + garbage)
