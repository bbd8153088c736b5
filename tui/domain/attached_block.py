"""How a message refers to the bytes of an attachment, and how they come back.

On the wire, a block has its bytes in `source.data`. A stored block has an object there, the
reference: the SHA-256 of the bytes, and what is known about them. Everything else is equal,
key order included. So a request can be made again byte for byte, which its prompt cache
and the thinking that is bound to it need. Only a question can have references: what an
endpoint sends is never one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from tui.domain.attachment import (
    IMAGE_TYPES,
    KINDS,
    PDF_TYPE,
    TEXT_TYPE,
    Attachment,
    Kind,
    base64_size,
    pieces,
    text_tokens,
)
from tui.domain.wire import Json, count

ATTACHED = ("image", "document")
"""The block types that may have a reference."""

_FIELDS = tuple(each.name for each in fields(Attachment) if each.name != "media_type")
_COUNTS = ("size", "wire_size", "original_size")
_OPTIONAL_COUNTS = ("tokens", "width", "height", "pages")
_PIECE = 3 * 256 * 1024
"""A multiple of three: the base64 of the pieces is that of the whole."""
_SHA256 = re.compile("[0-9a-f]{64}")


class ContentMissing(Exception):
    """The bytes of an attachment are not there. The text is one line for the user."""


def stored_block(attachment: Attachment) -> Json:
    """Return the block of an attachment as a message stores it."""
    is_text = attachment.media_type == TEXT_TYPE
    source = {
        "type": "text" if is_text else "base64",
        "media_type": attachment.media_type,
        "data": _reference(attachment),
    }
    if attachment.kind == "image":
        return {"type": "image", "source": source}
    return {"type": "document", "source": source, "title": attachment.name}


def wire_block(block: Json, contents: Mapping[str, bytes]) -> Json:
    """Return a stored block as it is sent; one without a reference is returned unchanged.

    `contents` has the bytes by their SHA-256. Raises `ContentMissing`.
    """
    attachment = attachment_of(block)
    if attachment is None:
        return block
    content = contents.get(attachment.sha256)
    if content is None:
        raise ContentMissing(
            f"The content of {attachment.name} is no longer in the history."
            " Edit the question, and attach the file again."
        )
    is_text = attachment.media_type == TEXT_TYPE
    data = content.decode() if is_text else _base64(content)
    return block | {"source": block["source"] | {"data": data}}


def attachment_of(block: Json) -> Attachment | None:
    """Return the attachment that a stored block refers to; None if it has no reference."""
    source = block.get("source")
    if block.get("type") not in ATTACHED or not isinstance(source, dict):
        return None
    reference = source.get("data")
    if not isinstance(reference, dict):
        return None
    known: dict[str, Any] = {name: reference.get(name) for name in _FIELDS}
    known |= {name: count(reference, name) for name in (*_COUNTS, *_OPTIONAL_COUNTS)}
    media_type, note = source.get("media_type"), known["note"] or ""
    is_known = (
        isinstance(known["sha256"], str)
        and _SHA256.fullmatch(known["sha256"]) is not None
        and isinstance(known["name"], str)
        and isinstance(note, str)
        and known["kind"] in KINDS
        and media_type in (*IMAGE_TYPES, PDF_TYPE, TEXT_TYPE)
        and None not in [known[name] for name in _COUNTS]
    )
    return Attachment(**known | {"media_type": media_type, "note": note}) if is_known else None


def taken_out(block: Json) -> tuple[Json, bytes] | None:
    """Return a block of the wire as it is stored, and its bytes; the reverse of `wire_block`.

    None if its bytes are not in it, or would not come back byte for byte.
    """
    source = block.get("source")
    match block.get("type"), source:
        case (
            "image" | "document",
            {
                "type": "base64" | "text" as form,
                "media_type": str(media_type),
                "data": str(data),
            },
        ) if media_type in (*IMAGE_TYPES, PDF_TYPE, TEXT_TYPE):
            content = _content(data, form)
        case _:
            return None
    kind: Kind = "text" if form == "text" else "pdf" if media_type == PDF_TYPE else "image"
    if content is None or (form == "text") != (media_type == TEXT_TYPE):
        return None
    title = block.get("title")
    attachment = Attachment(
        sha256=sha256_of(content),
        name=title if isinstance(title, str) else kind,
        kind=kind,
        media_type=media_type,
        size=len(content),
        wire_size=text_wire_size(data) if form == "text" else base64_size(len(content)),
        original_size=len(content),
        tokens=text_tokens(data) if form == "text" else None,
    )
    assert isinstance(source, dict)  # noqa: S101 - the pattern says so, mypy cannot see it
    return block | {"source": source | {"data": _reference(attachment)}}, content


def attachments_in(messages: Sequence[Json]) -> Iterator[Attachment]:
    """Yield the attachments of a prompt's messages, in their order."""
    for message in messages:
        if message["role"] == "user":
            for block in message["content"]:
                if (attachment := attachment_of(block)) is not None:
                    yield attachment


def with_contents(messages: Sequence[Json], contents: Mapping[str, bytes]) -> list[Json]:
    """Return a prompt's messages with the bytes of their attachments, ready to be sent.

    Raises `ContentMissing`.
    """
    return [
        message
        if message["role"] != "user"
        else message | {"content": [wire_block(each, contents) for each in message["content"]]}
        for message in messages
    ]


def sha256_of(content: bytes) -> str:
    """Return the digest by which bytes are stored."""
    return hashlib.sha256(content).hexdigest()


def text_wire_size(text: str) -> int:
    """Return how many bytes of a request's JSON a text becomes, without its quotes."""
    return sum(len(json.dumps(each, ensure_ascii=False).encode()) - 2 for each in pieces(text))


def _reference(attachment: Attachment) -> Json:
    values = {name: getattr(attachment, name) for name in _FIELDS}
    values["note"] = attachment.note or None
    return {name: value for name, value in values.items() if value is not None}


def _base64(content: bytes) -> str:
    """Return bytes as base64, made in pieces, so that other threads run between them."""
    ends = range(0, len(content), _PIECE)
    return b"".join(base64.b64encode(content[at : at + _PIECE]) for at in ends).decode()


def _content(data: str, form: str) -> bytes | None:
    """Return the bytes that `wire_block` turns into `data`; None if there are none."""
    try:
        if form == "text":
            return data.encode()
        content = base64.b64decode(data, validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == data else None
