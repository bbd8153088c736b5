from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.attachments.files import written
from tui.chat.attachments.pasted_paths import MOST_TEXT, candidates, offered, quoted

NAMES = st.text(
    st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20
)
PATHS = NAMES.map(lambda name: f"/{name}")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/tmp/a.txt", ["/tmp/a.txt"]),
        ("  /tmp/a.txt \n", ["/tmp/a.txt"]),
        ("/tmp/a b.txt", ["/tmp/a b.txt"]),
        ("'/tmp/a b.txt'", ["/tmp/a b.txt"]),
        ('"/tmp/a b.txt"', ["/tmp/a b.txt"]),
        (r"/tmp/a\ b\(1\).txt", ["/tmp/a b(1).txt"]),
        ("'/tmp/it'\\''s.txt'", ["/tmp/it's.txt"]),
        (r'"/tmp/a \"b\" \$c"', ['/tmp/a "b" $c']),
        (r"$'/tmp/a\nb\'c\x41\303\274'", ["/tmp/a\nb'cAü"]),
        ("~/a.txt", ["~/a.txt"]),
        ("file:///tmp/a%20b%C3%BC%23.txt", ["/tmp/a bü#.txt"]),
        ("file://localhost/tmp/a", ["/tmp/a"]),
        ("file:///tmp/a?b#c", ["/tmp/a?b#c"]),
        ("file:///tmp/%FF", [os.fsdecode(b"/tmp/\xff")]),
        ("file:///C:/a%20b.txt", ["C:/a b.txt"]),
        ("/tmp/a /tmp/b", ["/tmp/a", "/tmp/b"]),
        ("'/tmp/a b' /tmp/c\\ d ~/e", ["/tmp/a b", "/tmp/c d", "~/e"]),
        ("/tmp/a b\n/tmp/c d\n", ["/tmp/a b", "/tmp/c d"]),
        ("#copied\r\nfile:///a\r\nfile:///b%20c\r\n", []),
        ("file:///a\r\n# a remark\r\nfile:///b%20c\r\n", ["/a", "/b c"]),
        ("file:///a file:///b", ["/a", "/b"]),
        ("C:\\Users\\me\\a b.txt", ["C:\\Users\\me\\a b.txt"]),
        ('"C:\\Users\\me\\a b.txt"', ["C:\\Users\\me\\a b.txt"]),
        ('"C:\\a b.txt" "D:\\c.txt"', ["C:\\a b.txt", "D:\\c.txt"]),
        (r"C:\a.txt D:\c.txt", [r"C:\a.txt", r"D:\c.txt"]),
        (r"\\server\share\a.txt", [r"\\server\share\a.txt"]),
    ],
)
def test_paths_are_read_as_terminals_write_them(text: str, paths: list[str]) -> None:
    found = candidates(text)
    assert (tuple(paths) in found) if paths else (found == [])


def test_a_path_of_windows_is_also_looked_for_where_its_linux_has_it() -> None:
    assert candidates(r"C:\Users\a b.txt")[-1] == ("/mnt/c/Users/a b.txt",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "words",
        "What is /etc/passwd?",
        "src/main.py",
        "../a",
        "./a",
        "a /tmp/a",
        "/tmp/a\nand words",
        "~",
        "~me",
        "http://localhost/a",
        "file://server/share/a",
        "file:relative",
        "-f /tmp/a",
        "`/tmp/a`",
        "C:",
        "c: what?",
        "\\n",
        "\\ begin",
        "/tmp/a\0b",
        "'it's",
        '"quoted words"',
        "$'words'",
        "/x" * MOST_TEXT,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_just_text_is_never_a_path(text: str) -> None:
    assert candidates(text) == []


@given(PATHS)
@example("/a'b")
@example("/ ")
@example("/\n")
@example("/\\")
@example('/"$(x)`')
@example("/~")
@example("/a:10-40")
def test_any_name_comes_back_from_its_quotes(path: str) -> None:
    assert (path,) in candidates(quoted(path))


@given(st.lists(PATHS, min_size=2, max_size=5))
def test_several_quoted_paths_come_back_in_their_order(paths: list[str]) -> None:
    assert tuple(paths) in candidates(" ".join(map(quoted, paths)))


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_urls_come_back(names: list[str]) -> None:
    paths = [Path(f"/{name}") for name in names if name not in (".", "..")]
    text = "\r\n".join(path.as_uri() for path in paths)
    if paths:
        assert tuple(map(str, paths)) in candidates(text)


@given(st.text(max_size=60))
@example("/")
@example("/\\")
@example("'/")
@example("$'/\\")
@example("file://[")
@example("file:///%00")
def test_any_text_is_read_without_an_error_and_only_as_absolute_paths(text: str) -> None:
    for found in candidates(text):
        assert found
        for path in found:
            assert path.startswith(("/", "~/", "\\\\")) or path[1:3] in (":\\", ":/")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_text_that_begins_like_no_path_is_just_text(text: str) -> None:
    begins = text.lstrip().lstrip("\"'$")
    if not begins.startswith(("/", "~/", "file://", "\\\\")) and begins[1:2] != ":":
        assert candidates(text) == []


async def test_only_paths_that_are_there_are_offered(tmp_path: Path, empty_home: Path) -> None:
    one, other = written(tmp_path / "a b", "x"), written(tmp_path / "it's", "x")
    written(empty_home / "c", "x")
    for text in (f"{one}", f"'{one}'", f"{one}".replace(" ", "\\ "), one.as_uri()):
        assert await offered(text) == (str(one),)
    assert await offered(f"{quoted(str(one))} {quoted(str(other))}") == (str(one), str(other))
    assert await offered(f"{one}\n{other}") == (str(one), str(other))
    assert await offered("~/c") == ("~/c",)
    for text in (f"{one} {tmp_path}/gone", f"{one} is a file", "/help me", "/" + "x" * 5000):
        assert await offered(text) == ()


async def test_ten_thousand_paths_are_read_in_a_moment(tmp_path: Path) -> None:
    path = written(tmp_path / "a b", "x")
    text = " ".join([quoted(str(path))] * 5_000)[: MOST_TEXT - 1]
    found = await offered(text[: text.rfind(" '/")])
    assert len(found) > 1_000
    assert set(found) == {str(path)}
