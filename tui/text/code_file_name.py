"""Suggests a file name for a code block, from the text of the reply.

Pure. A suggestion is always safe: a relative path of printable characters, without `..`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_SUFFIXES: Final = {
    "": "txt",
    **dict.fromkeys(("bash", "console", "sh", "shell", "shell-session", "zsh"), "sh"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("c++", "cc", "cpp", "cxx", "hpp"), "cpp"),
    **dict.fromkeys(("c#", "cs", "csharp"), "cs"),
    **dict.fromkeys(("html", "htm", "xhtml"), "html"),
    **dict.fromkeys(("javascript", "js", "mjs", "node"), "js"),
    **dict.fromkeys(("kotlin", "kt"), "kt"),
    **dict.fromkeys(("markdown", "md"), "md"),
    **dict.fromkeys(("diff", "patch"), "patch"),
    **dict.fromkeys(("perl", "pl"), "pl"),
    **dict.fromkeys(("powershell", "ps1", "pwsh"), "ps1"),
    **dict.fromkeys(("py", "py3", "python", "python3"), "py"),
    **dict.fromkeys(("rb", "ruby"), "rb"),
    **dict.fromkeys(("rs", "rust"), "rs"),
    **dict.fromkeys(("latex", "tex"), "tex"),
    **dict.fromkeys(("ts", "typescript"), "ts"),
    **dict.fromkeys(("yaml", "yml"), "yaml"),
    **{
        name: name
        for name in (
            *("bat", "cfg", "clj", "conf", "css", "csv", "dart", "env", "erl", "ex", "go"),
            *("graphql", "hs", "ini", "java", "json", "jsonl", "jsx", "lua", "nix", "php"),
            *("proto", "r", "scala", "scss", "sql", "svg", "swift", "tf", "toml", "tsx"),
            *("txt", "vim", "vue", "xml", "zig"),
        )
    },
}
"""The suffix of a language's files, by the names that fences use for it."""

_FILE_NAMES: Final = {
    **dict.fromkeys(("docker", "dockerfile"), "Dockerfile"),
    **dict.fromkeys(("make", "makefile"), "Makefile"),
}
"""The names of the files of languages that have no suffix."""

_LONGEST: Final = 120
"""The longest path that is suggested, in characters: nobody writes longer file names."""

_TITLE: Final = re.compile(
    r"""(?i:file|filename|file_name|name|path|title)\s*[=:]\s*["']?([^"'\s}]+)"""
)
_COMMENT: Final = re.compile(
    r"""\s*(?:\#|//|/\*+|<!--|--|;|%)\s*(?i:file(?:name)?\s*:\s*)?(\S+?)\s*(?:\*/|-->)?\s*"""
)
_NAME: Final = re.compile(r"(?<![\w.@:/\\-])[\w.][\w.+@/-]*\.[A-Za-z][\w+]{0,9}(?![\w/@])")
_PART: Final = re.compile(r"[\w.+@() -]+")


def suggested_name(info: str, code: str, before: str) -> str:
    """Return the path to suggest for a block of code.

    `info` is the fence's info string, and `before` the text right before the block. A name
    in `info` comes first, then one in the first line of the code, then the last one in
    `before`. Without any, the path is `reply` with the suffix of the language.
    """
    for candidate in _candidates(info, code, before):
        if (path := safe_path(candidate)) is not None and _has_ending(path):
            return path
    language = _language(info)
    return _FILE_NAMES.get(language) or f"reply.{_SUFFIXES.get(language, 'txt')}"


def _candidates(info: str, code: str, before: str) -> Iterator[str]:
    if titled := _TITLE.search(info):
        yield titled[1]
    for word in info.split():
        # Such as `python:src/app.py`, or the name alone.
        yield word.rpartition(":")[2]
    if comment := _COMMENT.fullmatch(code.partition("\n")[0][: 2 * _LONGEST]):
        yield comment[1]
    last_line = before.rstrip().rpartition("\n")[2][-4 * _LONGEST :]
    yield from reversed(_NAME.findall(last_line))


def safe_path(text: str) -> str | None:
    """Return a path from a reply as a safe relative path; None if that is not possible.

    Only the last part of an absolute path is used.
    """
    text = text.strip(" `'\"*,;")
    parts = [part for part in re.split(r"[/\\]", text) if part not in ("", ".")]
    if text[:1] in ("/", "\\", "~") or ":" in text:
        parts = parts[-1:]
    path = "/".join(parts)
    if not parts or len(path) > _LONGEST or not path.isprintable():
        return None
    return path if all(map(_is_safe, parts)) else None


def _is_safe(part: str) -> bool:
    is_name = _PART.fullmatch(part) is not None and part.strip(" .") != ""
    return is_name and part[0] not in "- " and part[-1] not in ". "


def _has_ending(path: str) -> bool:
    name = path.rpartition("/")[2]
    # Any dotted word would match, such as `e.g`: only known suffixes count.
    suffix = name.rpartition(".")[2].lower() if "." in name[:-1] else ""
    return name in _FILE_NAMES.values() or suffix in _KNOWN_SUFFIXES


_KNOWN_SUFFIXES: Final = {
    *filter(None, _SUFFIXES),
    *_SUFFIXES.values(),
    *("gitignore", "gradle", "lock", "log", "mk", "pyi", "rst", "sass", "service", "tsv"),
}


def _language(info: str) -> str:
    words = re.split(r"[\s{:,]", info.strip().lower(), maxsplit=1)
    return words[0].lstrip(".")
