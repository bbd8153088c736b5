"""Recordings: the original bytes of a response, with their times.

A stored reply is what the program understood; its recording shows what the endpoint sent.
The bytes are compressed as they arrive, so that a long reply uses only its packed size.

The packed format is the byte 1, which is the version, and one zlib stream of records. A
record is the time in milliseconds and the length of a chunk, as unsigned 32-bit big-endian
numbers, and the chunk. The checksum of the zlib stream reveals damage.
"""

from __future__ import annotations

import struct
import zlib

_VERSION = b"\x01"
_HEAD = struct.Struct(">II")


class Recording:
    """The body of one response, as chunks. Only one thread may use it."""

    def __init__(self) -> None:
        self.size = 0
        """How many bytes were recorded, before compression."""
        # Server-sent events repeat a lot: the fastest level takes 1 µs for an event and
        # compresses it to a twentieth.
        self._packer = zlib.compressobj(1)
        self._packed = [_VERSION]

    def note(self, chunk: bytes, ms: int) -> None:
        """Add a chunk that arrived `ms` milliseconds after the attempt began."""
        self.size += len(chunk)
        for piece in (_HEAD.pack(ms, len(chunk)), chunk):
            if packed := self._packer.compress(piece):
                self._packed.append(packed)

    def packed(self) -> bytes:
        """Return all chunks so far in the packed format. More chunks may follow."""
        return b"".join(self._packed) + self._packer.copy().flush()


def unpack(packed: bytes) -> list[tuple[int, bytes]]:
    """Return the chunks of a packed recording, each with its milliseconds.

    Raises `ValueError` if the recording is damaged or has an unknown version.
    """
    if not packed.startswith(_VERSION):
        raise ValueError("this is not a recording, or it is from a newer version")
    unpacker = zlib.decompressobj()
    try:
        records = unpacker.decompress(packed[len(_VERSION) :])
    except zlib.error:
        raise ValueError("the recording is damaged") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the recording is damaged")
    chunks, at = [], 0
    while at < len(records):
        if at + _HEAD.size > len(records):
            raise ValueError("the recording is damaged")
        ms, length = _HEAD.unpack_from(records, at)
        at += _HEAD.size
        if at + length > len(records):
            raise ValueError("the recording is damaged")
        chunks.append((ms, records[at : at + length]))
        at += length
    return chunks
