from __future__ import annotations

import errno
import json
import os
import socket
import threading
import tracemalloc
from pathlib import Path

import pytest

from tests.attachments.files import encoded, pdf, picture, png_bomb, written
from tests.conftest import wait_until
from tui.chat.attachments import attaching
from tui.chat.attachments.attaching import (
    Attached,
    attach,
    attach_all,
    attach_bytes,
    change_since,
    is_outside,
)
from tui.chat.attachments.content import CannotAttach, file_size
from tui.chat.attachments.file import why
from tui.domain.attached_block import sha256_of
from tui.domain.attachment import Kind

NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "words"]},
            {
                "cell_type": "code",
                "source": "print(1)",
                "outputs": [
                    {"output_type": "stream", "text": ["1\n"]},
                    {"output_type": "display_data", "data": {"image/png": "iVBO"}},
                    {"output_type": "execute_result", "data": {"text/plain": "2"}},
                    {"output_type": "error", "traceback": ["\x1b[31mNo\x1b[0m", "way"]},
                ],
            },
        ],
    }
)
CELLS = """\
# Cell 1 (markdown)

# Title
words

# Cell 2 (code)

print(1)

## Output
1

## Output
(image/png)

## Output
2

## Output
No
way"""


def refusal(typed: str | Path, folder: Path) -> str:
    """Return why a file is not attached: always one clean line."""
    with pytest.raises(CannotAttach) as refused:
        attach(str(typed), folder)
    line = str(refused.value)
    assert line.isprintable()
    assert len(line) < 250
    return line


@pytest.mark.parametrize(
    ("content", "kind", "media_type"),
    [
        (b"Just words.\n", "text", "text/plain"),
        (b"a,b\n1,2\n3,4\n", "table", "text/plain"),
        (NOTEBOOK.encode(), "notebook", "text/plain"),
        (encoded(picture(30, 30), "PNG"), "image", "image/png"),
        (encoded(picture(30, 30), "JPEG"), "image", "image/jpeg"),
        (encoded(picture(30, 30), "GIF"), "image", "image/png"),
        (encoded(picture(30, 30), "WEBP"), "image", "image/jpeg"),
        (pdf(2), "pdf", "application/pdf"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["a.png", "a.txt", "a.pdf", "a"])
def test_the_kind_is_told_by_the_content_and_never_by_the_name(
    tmp_path: Path, content: bytes, kind: Kind, media_type: str, name: str
) -> None:
    path = written(tmp_path / name, content)
    attached = attach(name, tmp_path)
    found = attached.attachment
    assert (found.kind, found.media_type, found.name) == (kind, media_type, name)
    assert found.original_size == len(content)
    assert found.sha256 == sha256_of(attached.content)
    assert found.size == len(attached.content)
    assert found.tokens
    assert attached.source is not None
    assert attached.source.path == path
    without_file = attach_bytes(content, name)
    assert (without_file.attachment, without_file.content) == (found, attached.content)


def test_a_pdf_and_a_text_are_kept_as_they_are(tmp_path: Path) -> None:
    data = pdf(3)
    written(tmp_path / "a.pdf", data)
    attached = attach("a.pdf", tmp_path)
    assert attached.content == data
    assert attached.attachment.pages == 3
    text = "Ein Text\r\nmit Ümläuten\n"
    written(tmp_path / "a.txt", text)
    assert attach("a.txt", tmp_path).content.decode() == text


def test_a_notebook_becomes_its_cells_and_what_they_printed(tmp_path: Path) -> None:
    written(tmp_path / "a.ipynb", NOTEBOOK)
    assert attach("a.ipynb", tmp_path).content.decode() == CELLS


@pytest.mark.parametrize(
    "text",
    [
        '{"nbformat": ' + "[" * 100_000,
        '{"nbformat": 4}',
        '{"nbformat": 4, "cells": 7}',
        '{"nbformat": "x", "cells": []}',
        '{"nbformat": 4, "cells": [1, null, "x"]}',
    ],
    ids=range(5),
)
def test_what_only_looks_like_a_notebook_is_a_text(tmp_path: Path, text: str) -> None:
    written(tmp_path / "a", text)
    attached = attach("a", tmp_path)
    assert (attached.attachment.kind, attached.content.decode()) == ("text", text)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("2", "two\n"),
        ("1-2", "one\ntwo\n"),
        ("2-", "two\nthree\n"),
        ("3-99", "three\n"),
    ],
)
def test_a_path_may_name_lines(tmp_path: Path, lines: str, text: str) -> None:
    written(tmp_path / "a b.txt", "one\ntwo\nthree")
    attached = attach(f"a b.txt:{lines}", tmp_path)
    assert attached.content.decode() == text
    assert attached.attachment.name == f"a b.txt:{lines}"


