"""Tells what a file is from its first bytes, never from its name."""

from __future__ import annotations

import codecs
from typing import Literal

Signature = Literal["image", "pdf", "foreign", "text"]

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x7fELF": "a program",
    b"\xca\xfe\xba\xbe": "a program",
    b"\xcf\xfa\xed\xfe": "a program",
    b"\x00asm": "a program",
    b"SQLite format 3\x00": "an SQLite database",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\x00\x00\x01\x00": "an icon",
    b"ID3": "an audio file",
    b"OggS": "an audio file",
    b"fLaC": "an audio file",
    b"\x1aE\xdf\xa3": "a video",
    b"wOFF": "a font",
    b"wOF2": "a font",
}
"""Formats that cannot be sent, by their first bytes."""
_BRANDS = {
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"mif1": "a HEIC image",
    b"avif": "an AVIF image",
}
"""The same by the brand of an ISO media file."""
_CONTAINERS = {b"WEBP": "image", b"WAVE": "an audio file", b"AVI ": "a video"}
_BOM_AND_SPACE = codecs.BOM_UTF8 + b" \t\r\n\f\x00"


def signature(head: bytes) -> tuple[Signature, str]:
    """Return what a file is, and the words for what cannot be sent."""
    if head.startswith(_IMAGES):
        return "image", ""
    if head[:4] == b"RIFF":
        found = _CONTAINERS.get(head[8:12], "a media file")
        return ("image", "") if found == "image" else ("foreign", found)
    if head[:1024].lstrip(_BOM_AND_SPACE).startswith(b"%PDF-"):
        return "pdf", ""
    if head[4:8] == b"ftyp":
        return "foreign", _BRANDS.get(head[8:12], "a video")
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "foreign", "a BMP image"
    for first, words in _FOREIGN.items():
        if head.startswith(first):
            return "foreign", words
    return "text", ""
