from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from PIL import Image

from tests.attachments.files import encoded, opened, picture, png_bomb, webp_bomb
from tui.chat.attachments import image as reader
from tui.chat.attachments.content import CannotAttach
from tui.chat.attachments.image import read_image
from tui.domain.attachment import CURRENT_SIZE, OLDER_SIZE

FORMS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/png", "WEBP": "image/jpeg"}


def is_red(image: Image.Image, at: tuple[int, int]) -> bool:
    red, green, blue = image.convert("RGB").getpixel(at)  # type: ignore[misc]
    return bool(red > 200 and green < 60 and blue < 60)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_and_keeps_its_size_and_colours(form: str) -> None:
    content = read_image(encoded(picture(56, 84), form), "a")
    assert (content.media_type, content.width, content.height) == (FORMS[form], 56, 84)
    assert (content.kind, content.tokens, content.note) == ("image", 2 * 3, "")
    image = opened(content.data)
    assert image.size == (56, 84)
    assert is_red(image, (3, 3))
    assert not is_red(image, (50, 50))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_each_mode_can_be_sent(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    image = Image.new("I;16", (40, 40), 32_768) if mode == "I;16" else picture(40, 40, mode)
    content = read_image(encoded(image, form), "a")
    sent = opened(content.data)
    assert sent.mode in ("RGB", "RGBA")
    if mode == "I;16":
        assert sent.getpixel((20, 20)) == (128, 128, 128)


def test_a_transparent_image_stays_transparent() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    for form in ("PNG", "WEBP", "GIF"):
        content = read_image(encoded(image, form), "a")
        assert opened(content.data).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_it_is_upright_and_has_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: the camera was held upright
    exif[0x010E] = "where I live"
    for form in ("JPEG", "PNG", "WEBP"):
        data = encoded(picture(80, 40), form, exif=exif, comment=b"where I live")
        assert b"where I live" in data
        content = read_image(data, "a")
        image = opened(content.data)
        assert (image.size, content.width, content.height) == ((40, 80), 40, 80)
        # What was on the left above is on the right above.
        assert is_red(image, (37, 3))
        assert b"where I live" not in content.data
        assert not image.getexif()


def test_the_text_in_a_png_is_removed() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "where I live")
    data = encoded(picture(40, 40), "PNG", pnginfo=info)
    assert b"where I live" in data
    assert b"where I live" not in read_image(data, "a").data


@pytest.mark.parametrize("size", [(2600, 2200), (4000, 300), (300, 9000)])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_large_image_is_shrunk_to_what_a_model_reads(
    form: str, size: tuple[int, int]
) -> None:
    content = read_image(encoded(picture(*size), form), "a")
    assert content.width
    assert content.height
    assert max(content.width, content.height) <= 2000
    assert content.tokens <= CURRENT_SIZE.tokens
    assert abs(content.width / content.height / (size[0] / size[1]) - 1) < 0.02
    assert content.note == f"shrunk from {size[0]:,} × {size[1]:,}"
    image = opened(content.data)
    assert image.size == (content.width, content.height)
    assert is_red(image, (3, 3))


def test_it_can_be_shrunk_to_the_limits_of_an_older_model() -> None:
    content = read_image(encoded(picture(2000, 1900), "PNG"), "a", OLDER_SIZE)
    assert max(content.width or 0, content.height or 0) <= OLDER_SIZE.side
    assert content.tokens <= OLDER_SIZE.tokens


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_becomes_its_first_frame(form: str) -> None:
    first, second = picture(60, 60), Image.new("RGB", (60, 60), "green")
    data = encoded(first, form, save_all=True, append_images=[second])
    content = read_image(data, "a")
    assert content.note == "first frame"
    assert is_red(opened(content.data), (3, 3))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_png_that_stays_too_large_is_compressed_with_loss(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_IMAGE_BYTES", most := 200_000)
    noise = random.Random(1).randbytes(300 * 300 * len(mode))
    data = encoded(Image.frombytes(mode, (300, 300), noise), "PNG")
    assert len(base64.b64encode(data)) > most
    content = read_image(data, "a")
    assert content.media_type == {"RGB": "image/jpeg", "RGBA": "image/webp"}[mode]
    assert content.wire_size == len(base64.b64encode(content.data)) <= most


@pytest.mark.parametrize("bomb", [png_bomb, webp_bomb])
def test_an_image_bomb_is_refused_before_it_is_decoded(
    bomb: Callable[[int, int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(CannotAttach, match=r"^a\.png is too large: 50,000 × 50,000 pixels\. "):
        read_image(bomb(50_000, 50_000), "a.png")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"x" * 1000,
        b"\xff\xd8\xff\xe0garbage",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        encoded(picture(500, 500), "PNG")[:200],
        encoded(picture(500, 500), "JPEG")[:700],
        encoded(picture(500, 500), "GIF")[:300],
        encoded(picture(500, 500), "WEBP")[:100],
        png_bomb(3000, 3000),
    ],
    ids=lambda data: repr(data[:12]) + str(len(data)),
)
def test_a_damaged_image_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(CannotAttach) as refused:
        read_image(data, "a.png")
    assert str(refused.value) == "a.png is damaged: it cannot be read as an image."
