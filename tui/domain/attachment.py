"""A file that is sent with a question: what is known about it without its bytes.

The bytes are stored once, by their SHA-256; see `attached_block` for how a message refers
to them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["text", "table", "notebook", "folder", "image", "pdf"]
"""What an attachment is, by its content. All but images and PDFs are sent as text."""

KINDS: tuple[Kind, ...] = get_args(Kind)

ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
IMAGE_TYPES: tuple[ImageType, ...] = get_args(ImageType)
PDF_TYPE = "application/pdf"
TEXT_TYPE = "text/plain"

TOKENS_OF_A_PAGE = 3_000
"""An estimate. The API reads a page as text and as an image: 1,500 tokens or more each."""

_PATCH = 28
"""Pixels on each side of the part of an image that is one token."""
_PIECE = 64 * 1024
_OLDER = re.compile(r"claude-(3|(opus|sonnet|haiku)-4-[0-6](?!\d)|(opus|sonnet|haiku)-4-\d{8})")
"""Models before Opus 4.7, which read smaller images."""
_WIDE = re.compile("[^\\x00-\\u024f]")
"""Characters outside of the Latin alphabets, of which most are a token or more."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """The largest image that a model reads; the API shrinks a larger one."""

    side: int
    """Pixels of the longer side."""
    tokens: int
    """The most tokens that the image may be; see `image_tokens`."""


CURRENT_SIZE = ImageSize(2576, 4784)
OLDER_SIZE = ImageSize(1568, 1568)
"""The sizes for current models and for older ones.

Source: Anthropic's documentation, build-with-claude/vision.
"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it was when it was attached."""

    sha256: str
    """The digest of the bytes that are kept, in hexadecimal."""
    name: str
    """The name to show: one clean line, without the folder."""
    kind: Kind
    media_type: str
    """The media type of the bytes that are kept."""
    size: int
    """How many bytes are kept."""
    wire_size: int
    """How many bytes of a request's JSON these bytes become."""
    original_size: int
    """The size of the file, in bytes; a folder's is the sum of its files."""
    tokens: int | None = None
    """An estimate for current models; None if it is not known."""
    width: int | None = field(default=None, kw_only=True)
    """Pixels, of an image."""
    height: int | None = field(default=None, kw_only=True)
    pages: int | None = field(default=None, kw_only=True)
    """The number of a PDF's pages."""
    note: str = field(default="", kw_only=True)
    """What was done to it, such as "first frame"; empty if nothing needs to be told."""


def image_size_limit(model: str) -> ImageSize:
    """Return the largest image that a model reads, by the model's id."""
    return OLDER_SIZE if _OLDER.match(model) else CURRENT_SIZE


def image_tokens(width: int, height: int, limit: ImageSize = CURRENT_SIZE) -> int:
    """Return the tokens of an image: one for each 28 × 28 pixels, after it was shrunk."""
    return patches(*fitted(width, height, limit))


def patches(width: int, height: int) -> int:
    """Return how many squares of 28 × 28 pixels cover an image."""
    return math.ceil(width / _PATCH) * math.ceil(height / _PATCH)


def fitted(width: int, height: int, limit: ImageSize) -> tuple[int, int]:
    """Return the size of an image, shrunk in proportion to fit a limit; never enlarged."""
    scale = min(1.0, limit.side / max(width, height))
    size = _scaled(width, height, scale)
    while patches(*size) > limit.tokens:
        # The patches at the edges are cut, so the area says only about how far to go.
        scale *= min(0.995, math.sqrt(limit.tokens / patches(*size)))
        size = _scaled(width, height, scale)
    return size


def _scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    return max(1, int(width * scale)), max(1, int(height * scale))


def text_tokens(text: str) -> int:
    """Return an estimate of the tokens of a text, for the tokenizer of current models.

    About three letters of a Latin alphabet make a token, and one character of most others.
    """
    wide = sum(len(_WIDE.findall(piece)) for piece in pieces(text))
    return math.ceil((len(text) - wide) / 3.2 + wide)


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces of 64 KB, so that other threads run between them."""
    return (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))


def base64_size(size: int) -> int:
    """Return the length of `size` bytes as base64."""
    return 4 * math.ceil(size / 3)
