"""The wire of one attempt, kept as it came.

What is shown and stored of a reply is our reading of it; this is what was read. It
is compressed while it comes, so that a long reply costs its packed size only.

The packed form is the byte 1, the version, then one zlib stream of records: the
milliseconds and the length of a chunk as unsigned 32-bit big-endian numbers, then the
chunk. The zlib stream ends with its checksum, so damage is noticed.
"""

from __future__ import annotations

import struct
import zlib

_VERSION = b"\x01"
_HEAD = struct.Struct(">II")


class Recording:
    """The body of one response, chunk by chunk. For one thread."""

    def __init__(self) -> None:
        self.size = 0
        """How many bytes came, before they were packed."""
        # Server-sent events are nearly all repetition: the quickest level, 1 µs for an
        # event, leaves a twentieth of them.
        self._packer = zlib.compressobj(1)
        self._packed = [_VERSION]

    def note(self, chunk: bytes, ms: int) -> None:
        """Add what came `ms` milliseconds after the attempt began."""
        self.size += len(chunk)
        for piece in (_HEAD.pack(ms, len(chunk)), chunk):
            if packed := self._packer.compress(piece):
                self._packed.append(packed)

    def packed(self) -> bytes:
        """Return everything so far in the packed form. More may be noted after it."""
        return b"".join(self._packed) + self._packer.copy().flush()


def unpack(packed: bytes) -> list[tuple[int, bytes]]:
    """Return the chunks of a packed recording, each with its milliseconds.

    Raises `ValueError` if it is not a whole recording of a version known here.
    """
    if not packed.startswith(_VERSION):
        raise ValueError("this is not a recording, or one of a newer version")
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
