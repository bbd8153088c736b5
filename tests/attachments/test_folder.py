from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attachments.files import written
from tui.chat.attachments import folder as folders
from tui.chat.attachments.attaching import attach
from tui.chat.attachments.content import CannotAttach


def tree(path: Path) -> str:
    return attach(str(path), path.parent).content.decode()


def test_a_folder_becomes_a_tree_with_totals(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    written(folder / "README.md", "x" * 2048)
    written(folder / "src" / "main.py", "x")
    written(folder / "src" / "b" / "c.txt", "")
    written(folder / ".git" / "config", "x" * 99)
    (folder / "link").symlink_to("README.md")
    os.mkfifo(folder / "pipe")
    attached = attach("project", tmp_path)
    assert attached.content.decode() == (
        "project/\n"
        "  README.md  2.0 kB\n"
        "  link → README.md\n"
        "  pipe (not a file)\n"
        "  src/\n"
        "    b/\n"
        "      c.txt  0 B\n"
        "    main.py  1 B\n"
        "\n"
        "5 files, 2 folders, 2.0 kB, 1 ignored\n"
    )
    assert (attached.attachment.kind, attached.attachment.name) == ("folder", "project")
    assert attached.attachment.original_size == 2049
    assert attached.attachment.note == "5 files, 2 folders, 2.0 kB, 1 ignored"


def test_ignored_files_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    written(folder / ".gitignore", "build/\n*.log\n/only-here\n")
    written(folder / "build" / "a", "x")
    written(folder / "a.log", "x")
    written(folder / "only-here", "x")
    written(folder / "src" / ".gitignore", "!keep.log\nsecret\n")
    written(folder / "src" / "keep.log", "x")
    written(folder / "src" / "other.log", "x")
    written(folder / "src" / "secret", "x")
    written(folder / "src" / "only-here", "x")
    assert tree(folder) == (
        "project/\n"
        "  .gitignore  24 B\n"
        "  src/\n"
        "    .gitignore  17 B\n"
        "    keep.log  1 B\n"
        "    only-here  1 B\n"
        "\n"
        "4 files, 1 folder, 43 B, 5 ignored\n"
    )


def test_links_are_not_followed_so_a_loop_ends(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    written(folder / "a", "x")
    (folder / "loop").symlink_to(".")
    (folder / "outside").symlink_to("/")
    (folder / "itself").symlink_to("itself")
    assert tree(folder) == (
        "project/\n  a  1 B\n  itself → itself\n  loop → .\n  outside → /\n"
        "\n4 files, 0 folders, 1 B\n"
    )


def test_a_long_tree_is_cut_and_the_totals_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_SHOWN", 3)
    for number in range(10):
        written(tmp_path / "many" / f"{number}", "x")
    assert tree(tmp_path / "many") == (
        "many/\n  0  1 B\n  1  1 B\n  2  1 B\n  … 7 more\n\n10 files, 0 folders, 10 B\n"
    )


def test_a_huge_folder_is_not_counted_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_ENTRIES", 4)
    for number in range(10):
        written(tmp_path / "many" / f"{number}" / "x", "x")
    assert tree(tmp_path / "many").endswith("\n\nmore than 2 files, 2 folders, 2 B\n")


def test_a_deep_folder_ends(tmp_path: Path) -> None:
    deep = tmp_path / "top"
    for _ in range(60):
        deep /= "d"
    written(deep / "x", "x")
    text = tree(tmp_path / "top")
    assert text.count("d/") == 40
    assert "d/ …\n" in text


def test_hostile_names_are_clean_lines(tmp_path: Path) -> None:
    for name in ("a\nb", "\x1b[2J", "\u202edrow", os.fsdecode(b"\xff")):
        written(tmp_path / "bad" / name, "x")
    lines = tree(tmp_path / "bad").split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 8


@pytest.mark.parametrize("kind", ["pipe", "loop", "long", "binary"])
def test_a_gitignore_may_be_anything(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "project"
    written(folder / "a", "x")
    ignore = folder / ".gitignore"
    match kind:
        case "pipe":
            os.mkfifo(ignore)
        case "loop":
            ignore.symlink_to(".gitignore")
        case "long":
            written(ignore, "[" * 1_000_000)
        case _:
            written(ignore, b"\xff\0[\n***\n!\n")
    assert "  a  1 B\n" in tree(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(CannotAttach, match=r"^none is an empty folder\.$"):
        attach("none", tmp_path)
