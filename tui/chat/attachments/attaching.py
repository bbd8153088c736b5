"""Attaches files: finds out what each one is, and reads it, in a thread and within limits."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.chat.attachments.content import CannotAttach, Content, shown_name
from tui.chat.attachments.file import (
    Identity,
    SizeLimit,
    identity_of,
    read_file,
    too_large,
    why,
)
from tui.chat.attachments.folder import read_folder
from tui.chat.attachments.image import MOST_IMAGE_FILE, read_image
from tui.chat.attachments.pdf import MOST_PDF, read_pdf
from tui.chat.attachments.plain_text import MOST_TEXT, LineRange, read_text
from tui.chat.attachments.signatures import signature
from tui.claude.preload import in_thread, without_garbage_collection
from tui.domain.attached_block import sha256_of
from tui.domain.attachment import Attachment
from tui.domain.request_limits import MOST_REQUEST_BYTES

MOST_AT_ONCE = 100
"""Files that can be attached in one step."""
LONGEST = 30.0
"""Seconds for all files of one step. A network folder may never answer."""

_LINES = re.compile(
    r"(?P<path>.+):(?P<first>[1-9]\d{0,8})(?P<to>-(?P<last>[1-9]\d{0,8})?)?", re.DOTALL
)
_SECRET_FOLDERS = (".ssh", ".gnupg", ".aws")
_SECRET_FILES = (".env", ".netrc", ".pgpass")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attachment came from, to notice that the file has changed since."""

    path: Path
    identity: Identity


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment with its bytes."""

    attachment: Attachment
    content: bytes
    source: Source | None = None
    """None if it did not come from a file."""


async def attach_all(
    paths: Sequence[str], folder: Path, *, private: Collection[Path] = ()
) -> list[Attached | CannotAttach]:
    """Read files in a thread; return an attachment for each, or why there is none.

    A path may name lines, such as `notes.txt:10-40`, or a folder. A relative one is below
    `folder`. What is in the folders of `private` is refused. Raises `CannotAttach` if they
    are too many, or take too long.
    """
    if len(paths) > MOST_AT_ONCE:
        raise CannotAttach(
            f"{len(paths):,} files are too many: {MOST_AT_ONCE} can be attached at once."
            " Attach their folder instead, or fewer of them."
        )
    try:
        async with asyncio.timeout(LONGEST):
            return await in_thread(
                lambda: without_garbage_collection(lambda: list(_each(paths, folder, private))),
                name="attach",
            )
    except TimeoutError:
        names = shown_name(Path(paths[0]).name) if len(paths) == 1 else f"{len(paths)} files"
        raise CannotAttach(f"Reading {names} takes too long. Copy them here first.") from None


def _each(
    paths: Sequence[str], folder: Path, private: Collection[Path]
) -> Iterator[Attached | CannotAttach]:
    left = MOST_REQUEST_BYTES
    for path in paths:
        try:
            attached = attach(path, folder, private=private)
            left -= attached.attachment.wire_size
            if left < 0:
                name = attached.attachment.name
                raise CannotAttach(f"{name} is too much: a request has at most 32 MB.")  # noqa: TRY301 - told with the others
        except CannotAttach as error:
            left = max(left, 0)
            yield error
        else:
            yield attached


def attach(typed: str, folder: Path, *, private: Collection[Path] = ()) -> Attached:
    """Read one file or folder. Blocks. Raises `CannotAttach`; see `attach_all`."""
    path, lines = _split(typed, folder)
    name = shown_name(path.name or str(path))
    try:
        real = Path(os.path.realpath(path, strict=True))
        found = real.stat()
    except (OSError, ValueError) as error:
        raise CannotAttach(f"{name} {why(error)}.") from error
    _check_is_public(real, name, private)
    if stat.S_ISDIR(found.st_mode):
        content, size = read_folder(real, name)
        return _attached(content, name, size, Source(real, identity_of(found)))
    file = read_file(real, _limit, may_cut=lines is not None)
    content = content_of(file.data, name, lines, is_truncated=file.is_truncated)
    named = name if lines is None else f"{name}:{lines}"
    return _attached(content, named, file.size, Source(real, file.identity))


def attach_bytes(content: bytes, name: str) -> Attached:
    """Read what did not come from a file, such as a clipboard. Raises `CannotAttach`."""
    name = shown_name(name)
    if len(content) > (limit := _limit(content)).bytes:
        raise CannotAttach(too_large(name, len(content), limit))
    return _attached(content_of(content, name), name, len(content), None)


def content_of(
    data: bytes, name: str, lines: LineRange | None = None, *, is_truncated: bool = False
) -> Content:
    """Return what the bytes of a file become, by what they are. Raises `CannotAttach`."""
    if not data:
        raise CannotAttach(f"{name} is empty.")
    kind, words = signature(data)
    if lines is not None and kind != "text":
        raise CannotAttach(f"{name} has no lines: it is not a text.")
    match kind:
        case "image":
            return read_image(data, name)
        case "pdf":
            return read_pdf(data, name)
        case "foreign":
            raise CannotAttach(
                f"{name} is {words}, which a model does not read."
                " Save it as a text, a PDF, a PNG or a JPEG."
            )
        case "text":
            return read_text(data, name, lines, is_truncated=is_truncated)


def change_since(source: Source, name: str) -> str | None:
    """Return what has happened to a file since it was attached; None if nothing has. Blocks.

    Nothing is lost then: what is sent is the file as it was attached.
    """
    try:
        is_same = identity_of(source.path.stat()) == source.identity
    except (OSError, ValueError) as error:
        return f"{name} {why(error)} now. It is sent as it was attached."
    if is_same:
        return None
    return (
        f"{name} has changed since. It is sent as it was attached; attach it again if needed."
    )


def is_outside(path: Path, folder: Path) -> bool:
    """Return whether a file is outside of a folder, with every link resolved. Blocks."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _limit(head: bytes) -> SizeLimit:
    kind, _ = signature(head)
    match kind:
        case "image":
            return SizeLimit(MOST_IMAGE_FILE, "Make it smaller first.")
        case "pdf":
            return SizeLimit(MOST_PDF, "Split it first.")
        case _:
            return SizeLimit(MOST_TEXT, "Name its first lines, such as :1-500.")


