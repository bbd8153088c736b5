"""Makes an image ready to be sent: upright, without metadata, no larger than a model reads."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from tui.chat.attachments.content import MEGABYTE, CannotAttach, Content
from tui.domain.attachment import CURRENT_SIZE, ImageSize, base64_size, fitted, patches
from tui.domain.request_limits import MOST_IMAGE_BYTES, MOST_SIDE_OF_MANY

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_IMAGE_FILE = 64 * MEGABYTE

_JPEGS = ("JPEG", "MPO")
"""The second has several images, such as a phone's photo with its thumbnail."""
_MOST_PIXELS = 50_000_000
"""200 MB while it is decoded."""
_MOST_PIXELS_SCALED = 150_000_000
"""The same for a JPEG, which is decoded at a part of its size."""

_SIZE = ImageSize(min(CURRENT_SIZE.side, MOST_SIDE_OF_MANY), CURRENT_SIZE.tokens)
"""No larger than an image may be in a request with many: the twenty-first image would
otherwise make the earlier ones too large, and those must not change any more."""


def read_image(data: bytes, name: str, limit: ImageSize = _SIZE) -> Content:
    """Return an image as it is sent. Raises `CannotAttach`.

    Of an animation, it is the first frame. `limit` is the size to which it is shrunk.
    """
    # Pillow refuses and warns by a limit of its own, which is for the whole process.
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    _check_pixels(name, *_webp_size(data), _MOST_PIXELS)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
            is_scaled = image.format in _JPEGS and not image.info.get("progressive")
            _check_pixels(name, *image.size, _MOST_PIXELS_SCALED if is_scaled else _MOST_PIXELS)
            return _prepared(image, limit)
    except CannotAttach:
        raise
    except MemoryError:
        raise CannotAttach(f"{name} is too large for this machine's memory.") from None
    except Exception as error:
        # Any exception: decoders of damaged data raise more than Pillow's own errors.
        raise CannotAttach(f"{name} is damaged: it cannot be read as an image.") from error


def _check_pixels(name: str, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise CannotAttach(
            f"{name} is too large: {width:,} × {height:,} pixels. Make it smaller first."
        )


def _prepared(image: Image, limit: ImageSize) -> Content:
    from PIL import ImageOps

    is_jpeg, original = image.format in _JPEGS, image.size
    is_lossy = is_jpeg or (image.format == "WEBP" and not _has_alpha(image))
    is_animated = not is_jpeg and bool(getattr(image, "is_animated", False))
    if is_jpeg:
        # Decodes it at a half, a quarter or an eighth if that is still large enough.
        image.draft(None, (limit.side, limit.side))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    size = fitted(*image.size, limit)
    plain = _plain(image)
    if size != plain.size:
        plain = plain.resize(size, reducing_gap=3.0)
    # What is left of the file's metadata would be saved again.
    plain.info.clear()
    data, media_type = _encoded(plain, is_lossy=is_lossy)
    notes = ["first frame"] if is_animated else []
    if max(size) < max(original):
        notes.append(f"shrunk from {original[0]:,} × {original[1]:,}")
    return Content(
        data,
        "image",
        media_type,
        patches(*size),
        width=size[0],
        height=size[1],
        note=", ".join(notes),
    )


def _has_alpha(image: Image) -> bool:
    return "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info


def _plain(image: Image) -> Image:
    """Return an image in a mode that every format has; the same image if it is in one."""
    if image.mode.startswith("I"):
        # Sixteen bits a pixel: a mere conversion would cut the bright half.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if _has_alpha(image) else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _encoded(image: Image, *, is_lossy: bool) -> tuple[bytes, str]:
    """Return the bytes and the media type of an image; a large PNG becomes a JPEG or WebP."""
    compressed = "WEBP" if image.mode == "RGBA" else "JPEG"
    tries = [(compressed, 90), (compressed, 50)]
    data, form = b"", ""
    for form, quality in tries if is_lossy else [("PNG", 0), *tries]:
        file = io.BytesIO()
        image.save(file, form, quality=quality)
        data = file.getvalue()
        if base64_size(len(data)) <= MOST_IMAGE_BYTES:
            break
    return data, f"image/{form.lower()}"


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size that a WebP file says it has; zeros if it is none.

    Its decoder takes the memory for all pixels when the file is opened.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return 0, 0
    match data[12:16]:
        case b"VP8X":
            return tuple(int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))  # type: ignore[return-value]
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return 0, 0
