"""Looks into a PDF: how many pages it has, and whether the API can read it.

The bytes are sent as they are.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

from tui.chat.attachments.content import CannotAttach, Content
from tui.domain.attachment import PDF_TYPE, TOKENS_OF_A_PAGE
from tui.domain.request_limits import MOST_ITEMS, MOST_REQUEST_BYTES

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PDF = MOST_REQUEST_BYTES // 4 * 3
"""The bytes whose base64 fills a request."""


def read_pdf(data: bytes, name: str) -> Content:
    """Return a PDF as it is sent. Raises `CannotAttach`."""
    from pypdf import PdfReader

    # It warns of every fault that it repairs, on the terminal.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        pages = None if reader.is_encrypted else _pages(reader)
    except Exception as error:
        # Any exception: a damaged file makes its parser raise more than its own errors.
        raise CannotAttach(f"{name} is damaged: it cannot be read as a PDF.") from error
    if pages is None:
        raise CannotAttach(f"{name} is encrypted. Save it without a password first.")
    if pages == 0:
        raise CannotAttach(f"{name} has no pages.")
    if pages > MOST_ITEMS:
        raise CannotAttach(
            f"{name} has {pages:,} pages, and a model takes {MOST_ITEMS}. Split it first."
        )
    return Content(data, "pdf", PDF_TYPE, pages * TOKENS_OF_A_PAGE, pages=pages)


def _pages(reader: PdfReader) -> int:
    """Return the number of pages: as the file says, or counted if that may be true."""
    root: Any = reader.root_object["/Pages"]
    said = root.get("/Count")
    # Counting thousands takes long, and needs a part of the memory for each.
    if isinstance(said, int) and said > MOST_ITEMS:
        return said
    return len(reader.pages)
