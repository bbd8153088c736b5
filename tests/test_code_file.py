"""Code is written into files on a real disk, with links, folders, devices and no rights."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tui.chat.code_file import CannotSave, differences, look, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_new_file_is_written_with_its_folders_and_a_line_feed(folder: Path) -> None:
    target = look(folder, "src/deep/app.py")
    assert (target.is_outside, target.before) == (False, None)
    write(target, "x = 1")
    assert (folder / "src/deep/app.py").read_bytes() == b"x = 1\n"
    write(look(folder, "b.py"), "é\n")
    assert (folder / "b.py").read_bytes() == "é\n".encode()
    assert names(folder) == ["b.py", "src"]


def test_an_existing_file_keeps_its_mode_and_is_compared(folder: Path) -> None:
    path = folder / "run.sh"
    path.write_text("one\ntwo\n", encoding="utf-8")
    path.chmod(0o754)
    target = look(folder, "run.sh")
    assert differences(target, "one\n2") == [
        *("--- now", "+++ after saving", "@@ -1,2 +1,2 @@"),
        *(" one", "-two", "+2"),
    ]
    write(target, "one\n2")
    assert path.read_bytes() == b"one\n2\n"
    assert path.stat().st_mode & 0o777 == 0o754
    assert names(folder) == ["run.sh"]


def test_a_file_that_changed_since_is_another_target(folder: Path) -> None:
    path = folder / "x.py"
    path.write_text("one\n", encoding="utf-8")
    before = look(folder, "x.py")
    assert look(folder, "x.py") == before
    path.write_text("two\n", encoding="utf-8")
    assert look(folder, "x.py") != before


@pytest.mark.parametrize("content", [b"\0\1", b"x\n" * 300_000, b"x\n" * 4_000])
def test_what_is_large_or_no_text_is_not_compared(folder: Path, content: bytes) -> None:
    (folder / "x").write_bytes(content)
    assert differences(look(folder, "x"), "y") is None


def outside(folder: Path, how: str) -> str:
    """Create a path that leads out of the folder, and return what to type for it."""
    away = folder.parent / "away"
    away.mkdir()
    (away / "old.py").write_text("old\n", encoding="utf-8")
    match how:
        case "dots":
            return "../away/new.py"
        case "absolute":
            return str(away / "new.py")
        case "linked folder":
            (folder / "link").symlink_to(away)
            return "link/new.py"
        case "linked file":
            (folder / "link.py").symlink_to(away / "old.py")
            return "link.py"
        case _:
            (folder / "link.py").symlink_to(away / "new.py")
            return "link.py"


@pytest.mark.parametrize(
    "how", ["dots", "absolute", "linked folder", "linked file", "dangling link"]
)
def test_what_leads_out_of_the_folder_is_known_by_where_it_leads(
    folder: Path, how: str
) -> None:
    typed = outside(folder, how)
    target = look(folder, typed)
    assert target.is_outside
    assert target.path.parent == (folder.parent / "away").resolve()
    write(target, "x")
    # The link stays a link.
    assert (folder / typed).read_bytes() == b"x\n"
    assert not target.path.is_symlink()


def test_a_link_within_the_folder_and_the_folder_by_a_link_are_inside(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "b").symlink_to("a")
    assert not look(folder, "b/x.py").is_outside
    (folder.parent / "other").symlink_to(folder)
    assert not look(folder.parent / "other", "x.py").is_outside
    assert not look(folder, "a/../x.py").is_outside


def obstacle(folder: Path, what: str) -> str:
    """Create an obstacle at a path, and return what to type for it."""
    match what:
        case "a folder":
            (folder / "x").mkdir()
            return "x"
        case "a folder to be":
            return "y/"
        case "a device":
            return "/dev/null"
        case "a pipe":
            os.mkfifo(folder / "x")
            return "x"
        case "a loop":
            (folder / "x").symlink_to("x")
            return "x"
        case "below a file":
            (folder / "x").write_text("")
            return "x/y"
        case "too long":
            return "x" * 300
        case _:
            return what


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a folder", "is a folder"),
        ("a folder to be", "would be a folder"),
        ("a device", "is a device or a pipe"),
        ("a pipe", "is a device or a pipe"),
        ("a loop", "cannot be saved"),
        ("below a file", "Not a directory"),
        ("too long", "File name too long"),
        ("", "Type the name"),
        ("  ", "Type the name"),
        ("a\x1bb", "invisible characters"),
        ("a\u202eb", "invisible characters"),
        ("a\nb", "invisible characters"),
        ("~nobody-of-that-name/x", "cannot be saved"),
    ],
)
def test_an_impossible_path_is_reported_in_one_line(folder: Path, what: str, said: str) -> None:
    typed = obstacle(folder, what)
    before = names(folder)
    with pytest.raises(CannotSave, match=said) as told:
        write(look(folder, typed), "x")
    assert "\n" not in str(told.value)
    assert names(folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_without_permission_nothing_changes(folder: Path) -> None:
    path = folder / "x"
    path.write_text("old\n", encoding="utf-8")
    path.chmod(0o400)
    with pytest.raises(CannotSave, match="Permission denied"):
        look(folder, "x")
    folder.chmod(0o500)
    with pytest.raises(CannotSave, match="Permission denied"):
        write(look(folder, "y"), "x")
    folder.chmod(0o700)
    assert names(folder) == ["x"]


def test_a_disk_that_is_full_leaves_the_old_file(folder: Path) -> None:
    path = folder / "x"
    path.write_text("old\n", encoding="utf-8")
    target = look(folder, "x")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(CannotSave, match="File too large"):
            write(target, "new\n" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text(encoding="utf-8") == "old\n"
    assert names(folder) == ["x"]
