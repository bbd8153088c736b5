"""What came over the wire for one request, byte for byte, with its rhythm.

A packed recording is a version byte and one zlib stream of frames: the milliseconds
since the frame before and the number of bytes, each as a base-128 number with its low
bits first, then the bytes.
"""

from __future__ import annotations

import zlib

_VERSION = b"\x01"


class Recording:
    """Takes in chunks as they come, compressed, so that a long reply stays small."""

    def __init__(self) -> None:
        self.size = 0
        """How many bytes came."""
        self._compressor = zlib.compressobj(1)
        self._packed = bytearray(_VERSION)
        self._last_ms = 0

    def note(self, chunk: bytes, ms: int) -> None:
        """Take in a chunk that came `ms` milliseconds after the request was made."""
        ms = max(ms, self._last_ms)
        frame = _number(ms - self._last_ms) + _number(len(chunk)) + chunk
        self._packed += self._compressor.compress(frame)
        self._last_ms = ms
        self.size += len(chunk)

    def packed(self) -> bytes:
        """Return what has come so far, packed."""
        return bytes(self._packed) + self._compressor.copy().flush()


def unpack(packed: bytes) -> list[tuple[int, bytes]]:
    """Return the chunks of a packed recording, each with when it came.

    In milliseconds since the request was made. Raises `ValueError` for what is none.
    """
    if packed[:1] != _VERSION:
        raise ValueError("not a recording that this version reads")
    try:
        frames = zlib.decompress(packed[1:])
    except zlib.error as error:
        raise ValueError("a recording that is damaged") from error
    try:
        return _chunks(frames)
    except IndexError:
        raise ValueError("a recording that is damaged") from None


def _chunks(frames: bytes) -> list[tuple[int, bytes]]:
    found, at, ms = list[tuple[int, bytes]](), 0, 0
    while at < len(frames):
        later, at = _read_number(frames, at)
        length, at = _read_number(frames, at)
        if at + length > len(frames):
            raise IndexError(at)
        ms += later
        found.append((ms, frames[at : at + length]))
        at += length
    return found


def _number(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _read_number(frames: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place, and the place after it."""
    value = shift = 0
    while frames[at] & 0x80:
        value |= (frames[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | frames[at] << shift, at + 1
