from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.attachments.files import encoded, picture
from tests.attachments.files import pdf as pdf_of
from tests.scripted import SONNET
from tests.strict_media import media_errors
from tui.chat.attachments.attaching import attach_bytes
from tui.domain.attached_block import stored_block, taken_out, text_wire_size, with_contents
from tui.domain.attachment import Attachment, base64_size
from tui.domain.model import Model
from tui.domain.request_limits import MOST_REQUEST_BYTES, problems, request_size

ABLE = Model(
    SONNET
    | {
        "capabilities": {
            "image_input": {"supported": True},
            "pdf_input": {"supported": True},
        }
    }
)
SMALL = Model(ABLE.wire | {"max_input_tokens": 200_000})
NEITHER = {each: {"supported": False} for each in ("image_input", "pdf_input")}
BLIND = Model(ABLE.wire | {"capabilities": NEITHER})


def image(side: int = 100, *, name: str = "a.png", size: int = 300) -> dict[str, Any]:
    sizes = (size, base64_size(size), size)
    return stored_block(
        Attachment(
            "0" * 64, name, "image", "image/png", *sizes, 16, width=side, height=side // 2
        )
    )


def pdf(pages: int, *, size: int = 300, name: str = "a.pdf") -> dict[str, Any]:
    sizes = (size, base64_size(size), size)
    return stored_block(
        Attachment("0" * 64, name, "pdf", "application/pdf", *sizes, 9, pages=pages)
    )


