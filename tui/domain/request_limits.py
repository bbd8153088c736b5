"""Checks of a request before it is sent: what the API would refuse, one clear line each.

The limits are those of the Messages API; they count the whole request, old turns included.
Source: Anthropic's documentation, build-with-claude/vision, pdf-support and api/errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tui.domain.attached_block import attachment_of
from tui.domain.attachment import PDF_TYPE, Attachment
from tui.domain.model import Model
from tui.domain.wire import Json

MOST_REQUEST_BYTES = 32 * 1024 * 1024
"""The size of a request's JSON, with its attachments as they are sent."""
MOST_IMAGE_BYTES = 10 * 1024 * 1024
"""The size of one image as base64."""
MOST_SIDE = 8_000
"""Pixels of an image's longer side."""
MANY_IMAGES = 20
MOST_SIDE_OF_MANY = 2_000
"""The same in a request with more images than `MANY_IMAGES`."""
MOST_ITEMS = 600
"""Images in a request, and pages of PDFs."""
MOST_ITEMS_OF_SMALL = 100
"""The same for a model that reads no more than `SMALL_CONTEXT`."""
SMALL_CONTEXT = 200_000


@dataclass(frozen=True, slots=True)
class _Item:
    """An image or a PDF of a request."""

    is_image: bool
    name: str
    wire_size: int
    side: int
    """Pixels of the longer side; 0 if it is not known."""
    pages: int


def most_items(described: Model | None) -> int:
    """Return how many images, and how many pages, a request to a model may have."""
    context = described.context if described is not None else None
    is_small = context is not None and context <= SMALL_CONTEXT
    return MOST_ITEMS_OF_SMALL if is_small else MOST_ITEMS


def problems(
    messages: Sequence[Json], described: Model | None, *, system: str = ""
) -> list[str]:
    """Return why a request would be refused, one line for each reason; usually none.

    `messages` are those of a `Prompt`, with or without the bytes of their attachments.
    `described` is the model as its endpoint describes it; without it, the limits are those
    of the largest models, and nothing is said about what the model can read.
    """
    items = list(_items(block for message in messages for block in message["content"]))
    images = [item for item in items if item.is_image]
    documents = [item for item in items if not item.is_image]
    return [
        *_unreadable(images, documents, described),
        *_numbers(images, documents, described),
        *_large_images(images),
        *_size(messages, system),
    ]


def _unreadable(
    images: list[_Item], documents: list[_Item], described: Model | None
) -> Iterator[str]:
    if described is None:
        return
    for found, capability, what in (
        (images, "image_input", "images"),
        (documents, "pdf_input", "PDFs"),
    ):
        if found and described.lacks(capability):
            yield (
                f"{described.name} does not take {what}: {_names(found)}."
                " Remove them, or choose another model."
            )


def _numbers(
    images: list[_Item], documents: list[_Item], described: Model | None
) -> Iterator[str]:
    most, pages = most_items(described), sum(item.pages for item in documents)
    for number, what in ((len(images), "images"), (pages, "pages of PDFs")):
        if number > most:
            yield (
                f"This conversation has {number:,} {what}, and the model takes {most}."
                " Remove some, or ask in a new conversation."
            )


def _large_images(images: list[_Item]) -> Iterator[str]:
    heavy = [item for item in images if item.wire_size > MOST_IMAGE_BYTES]
    if heavy:
        yield f"An image may have 10 MB as base64: {_names(heavy)}. Attach a smaller one."
    is_many = len(images) > MANY_IMAGES
    most = MOST_SIDE_OF_MANY if is_many else MOST_SIDE
    large = [item for item in images if item.side > most]
    if large:
        why = f"With more than {MANY_IMAGES} images, each" if is_many else "An image"
        yield (
            f"{why} may have {most:,} pixels on a side: {_names(large)}."
            " Attach a smaller one, or ask in a new conversation."
        )


def _size(messages: Sequence[Json], system: str) -> Iterator[str]:
    size = _bytes(system) + sum(map(request_size, messages))
    if size > MOST_REQUEST_BYTES:
        yield (
            f"This request has {size / 2**20:,.1f} MB, and the API takes 32 MB."
            " Remove a file, or ask in a new conversation."
        )


def request_size(message: Json) -> int:
    """Return the bytes of a message in a request, with the content of its attachments."""
    size = _bytes(message | {"content": []})
    for block in message["content"]:
        attachment = attachment_of(block)
        if attachment is None:
            size += _bytes(block) + 1
        else:
            around = block | {"source": block["source"] | {"data": ""}}
            size += _bytes(around) + attachment.wire_size + 1
    return size


def _items(blocks: Iterable[Any]) -> Iterator[_Item]:
    """Yield the images and PDFs, also those in the results of tools."""
    for block in blocks:
        match block:
            case {"type": "tool_result", "content": list(inner)}:
                yield from _items(inner)
            case {"type": "image" | "document"}:
                attachment = attachment_of(block)
                yield from _foreign(block) if attachment is None else _attached(attachment)
            case _:
                pass


def _attached(attachment: Attachment) -> Iterator[_Item]:
    if attachment.kind in ("image", "pdf"):
        side = max(attachment.width or 0, attachment.height or 0)
        is_image, pages = attachment.kind == "image", attachment.pages or 0
        yield _Item(is_image, attachment.name, attachment.wire_size, side, pages)


def _foreign(block: Json) -> Iterator[_Item]:
    """Yield an image or a PDF that was not attached here: little is known about it."""
    match block:
        case {"type": "image", "source": {"data": str(data)}}:
            yield _Item(is_image=True, name="an image", wire_size=len(data), side=0, pages=0)
        case {"type": "image"}:
            yield _Item(is_image=True, name="an image", wire_size=0, side=0, pages=0)
        case {"source": {"media_type": media_type}} if media_type == PDF_TYPE:
            yield _Item(is_image=False, name="a PDF", wire_size=0, side=0, pages=0)
        case _:
            pass


def _names(items: Sequence[_Item]) -> str:
    names = list(dict.fromkeys(item.name for item in items))
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def _bytes(value: object) -> int:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "replace"))