def _split(typed: str, folder: Path) -> tuple[Path, LineRange | None]:
    """Return the path, and the lines behind it, unless a file has such a name."""
    path = _expanded(typed, folder)
    match = _LINES.fullmatch(typed)
    if match is None or os.path.lexists(path):
        return path, None
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else None if match["to"] else first
    if last is not None and last < first:
        raise CannotAttach(f"{shown_name(path.name)}: the last line is before the first.")
    return _expanded(match["path"], folder), LineRange(first, last)


def _expanded(typed: str, folder: Path) -> Path:
    try:
        path = folder / Path(typed).expanduser()
        os.fsencode(path)
    except (RuntimeError, ValueError) as error:
        # There is no such user, or the name cannot be encoded.
        raise CannotAttach(f"{shown_name(typed)} is not there.") from error
    if "\0" in typed:
        raise CannotAttach(f"{shown_name(typed)} is not a possible file name.")
    return path


def _check_is_public(real: Path, name: str, private: Collection[Path]) -> None:
    """Refuse what is likely a key. Such a file is attached by mistake, or by a trick."""
    home = Path(os.path.realpath(Path.home()))
    folders = [*(home / each for each in _SECRET_FOLDERS), *private]
    is_secret = real.name in _SECRET_FILES or any(
        real.is_relative_to(os.path.realpath(folder)) for folder in folders
    )
    if is_secret:
        raise CannotAttach(f"{name} may have secrets, so it is not sent. Copy what you need.")


def _attached(content: Content, name: str, size: int, source: Source | None) -> Attached:
    attachment = Attachment(
        sha256=sha256_of(content.data),
        name=name,
        kind=content.kind,
        media_type=content.media_type,
        size=len(content.data),
        wire_size=content.wire_size,
        original_size=size,
        tokens=content.tokens,
        width=content.width,
        height=content.height,
        pages=content.pages,
        note=content.note,
    )
    return Attached(attachment, content.data, source)