def test_lines_that_are_not_there(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "one\ntwo\n")
    written(tmp_path / "a.pdf", pdf(1))
    assert refusal("a.txt:4", tmp_path) == "a.txt has 2 lines, so not the line 4."
    assert refusal("a.txt:2-1", tmp_path) == "a.txt:2-1: the last line is before the first."
    assert refusal("a.txt:0", tmp_path) == "a.txt:0 is not there."
    assert refusal("a.pdf:1", tmp_path) == "a.pdf has no lines: it is not a text."
    assert refusal("b.txt:1", tmp_path) == "b.txt is not there."


def test_a_file_whose_name_ends_like_lines_comes_first(tmp_path: Path) -> None:
    written(tmp_path / "a", "one\n")
    written(tmp_path / "a:1", "another\n")
    assert attach("a:1", tmp_path).content == b"another\n"


def test_the_first_lines_of_a_huge_file_can_be_attached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "MOST_TEXT", 100_001)
    written(tmp_path / "log", "ü 10\n" * 99_999)
    assert refusal("log", tmp_path).startswith("log has 586 kB, and 98 kB can be attached.")
    assert attach("log:10-11", tmp_path).content.decode() == "ü 10\nü 10\n"
    beyond = "log is large: only its first 16,666 lines can be read."
    assert refusal("log:90000", tmp_path) == beyond
    assert refusal("log:10-", tmp_path) == beyond


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty."),
        (b" \n\t\n", "is empty."),
        (b"words\0and more", "is not a text, an image or a PDF."),
        (os.urandom(5000).replace(b"\n", b"") + b"\0\1", "is not a text, an image or a PDF."),
        (b"PK\x03\x04" + b"\0" * 50, "is a ZIP archive or an Office document, which a model"),
        (b"\0\0\0\x18ftypheic", "is a HEIC image, which a model does not read."),
        (b"SQLite format 3\0", "is an SQLite database, which a model does not read."),
        (b"%PDF-1.7\ngarbage", "is damaged: it cannot be read as a PDF."),
        (pdf(3)[:200], "is damaged: it cannot be read as a PDF."),
        (pdf(1, password="x"), "is encrypted. Save it without a password first."),
        (pdf(3_000), "has 3,000 pages, and a model takes 600. Split it first."),
        (pdf(0), "has no pages."),
        (png_bomb(50_000, 50_000), "is too large: 50,000 × 50,000 pixels."),
        (b"\x89PNG\r\n\x1a\nno", "is damaged: it cannot be read as an image."),
    ],
    ids=range(14),
)
def test_what_cannot_be_sent_is_refused_by_name(
    tmp_path: Path, content: bytes, words: str
) -> None:
    written(tmp_path / "x.txt", content)
    assert refusal("x.txt", tmp_path).startswith(f"x.txt {words}")
    with pytest.raises(CannotAttach, match=r"^x\.txt "):
        attach_bytes(content, "x.txt")


def test_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert refusal("socket", tmp_path).startswith("socket is a socket, and only files")
    assert refusal("pipe", tmp_path).startswith("pipe is a pipe, and only files")
    assert refusal("/dev/zero", tmp_path).startswith("zero is a device, and only files")
    assert refusal("no such file", tmp_path) == "no such file is not there."
    assert refusal("no\0such", tmp_path) == "no␀such is not a possible file name."
    assert refusal("x" * 5000, tmp_path).endswith("cannot be read: File name too long.")
    assert refusal("~nobody-here/x", tmp_path) == "~nobody-here/x is not there."
    written(tmp_path / "a", "x")
    assert refusal("a/b", tmp_path) == "b is not there."


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refusal("a", tmp_path) == "a is a link that leads back to itself."
    (tmp_path / "c").symlink_to("gone")
    assert refusal("c", tmp_path) == "c is not there."


def test_no_permission(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "x")
    path.chmod(0)
    if not os.access(path, os.R_OK):
        assert refusal("a", tmp_path) == "a cannot be read: you have no permission."
    # Root may read everything.
    refused = PermissionError(errno.EACCES, "Permission denied")
    assert why(refused) == "cannot be read: you have no permission"


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    for name, head in (("text", b"x" * 70_000), ("pdf", b"%PDF-1.7\n"), ("zeros", b"")):
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(4 * 1024**3)
    tracemalloc.start()
    try:
        for name in ("text", "pdf", "zeros"):
            assert refusal(name, tmp_path).startswith(f"{name} has 4.0 GB, and ")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2_000_000


