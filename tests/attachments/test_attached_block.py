from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.chat.attachments.attaching import attach_bytes
from tui.domain.attached_block import (
    ContentMissing,
    attachment_of,
    attachments_in,
    sha256_of,
    stored_block,
    taken_out,
    text_wire_size,
    wire_block,
    with_contents,
)
from tui.domain.attachment import (
    CURRENT_SIZE,
    IMAGE_TYPES,
    KINDS,
    OLDER_SIZE,
    Attachment,
    base64_size,
    fitted,
    image_size_limit,
    image_tokens,
    patches,
    text_tokens,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
COUNTS = st.integers(0, 2**53 - 1)


@st.composite
def attached(draw: st.DrawFn) -> tuple[Attachment, bytes]:
    """Return any attachment with its bytes."""
    kind = draw(st.sampled_from(KINDS))
    is_text = kind not in ("image", "pdf")
    content = draw(TEXTS).encode() if is_text else draw(st.binary(max_size=200))
    media_type = "text/plain" if is_text else "application/pdf"
    if kind == "image":
        media_type = draw(st.sampled_from(IMAGE_TYPES))
    wire_size = text_wire_size(content.decode()) if is_text else base64_size(len(content))
    optional = st.none() | COUNTS
    return (
        Attachment(
            sha256_of(content),
            draw(TEXTS),
            kind,
            media_type,
            len(content),
            wire_size,
            draw(COUNTS),
            draw(optional),
            width=draw(optional),
            height=draw(optional),
            pages=draw(optional),
            note=draw(TEXTS),
        ),
        content,
    )


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(attached())
def test_a_stored_block_has_all_of_an_attachment_and_becomes_its_wire(
    each: tuple[Attachment, bytes],
) -> None:
    attachment, content = each
    stored = json.loads(json.dumps(stored_block(attachment)))
    assert attachment_of(stored) == attachment
    wire = wire_block(stored, {attachment.sha256: content})
    data = wire["source"]["data"]
    assert (
        data.encode() if attachment.media_type == "text/plain" else base64.b64decode(data)
    ) == (content)
    again = wire_block(json.loads(json.dumps(stored)), {attachment.sha256: content})
    assert json.dumps(again) == json.dumps(wire)
    sent = json.dumps(data, ensure_ascii=False).encode()
    assert attachment.wire_size == len(sent) - 2


def test_the_wire_of_each_kind_byte_for_byte() -> None:
    text = attach_bytes(b'Say "hi"\n', "a.txt")
    block = wire_block(stored_block(text.attachment), {text.attachment.sha256: text.content})
    assert json.dumps(block) == (
        '{"type": "document", "source": {"type": "text", "media_type": "text/plain",'
        ' "data": "Say \\"hi\\"\\n"}, "title": "a.txt"}'
    )
    image = Attachment("0" * 64, "a", "image", "image/png", 3, 4, 3, 1, width=1, height=1)
    assert json.dumps(wire_block(stored_block(image), {"0" * 64: b"abc"})) == (
        '{"type": "image", "source": {"type": "base64", "media_type": "image/png",'
        ' "data": "YWJj"}}'
    )
    pdf = Attachment("0" * 64, "a.pdf", "pdf", "application/pdf", 3, 4, 3, 1, pages=1)
    assert json.dumps(wire_block(stored_block(pdf), {"0" * 64: b"abc"})) == (
        '{"type": "document", "source": {"type": "base64", "media_type": "application/pdf",'
        ' "data": "YWJj"}, "title": "a.pdf"}'
    )


@pytest.mark.parametrize("size", [786_431, 786_432, 786_433, 2_000_000])
def test_large_bytes_are_the_same_base64(size: int) -> None:
    content = random.Random(1).randbytes(size)
    attachment = Attachment("0" * 64, "a", "pdf", "application/pdf", size, 1, size)
    wire = wire_block(stored_block(attachment), {"0" * 64: content})
    assert wire["source"]["data"] == base64.b64encode(content).decode()


@st.composite
def wire_blocks(draw: st.DrawFn) -> dict[str, Any]:
    """Return a block of the wire that may have bytes, with any other fields around them."""
    data: st.SearchStrategy[Any] = (
        TEXTS | st.binary(max_size=60).map(lambda each: base64.b64encode(each).decode()) | JSON
    )
    source = {
        "type": draw(st.sampled_from(["base64", "text", "url", "file"])),
        "media_type": draw(
            st.sampled_from([*IMAGE_TYPES, "application/pdf", "text/plain", "x"])
        ),
        "data": draw(data),
    }
    fields = {
        "type": draw(st.sampled_from(["image", "document", "text"])),
        "source": draw(st.sampled_from([source, dict(reversed(source.items())), None, "x"])),
        "cache_control": {"type": "ephemeral"},
        "title": draw(TEXTS | st.none()),
    }
    return {name: fields[name] for name in draw(st.permutations(list(fields)))}


@given(wire_blocks())
@example(
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YR=="}}
)
def test_what_is_taken_out_comes_back_byte_for_byte(block: dict[str, Any]) -> None:
    before = json.dumps(block)
    found = taken_out(block)
    assert json.dumps(block) == before
    if found is None:
        return
    stored, content = found
    attachment = attachment_of(stored)
    assert attachment is not None
    assert attachment.sha256 == sha256_of(content)
    stored = json.loads(json.dumps(stored))
    assert json.dumps(wire_block(stored, {attachment.sha256: content})) == before


def test_bytes_are_taken_out_of_each_kind_of_block() -> None:
    for kind, form, media_type, data in (
        ("image", "base64", "image/png", "YWJj"),
        ("document", "base64", "application/pdf", "YWJj"),
        ("document", "text", "text/plain", "words"),
    ):
        source = {"type": form, "media_type": media_type, "data": data}
        found = taken_out({"type": kind, "source": source, "title": "a"})
        assert found is not None
        assert data not in json.dumps(found[0])


@given(JSON)
def test_a_malformed_reference_is_none_and_the_block_stays(reference: Any) -> None:
    block = {"type": "image", "source": {"media_type": "image/png", "data": reference}}
    assert attachment_of(block) is None
    assert wire_block(block, {}) is block


@pytest.mark.parametrize(
    ("name", "value"),
    [("sha256", "x"), ("sha256", 7), ("kind", "x"), ("size", -1), ("name", None), ("note", 7)],
)
def test_a_reference_with_a_wrong_field_is_none(name: str, value: object) -> None:
    block = stored_block(attach_bytes(b"words", "a").attachment)
    assert attachment_of(block) is not None
    block["source"]["data"][name] = value
    assert attachment_of(block) is None


def test_only_a_question_refers_to_bytes() -> None:
    """An endpoint must not get files by sending references in a reply."""
    each = attach_bytes(b"words", "a")
    block = stored_block(each.attachment)
    messages = [{"role": role, "content": [block]} for role in ("user", "assistant")]
    assert list(attachments_in(messages)) == [each.attachment]
    sent = with_contents(messages, {each.attachment.sha256: each.content})
    assert sent[0]["content"][0]["source"]["data"] == "words"
    assert sent[1] == messages[1]


def test_lost_bytes_are_named() -> None:
    block = stored_block(attach_bytes(b"words", "a.txt").attachment)
    with pytest.raises(ContentMissing, match=r"^The content of a\.txt is no longer in"):
        wire_block(block, {})


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((28, 28), 1),
        ((29, 28), 2),
        ((200, 200), 64),
        ((1000, 1000), 1296),
        ((1092, 1092), 1521),
    ],
)
def test_an_image_costs_a_token_for_each_28_pixels_square(
    size: tuple[int, int], tokens: int
) -> None:
    assert image_tokens(*size) == tokens


