"""Several programs write to one log file at once: nothing is lost, and it is bounded."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import tui
from tui.cli.log_file import LogFile

WRITER = """
import logging, os, sys
from pathlib import Path
from tui.cli import _start_logging
os.umask(0o077)
_start_logging(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    logging.warning("%s-%05d %s", sys.argv[2], number, "x" * 400)
"""


def write_at_once(log: Path, writers: str, count: int) -> None:
    """Let several programs write to a log at the same time."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(log), name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(tui.__file__).parent.parent,
        )
        for name in writers
    ]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == b"ready\n"
    for each in running:
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.flush()
    for each in running:
        _, err = each.communicate(timeout=60)
        assert (each.returncode, err) == (0, b"")


def words(log: Path) -> list[str]:
    """Return the first word of every record, in the log and in the older logs."""
    lines = "".join(path.read_text() for path in log.parent.glob(f"{log.name}*")).splitlines()
    return [line.split(" root ")[1].split()[0] for line in lines]


def test_windows_that_log_at_once_lose_no_record(tmp_path: Path) -> None:
    log = tmp_path / "log" / "streamchat.log"
    write_at_once(log, "abcd", 1_400)
    expected = sorted(f"{name}-{number:05d}" for name in "abcd" for number in range(1_400))
    assert sorted(words(log)) == expected


def test_the_log_is_bounded_and_continues_under_its_name(tmp_path: Path) -> None:
    log = tmp_path / "log" / "streamchat.log"
    write_at_once(log, "ab", 6_000)
    kept = sorted(path.name for path in log.parent.iterdir())
    assert kept == [
        "streamchat.log",
        "streamchat.log.1",
        "streamchat.log.2",
        "streamchat.log.lock",
    ]
    assert sum(path.stat().st_size for path in log.parent.iterdir()) < 3_100_000
    assert all(path.stat().st_mode & 0o077 == 0 for path in log.parent.iterdir())
    newest = log.read_text().splitlines()[-1]
    assert "-05999 " in newest


def test_a_log_that_was_removed_is_begun_again(tmp_path: Path) -> None:

    log = tmp_path / "streamchat.log"
    handler = LogFile(log)
    record = logging.LogRecord("tui", logging.ERROR, __file__, 1, "it broke", None, None)
    handler.handle(record)
    log.unlink()
    handler.handle(record)
    handler.close()
    assert log.read_text() == "it broke\n"