def test_a_file_that_says_it_is_empty_and_never_ends(tmp_path: Path) -> None:
    """A file of /proc has the size 0, and may have any content."""
    path = Path("/proc/self/pagemap")
    if not os.access(path, os.R_OK):
        pytest.skip("there is no such file here")
    assert refusal(path, tmp_path).startswith("pagemap has 8.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", "a b"),
        ("a\x1b]52;c;eA==\x07b", "a␛]52;c;eA==␇b"),
        ("a\u202egnp.exe", "a�gnp.exe"),
        ("\u2066a", "�a"),
        ("\u200b", "file"),
        (os.fsdecode(b"a\xffb"), "a�b"),
        ("x" * 200, "x" * 50 + "…" + "x" * 49),
    ],
    ids=range(7),
)
def test_a_hostile_name_is_one_clean_line(tmp_path: Path, name: str, shown: str) -> None:
    written(tmp_path / name, "words\n")
    attached = attach(name, tmp_path)
    assert attached.attachment.name == shown
    written(tmp_path / name, b"")
    assert refusal(name, tmp_path) == f"{shown} is empty."


def test_likely_secrets_are_not_sent(tmp_path: Path, empty_home: Path) -> None:
    written(empty_home / ".ssh" / "id_ed25519", "key\n")
    written(tmp_path / "project" / ".env", "KEY=1\n")
    written(tmp_path / "ours" / "x", "key\n")
    (tmp_path / "link").symlink_to(empty_home / ".ssh" / "id_ed25519")
    for typed in ("~/.ssh/id_ed25519", "project/.env", "link", "~/.ssh"):
        assert "may have secrets" in refusal(typed, tmp_path)
    assert attach("ours/x", tmp_path).content == b"key\n"
    with pytest.raises(CannotAttach, match="may have secrets"):
        attach("ours/x", tmp_path, private=[tmp_path / "ours"])


def test_a_file_outside_of_the_folder_can_be_told(tmp_path: Path) -> None:
    inside = written(tmp_path / "project" / "a", "x")
    outside = written(tmp_path / "b", "x")
    (tmp_path / "project" / "link").symlink_to(outside)
    folder = tmp_path / "project"
    assert not is_outside(inside, folder)
    assert is_outside(outside, folder)
    assert is_outside(folder / "link", folder)


def test_a_file_that_changes_or_vanishes_is_sent_as_it_was_attached(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "before\n")
    attached = attach("a.txt", tmp_path)
    assert attached.source is not None
    assert change_since(attached.source, "a.txt") is None
    written(path, "afterwards\n")
    assert attached.content == b"before\n"
    assert (change_since(attached.source, "a.txt") or "").startswith("a.txt has changed since.")
    path.unlink()
    assert change_since(attached.source, "a.txt") == (
        "a.txt is not there now. It is sent as it was attached."
    )


async def test_several_files_at_once_each_with_its_own_result(tmp_path: Path) -> None:
    written(tmp_path / "a", "x")
    found = await attach_all(["a", "gone"], tmp_path)
    assert [str(each) for each in found if isinstance(each, CannotAttach)] == [
        "gone is not there."
    ]
    assert [each.attachment.name for each in found if isinstance(each, Attached)] == ["a"]


async def test_ten_thousand_files_are_too_many(tmp_path: Path) -> None:
    with pytest.raises(CannotAttach, match=r"^10,000 files are too many: 100 can be attached"):
        await attach_all([f"{n}" for n in range(10_000)], tmp_path)


async def test_files_that_fill_more_than_a_request_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "MOST_REQUEST_BYTES", 1_000)
    for number in range(6):
        written(tmp_path / str(number), f"{number}" * 240)
    found = await attach_all([str(number) for number in range(6)], tmp_path)
    assert [each.attachment.name for each in found if isinstance(each, Attached)] == [*"0123"]
    assert [str(each) for each in found if isinstance(each, CannotAttach)] == [
        f"{number} is too much: a request has at most 32 MB." for number in (4, 5)
    ]


async def test_a_read_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network folder whose server is gone."""
    may_end, has_ended = threading.Event(), threading.Event()

    def hung(*_: object, **__: object) -> Path:
        may_end.wait()
        has_ended.set()
        raise OSError

    monkeypatch.setattr(attaching, "LONGEST", 0.05)
    monkeypatch.setattr("os.path.realpath", hung)
    with pytest.raises(CannotAttach, match=r"^Reading a takes too long\. "):
        await attach_all(["a"], tmp_path)
    may_end.set()
    await wait_until(has_ended.is_set)


def test_sizes_are_written_for_people() -> None:
    sizes = [0, 999, 1000, 10_239, 999_999, 1_023_000, 5_500_000, 4 * 1024**3]
    assert [file_size(size) for size in sizes] == [
        *("0 B", "999 B", "1.0 kB", "10 kB", "977 kB", "999 kB", "5.2 MB", "4.0 GB")
    ]
