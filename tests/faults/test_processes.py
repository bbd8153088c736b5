"""Two apps and two shells write to one history at once, and see each other's changes.

Five seconds by default, twenty-five with FAULTS=full.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.conftest import IS_FULL
from tests.scripted import Scripted, says
from tests.terminal import terminal
from tests.turns import on_disk

SECONDS = 25 if IS_FULL else 5
SIZE = (100, 30)


def test_four_programs_write_to_one_history(  # noqa: C901 - four of them
    empty_home: Path, server: Scripted, tmp_path: Path
) -> None:
    server.will(*[says("An answer ", "in two pieces") for _ in range(1000)])
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    asked: list[list[str]] = [[], [], [], []]
    complaints: list[str] = []
    until = time.monotonic() + SECONDS

    def ask_on(number: int) -> None:
        while time.monotonic() < until:
            question = f"shell{number}n{len(asked[number]):03}"
            done = subprocess.run(
                [sys.executable, "-m", "tui", "ask", question],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env=environ
                | {
                    "HOME": str(empty_home),
                    "NO_PROXY": "*",
                    "PYTHONPATH": str(Path(__file__).parent.parent.parent),
                },
            )
            asked[number].append(question)
            if (done.returncode, done.stdout, done.stderr) != (
                0,
                "An answer in two pieces\n",
                "",
            ):
                complaints.append(f"{done.returncode} {done.stdout} {done.stderr}")

    with (
        terminal(home=empty_home, environ=environ, size=SIZE) as first,
        terminal(home=empty_home, environ=environ, size=SIZE) as second,
    ):
        for screen in (first, second):
            screen.until_seen("Ask anything")
        shells = [threading.Thread(target=ask_on, args=(number,)) for number in (0, 1)]
        for shell in shells:
            shell.start()
        waits = []
        while time.monotonic() < until:
            for number, screen, other in ((2, first, second), (3, second, first)):
                question = f"app{number}n{len(asked[number]):03}"
                screen.press("\x0e" + question)
                screen.until_seen(question)
                screen.press("\r")
                asked[number].append(question)
                began = time.monotonic()
                other.until(lambda q=question, o=other: q in o.text)  # type: ignore[misc]
                waits.append(time.monotonic() - began)
        for shell in shells:
            shell.join()
        for screen in (first, second):
            screen.until(lambda s=screen: "writing" not in s.text and "waiting" not in s.text)  # type: ignore[misc]
            assert "could not" not in screen.text
            screen.press("\x11")
            assert screen.until_left() == 0
    print(f"{list(map(len, asked))} questions; worst wait for the other's {max(waits):.2f} s")
    logs = [path.read_text() for path in empty_home.rglob("*.log")]
    assert (complaints, [log for log in logs if log]) == ([], [])
    (history,) = empty_home.rglob("history.db")
    said = on_disk(history, "SELECT text FROM transcript WHERE role = 'user'")
    assert sorted(row["text"] for row in said) == sorted(q for each in asked for q in each)
    states = on_disk(
        history,
        "SELECT state, text, count(*) AS n FROM transcript"
        " WHERE role = 'assistant' GROUP BY state, text",
    )
    assert [tuple(row) for row in states] == [
        ("complete", "An answer in two pieces", len(said))
    ]
    assert on_disk(history, "PRAGMA integrity_check")[0][0] == "ok"
    if IS_FULL:
        assert max(waits) < 2
