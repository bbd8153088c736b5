from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.recording import Recording, unpack

CHUNKS = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=200)), max_size=30)


def recorded(chunks: list[tuple[int, bytes]]) -> Recording:
    recording = Recording()
    for ms, chunk in chunks:
        recording.note(chunk, ms)
    return recording


@given(CHUNKS)
def test_a_recording_unpacks_to_what_was_noted(chunks: list[tuple[int, bytes]]) -> None:
    recording = recorded(chunks)
    assert unpack(recording.packed()) == chunks
    assert recording.size == sum(len(chunk) for _, chunk in chunks)


@given(CHUNKS, CHUNKS)
def test_a_recording_can_be_packed_while_it_grows(
    before: list[tuple[int, bytes]], after: list[tuple[int, bytes]]
) -> None:
    recording = recorded(before)
    assert unpack(recording.packed()) == before
    for ms, chunk in after:
        recording.note(chunk, ms)
    assert unpack(recording.packed()) == before + after


@given(CHUNKS, st.data())
def test_a_recording_that_was_cut_short_is_refused(
    chunks: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    packed = recorded(chunks).packed()
    with pytest.raises(ValueError, match="recording"):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    for packed in (garbage, b"\x01" + garbage):
        with pytest.raises(ValueError, match="recording"):
            unpack(packed)


@pytest.mark.parametrize(
    "packed",
    [
        b"\x02" + zlib.compress(b""),
        b"\x01" + zlib.compress(b"") + b"more",
        b"\x01" + zlib.compress(b"\0\0\0\0\0\0"),
        b"\x01" + zlib.compress(b"\0\0\0\0\0\0\0\5four"),
    ],
    ids=["newer", "with more after it", "cut in a head", "cut in a chunk"],
)
def test_valid_compressed_data_that_is_not_a_recording_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="recording"):
        unpack(packed)


def test_a_stream_of_events_is_kept_small() -> None:
    event = (
        'data: {"type": "content_block_delta", "index": 0, "delta": {"text": "word %d"}}\n\n'
    )
    recording = recorded([(i * 20, (event % i).encode()) for i in range(5000)])
    assert len(recording.packed()) < recording.size / 10