@given(
    st.integers(1, 60_000), st.integers(1, 60_000), st.sampled_from([CURRENT_SIZE, OLDER_SIZE])
)
def test_an_image_is_shrunk_as_little_as_needed(width: int, height: int, limit: Any) -> None:
    new = fitted(width, height, limit)
    assert max(new) <= limit.side
    assert patches(*new) <= limit.tokens
    assert new[0] <= width
    assert new[1] <= height
    is_small = max(width, height) <= limit.side and patches(width, height) <= limit.tokens
    assert (new == (width, height)) == is_small
    assert is_small or max(new) > 0.97 * limit.side or patches(*new) > 0.9 * limit.tokens


@pytest.mark.parametrize(
    ("model", "is_older"),
    [
        ("claude-sonnet-5-5", False),
        ("claude-fable-5-2", False),
        ("claude-opus-4-7", False),
        ("claude-opus-4-8", False),
        ("claude-opus-5", False),
        ("claude-opus-4-6", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-haiku-4-5", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-3-opus-20240229", True),
        ("another", False),
    ],
)
def test_older_models_read_smaller_images(model: str, is_older: bool) -> None:  # noqa: FBT001
    assert (image_size_limit(model) == OLDER_SIZE) == is_older


def test_the_tokens_of_a_text_depend_on_its_alphabet() -> None:
    assert text_tokens("") == 0
    assert text_tokens("a" * 320) == 100
    assert text_tokens("漢" * 100_000) == 100_000
