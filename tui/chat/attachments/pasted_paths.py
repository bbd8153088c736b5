r"""Finds the paths in a paste or a drop, which terminals write in several ways.

Only a text that is nothing but paths counts, and only absolute ones: they begin with `/`,
`~/`, `file://`, a drive of Windows or `\\`. `candidates` returns what the text may mean, the
most literal first, and `offered` the first paths of which every file is there.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from tui.claude.preload import in_thread

LONGEST = 2.0
"""Seconds. A path may be on a network that does not answer."""
MOST_TEXT = 1024 * 1024
"""The longest paste that may be paths, in characters."""

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SHARE = re.compile(r"\\\\[^\\/\s]+[\\/]")
_BEGINNING = re.compile(r"""["']?(?:/|~/|file://|[A-Za-z]:[\\/]|\\\\[^\\/\s])|\$'/""")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b"}
_ANSI_C = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)

Paths = tuple[str, ...]
"""The paths that a text names, if it names paths. One with `~` is not expanded."""


def candidates(text: str) -> list[Paths]:
    """Return what a text may mean as paths, the most likely first; none if it is just text."""
    stripped = text.strip()
    if len(text) > MOST_TEXT or "\0" in text or not _BEGINNING.match(stripped):
        return []
    lines = [line.strip("\r") for line in stripped.split("\n")]
    found = (_as_lines(lines), _as_words(stripped), _as_wsl(lines))
    return list(dict.fromkeys(paths for paths in found if paths))


async def offered(text: str) -> Paths:
    """Return the paths of files that a text names and that are there; none if it is just text.

    Looks in a thread. After `LONGEST` seconds, the text is just text.
    """
    if not _BEGINNING.match(text.strip()):
        return ()
    try:
        async with asyncio.timeout(LONGEST):
            return await in_thread(lambda: _first_there(candidates(text)), name="paths")
    except TimeoutError:
        return ()


def _first_there(found: list[Paths]) -> Paths:
    return next((paths for paths in found if all(map(_is_there, paths))), ())


def _is_there(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        # A name that is too long, a user that is unknown, a character that has no bytes.
        return False


def quoted(path: str) -> str:
    """Return a path as `candidates` reads it back, whatever characters it has."""
    return shlex.quote(path)


def _as_lines(lines: list[str]) -> Paths:
    """Read one path a line, as a file manager copies them; spaces need no quotes."""
    # A list of URIs may have comments: https://www.rfc-editor.org/rfc/rfc2483#section-5.
    paths = [_path(line.strip()) for line in lines if line and not line.startswith("#")]
    return tuple(path for path in paths if path is not None) if None not in paths else ()


def _as_words(text: str) -> Paths:
    """Read the words of a shell, as terminals write what is dropped on them."""
    paths = []
    for word, is_quoted in _words(text):
        path = word if is_quoted and word.startswith(("/", "~/")) else _path(word)
        if path is None:
            return ()
        paths.append(path)
    return tuple(paths)


def _as_wsl(lines: list[str]) -> Paths:
    """Read paths of Windows as its subsystem for Linux mounts the drives."""
    paths = _as_lines(lines) if os.sep == "/" else ()
    if not paths or not all(map(_DRIVE.match, paths)):
        return ()
    drives = ((path[0].lower(), path[3:].replace("\\", "/")) for path in paths)
    return tuple(f"/mnt/{drive}/{rest}" for drive, rest in drives)


def _path(word: str) -> str | None:
    """Return the absolute path that a word names; None if it names none."""
    if len(word) > 2 and word[0] == word[-1] and word[0] in "\"'":
        word = word[1:-1]
    if word.startswith("file://"):
        return _of_url(word)
    is_path = word.startswith(("/", "~/")) or _DRIVE.match(word) or _SHARE.match(word)
    return word if is_path else None


def _of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # Anything else is another machine's, or a typing error.
    if parts.netloc not in ("", "localhost", os.uname().nodename if os.name == "posix" else ""):
        return None
    # Not `parts.path`, which ends at a `?` or `#` that somebody forgot to encode.
    encoded = url[len("file://") + len(parts.netloc) :]
    decoded = unquote_to_bytes(encoded)
    if b"\0" in decoded or not decoded.startswith(b"/"):
        return None
    path = os.fsdecode(decoded)
    return path[1:] if _DRIVE.match(path[1:]) else path


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a shell's line, and whether a part of each was quoted.

    Nothing is expanded. In an open quote, the rest of the text is one word. In a path of
    Windows, a backslash is a backslash.
    """
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word, is_quoted, at = _word(text, at)
        yield word, is_quoted


def _word(text: str, at: int) -> tuple[str, bool, int]:
    parts: list[str] = []
    is_windows = bool(_DRIVE.match(text, at) or _SHARE.match(text, at))
    is_quoted = False
    while at < len(text) and not text[at].isspace():
        if text.startswith("$'", at):
            part, at = _ansi_c(text, at + 2)
        elif text[at] == "'":
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            part, at = text[at + 1 : end], end + 1
        elif text[at] == '"':
            part, at = _double_quoted(text, at + 1)
        elif text[at] == "\\" and not is_windows and at + 1 < len(text):
            parts.append(text[at + 1])
            at += 2
            continue
        else:
            parts.append(text[at])
            at += 1
            continue
        is_quoted = True
        parts.append(part)
    return "".join(parts), is_quoted, at


def _double_quoted(text: str, at: int) -> tuple[str, int]:
    """Return what is in double quotes, and where the text goes on behind them."""
    is_windows = bool(_DRIVE.match(text, at) or _SHARE.match(text, at))
    parts: list[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and not is_windows and text[at + 1 : at + 2] in tuple('"\\$`'):
            at += 1
        parts.append(text[at : at + 1])
        at += 1
    return "".join(parts), at + 1


def _ansi_c(text: str, at: int) -> tuple[str, int]:
    """Return what is in `$'…'`, as shells write names with control characters."""
    end = at
    while end < len(text) and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    raw = text[at:end]
    # In bytes, because a character may be written as several of them.
    pieces: list[bytes] = []
    last = 0
    for match in _ANSI_C.finditer(raw):
        pieces.append(os.fsencode(raw[last : match.start()]))
        last = match.end()
        if match[3] is None:
            pieces.append(bytes([int(match[1] or match[2], 16 if match[1] else 8) & 0xFF]))
        else:
            pieces.append(os.fsencode(_ESCAPES.get(match[3], match[3])))
    pieces.append(os.fsencode(raw[last:]))
    return os.fsdecode(b"".join(pieces)), end + 1