def asked(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a conversation with each of the blocks in a turn of its own."""
    return [
        message
        for block in blocks
        for message in (
            {"role": "user", "content": [block, {"type": "text", "text": "And this?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "I see."}]},
        )
    ]


@pytest.mark.parametrize("described", [None, ABLE, SMALL])
def test_an_ordinary_request_has_no_problem(described: Model | None) -> None:
    sent = asked(image(8000), pdf(100), *[image(2000)] * 19)
    assert problems(sent, described) == []


@pytest.mark.parametrize(
    ("blocks", "described", "line"),
    [
        (
            [image(), image(name="b.png")],
            BLIND,
            (
                "Claude Sonnet 5.5 does not take images: a.png, b.png."
                " Remove them, or choose another model."
            ),
        ),
        (
            [pdf(1)],
            BLIND,
            (
                "Claude Sonnet 5.5 does not take PDFs: a.pdf."
                " Remove them, or choose another model."
            ),
        ),
        (
            [image(2000)] * 601,
            ABLE,
            (
                "This conversation has 601 images, and the model takes 600."
                " Remove some, or ask in a new conversation."
            ),
        ),
        (
            [image()] * 101,
            SMALL,
            (
                "This conversation has 101 images, and the model takes 100."
                " Remove some, or ask in a new conversation."
            ),
        ),
        (
            [pdf(300), pdf(301)],
            ABLE,
            (
                "This conversation has 601 pages of PDFs, and the model takes 600."
                " Remove some, or ask in a new conversation."
            ),
        ),
        (
            [pdf(101)],
            SMALL,
            (
                "This conversation has 101 pages of PDFs, and the model takes 100."
                " Remove some, or ask in a new conversation."
            ),
        ),
        (
            [image(8001)],
            ABLE,
            (
                "An image may have 8,000 pixels on a side: a.png."
                " Attach a smaller one, or ask in a new conversation."
            ),
        ),
        (
            [image(2001, name="old.png"), *[image()] * 20],
            None,
            (
                "With more than 20 images, each may have 2,000 pixels on a side: old.png."
                " Attach a smaller one, or ask in a new conversation."
            ),
        ),
        (
            [image(size=8_000_000)],
            ABLE,
            "An image may have 10 MB as base64: a.png. Attach a smaller one.",
        ),
        (
            [pdf(1, size=13_000_000), pdf(1, size=13_000_000)],
            ABLE,
            (
                "This request has 33.1 MB, and the API takes 32 MB."
                " Remove a file, or ask in a new conversation."
            ),
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_each_limit_is_named_in_one_line(
    blocks: list[dict[str, Any]], described: Model | None, line: str
) -> None:
    assert problems(asked(*blocks), described) == [line]


def test_a_model_that_is_not_described_is_not_judged() -> None:
    wires: list[dict[str, Any]] = [
        {},
        {"capabilities": None},
        {"capabilities": {"thinking": {}}},
    ]
    for wire in wires:
        assert problems(asked(image(), pdf(500)), Model({"id": "local"} | wire)) == []


def test_images_of_tools_and_those_that_were_not_attached_here_count() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "YWJj"}
    foreign = {"type": "image", "source": source}
    result = {"type": "tool_result", "tool_use_id": "x", "content": [foreign] * 101}
    assert "has 101 images" in problems(asked(result), SMALL)[0]
    assert "has 101 images" in problems(asked(*[foreign] * 101), SMALL)[0]
    odd: list[dict[str, Any]] = [
        {"type": "image"},
        {"type": "document", "source": 7},
        {"type": "tool_result"},
    ]
    assert problems(asked(*odd), ABLE) == []


def test_the_names_of_many_are_cut() -> None:
    blocks = [image(name=f"{number}.png") for number in range(9)]
    assert "images: 0.png, 1.png, 2.png and 6 more." in problems(asked(*blocks), BLIND)[0]


def test_the_size_is_that_of_the_wire() -> None:
    text = 'Ümläute, "quotes" and\nlines 漢\n' * 100
    content = text.encode()
    sizes = (len(content), text_wire_size(text), 7)
    words = stored_block(Attachment("1" * 64, "ü.txt", "text", "text/plain", *sizes, 9))
    [message, _] = asked(words)
    [sent] = with_contents([message], {"1" * 64: content})
    wire = json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()
    assert abs(request_size(message) - len(wire)) <= len(message["content"])


def test_the_system_prompt_counts() -> None:
    system = "x" * MOST_REQUEST_BYTES
    assert len(problems(asked(image()), ABLE, system=system)) == 1


LARGE = encoded(picture(2100, 40), "PNG")
REQUESTS: dict[str, list[tuple[bytes, int]]] = {
    "a little of each": [(b"words", 3), (pdf_of(2), 2), (LARGE, 3)],
    "20 large images": [(LARGE, 20)],
    "21 large images": [(LARGE, 21)],
    "100 images": [(encoded(picture(9, 9), "PNG"), 100)],
    "101 images": [(encoded(picture(9, 9), "PNG"), 101)],
    "100 pages": [(pdf_of(50), 2)],
    "101 pages": [(pdf_of(50), 2), (pdf_of(1), 1)],
    "600 pages": [(pdf_of(300), 2)],
    "601 pages": [(pdf_of(300), 2), (pdf_of(1), 1)],
    "32 MB": [(b"x" * 8_000_000, 4)],
    "34 MB": [(b"x" * 8_000_000, 4), (b"x" * 2_000_000, 1)],
    "quotes that become 34 MB": [(b'"' * 8_000_000, 2), (b'"' * 2_000_000, 1)],
}


def attached(content: bytes) -> tuple[dict[str, Any], bytes]:
    each = attach_bytes(content, "a")
    return stored_block(each.attachment), each.content


def unshrunk() -> tuple[dict[str, Any], bytes]:
    """Return an image as another program may have sent it: what is attached here is smaller."""
    source = {"type": "base64", "media_type": "image/png"}
    data = base64.b64encode(LARGE).decode()
    found = taken_out({"type": "image", "source": source | {"data": data}})
    assert found is not None
    found[0]["source"]["data"] |= {"width": 2100, "height": 40}
    return found


@pytest.mark.parametrize("described", [ABLE, SMALL, BLIND])
@pytest.mark.parametrize("name", REQUESTS)
def test_it_refuses_what_the_api_refuses_and_nothing_else(name: str, described: Model) -> None:
    stored, contents = [], {}
    for given, number in REQUESTS[name]:
        block, content = unshrunk() if given == LARGE else attached(given)
        contents[block["source"]["data"]["sha256"]] = content
        stored += [block] * number
    messages = asked(*stored)
    request = {"model": "x", "messages": with_contents(messages, contents)}
    is_refused = bool(list(media_errors(request, described.wire)))
    assert bool(problems(messages, described)) == is_refused
