"""Makes files of each kind to attach, good ones and bad ones, and questions with them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from pypdf import PdfWriter

from tests.turns import MODEL
from tui.chat.attachments.attaching import attach_bytes
from tui.domain.attached_block import stored_block
from tui.domain.conversation import Block, Conversation, Message
from tui.domain.parameters import Parameters
from tui.store import Store


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return an image whose upper left corner is red and whose rest is blue."""
    image = Image.new("RGB", (width, height), "blue")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="red")
    return image.convert(mode)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return an image that was read, with the colours as they are shown."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png_bomb(width: int, height: int) -> bytes:
    """Return a PNG that says it is that large, and has a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def webp_bomb(width: int, height: int) -> bytes:
    """Return the beginning of a WebP that says it is that large."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(body)) + body + b"\0" * 40


def pdf(pages: int, *, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def written(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def new_conversation(store: Store) -> Conversation:
    now = store.clock.now_ms()
    return Conversation(store.new_id(), Parameters(MODEL), now, now, title="files")


async def ask_with_file(
    store: Store, content: bytes = b"the words of a file", *, after: Message | None = None
) -> Message:
    """Save a question with a file, after the message `after` or in a new conversation."""
    found = None if after is None else await store.conversation(after.conversation_id)
    here = found or new_conversation(store)
    each = attach_bytes(content, "a.txt")
    await store.blobs.put(each.content, conversation_id=here.id)
    question = Message(
        id=store.new_id(),
        conversation_id=here.id,
        role="user",
        blocks=(Block(stored_block(each.attachment)), Block({"type": "text", "text": "Hm?"})),
        created_ms=store.clock.now_ms(),
        parent_id=here.tip_id,
    )
    await store.add_question(here, question)
    await store.blobs.release(here.id)
    return question
