"""What the Messages API accepts of images and documents.

It looks into their bytes. This module knows nothing about the code under test.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterator

from PIL import Image
from pypdf import PdfReader

from tests.scripted import Json

MEGABYTE = 1024 * 1024
FORMS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}


def media_errors(request: Json, described: Json) -> Iterator[str]:
    """Yield why the API would refuse a request's images and documents.

    `described` is the model as the Models API describes it.
    """
    if len(json.dumps(request, ensure_ascii=False).encode()) > 32 * MEGABYTE:
        yield "Request exceeds the maximum size"
        return
    found = list(_media(request["messages"]))
    images = [each for each in found if each[1]["type"] == "image"]
    most = 100 if described.get("max_input_tokens", 10**6) <= 200_000 else 600
    if len(images) > most:
        yield f"messages: too many images: {len(images)} > {most}"
    side = 2000 if len(images) > 20 else 8000
    pages = 0
    for where, each in found:
        error, its_pages = _looked_into(each, side)
        pages += its_pages
        ability = "image_input" if each["type"] == "image" else "pdf_input"
        can = (described.get("capabilities") or {}).get(ability, {"supported": True})
        if each["source"]["type"] == "base64" and not can["supported"]:
            error = f"this model does not support {ability}"
        if error:
            yield f"{where}: {error}"
    if pages > most:
        yield f"messages: A maximum of {most} PDF pages may be provided"


def _media(messages: list[Json]) -> Iterator[tuple[str, Json]]:
    for at, message in enumerate(messages):
        for number, each in enumerate(message["content"]):
            if each["type"] in ("image", "document"):
                yield f"messages.{at}.content.{number}", each


def _looked_into(each: Json, side: int) -> tuple[str, int]:
    """Return why a block is refused, and its number of pages."""
    source = each["source"]
    if source.keys() != {"type", "media_type", "data"} or not isinstance(source["data"], str):
        return "source: Extra inputs are not permitted, or missing", 0
    match each["type"], source["type"], source["media_type"]:
        case "document", "text", "text/plain":
            return ("" if source["data"].strip() else "the document is empty"), 0
        case "document", "base64", "application/pdf":
            return _of_pdf(source["data"])
        case "image", "base64", media_type:
            return _of_image(source["data"], media_type, side), 0
        case _:
            return "source: Input tag does not match any of the expected tags", 0


def _of_image(data: str, media_type: str, side: int) -> str:
    if len(data) > 10 * MEGABYTE:
        return "image exceeds 10 MB maximum"
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        image.load()
    except (binascii.Error, OSError, SyntaxError):
        return "Could not process image"
    if FORMS.get(image.format or "") != media_type:
        return f"the image is {image.format}, and not {media_type}"
    if max(image.size) > side:
        return f"image_dimensions_too_large: {image.size} > {side}"
    return ""


def _of_pdf(data: str) -> tuple[str, int]:
    try:
        reader = PdfReader(io.BytesIO(base64.b64decode(data, validate=True)))
        if reader.is_encrypted:
            return "The PDF is password protected", 0
        return "", len(reader.pages)
    except Exception:  # noqa: BLE001 - whatever its parser raises
        return "The PDF specified was not valid", 0
