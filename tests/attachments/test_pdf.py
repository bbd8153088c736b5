from __future__ import annotations

import tracemalloc

import pytest

from tests.attachments.files import pdf
from tui.chat.attachments.content import CannotAttach
from tui.chat.attachments.pdf import MOST_PDF, read_pdf
from tui.domain.attachment import TOKENS_OF_A_PAGE

TREES = {
    "itself": "/Count 1 /Kids [2 0 R]",
    "twice": f"/Count 2 /Kids [{'2 0 R ' * 30}]",
    "no kids": "/Count 3",
    "a number": "/Count 3 /Kids 7",
    "huge": "/Count 99999999999999999999 /Kids []",
    "negative": "/Count -5 /Kids []",
    "text": "/Count (x) /Kids [(x)]",
}


def by_hand(pages: str) -> bytes:
    """Return a PDF with this tree of pages."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages {pages} >>"]
    body, at = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        at.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in at)
    return (
        f"{body}xref\n0 3\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    ).encode()


@pytest.mark.parametrize("pages", [1, 7, 600])
def test_its_pages_are_counted(pages: int) -> None:
    content = read_pdf(pdf(pages), "a")
    assert (content.pages, content.tokens) == (pages, pages * TOKENS_OF_A_PAGE)


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.timeout(20)
def test_a_hostile_tree_of_pages_is_refused(tree: str) -> None:
    with pytest.raises(CannotAttach, match=r"^a "):
        read_pdf(by_hand(TREES[tree]), "a")


def test_a_fault_that_can_be_repaired_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Without a log, Python would write it over the screen."""
    data = pdf(2).replace(b"startxref\n", b"startxref\n9")
    assert read_pdf(data, "a").pages == 2
    assert caplog.records == []


def test_a_large_pdf_takes_little_more_memory_than_it_has_bytes() -> None:
    data = pdf(1)
    data = data.replace(b"%%EOF", b"") + b"\n%" + b" " * (MOST_PDF - len(data) - 100)
    data += b"\n" + pdf(1)[-30:]
    tracemalloc.start()
    try:
        content = read_pdf(data, "a")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert content.data is data
    assert most < 2 * MOST_PDF
