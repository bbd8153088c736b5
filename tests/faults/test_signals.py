"""The app ends, is suspended, resized or loses its terminal in the middle of a stream."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripted import Reply, Scripted, Step, Wait, delta, end, start, text
from tests.terminal import Terminal, terminal
from tests.turns import on_disk

PATIENCE = 1.0 if os.environ.get("FAULTS") == "full" else 3.0
"""Most seconds that ending may take. We promise one, but CI's machines are slow."""

SIZE = (100, 30)
WORDS = [f"w{number:04} " for number in range(400)]


def stream(pace: float = 0.02) -> Reply:
    deltas = [
        step for word in WORDS for step in (delta(0, "text_delta", text=word), Wait(pace))
    ]
    steps: list[Step] = [start(), text(0)[0], *deltas, text(0)[1], *end()]
    return Reply(steps)


@contextmanager
def streaming(home: Path, server: Scripted, pace: float = 0.02) -> Iterator[Terminal]:
    """Yield the app in the middle of a reply."""
    server.will(stream(pace))
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal(home=home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        screen.press("Go\r")
        screen.until_seen("w0009")
        yield screen


def replies(home: Path) -> list[tuple[str, str]]:
    (history,) = home.rglob("history.db")
    found = on_disk(history, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    return [(row["state"], row["text"]) for row in found]


def leave(screen: Terminal, do: Callable[[], object]) -> tuple[int, float]:
    """Make the program end; return its exit code, and the seconds that this took."""
    began = time.monotonic()
    do()
    code = screen.process.wait(20)
    return code, time.monotonic() - began


def is_restored(screen: Terminal) -> bool:
    raw = screen.raw
    pairs = [(b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")]
    pairs += [(b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?2004h", b"\x1b[?2004l")]
    return all(raw.rfind(on) < raw.rfind(off) for on, off in pairs)


@pytest.mark.parametrize(("signum", "expected"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_what_has_arrived_and_restores_the_terminal(
    empty_home: Path, server: Scripted, signum: signal.Signals, expected: int
) -> None:
    with streaming(empty_home, server) as screen:
        code, took = leave(screen, lambda: screen.process.send_signal(signum))
        screen.until_left()
        assert code == expected
        assert took < PATIENCE
        assert is_restored(screen)
        assert "Traceback" not in screen.text
    ((state, kept),) = replies(empty_home)
    assert state == "interrupted"
    assert kept.startswith("w0000 w0001")
    assert "".join(WORDS).startswith(kept)


@pytest.mark.parametrize("moment", ["while the SDK is imported", "with nothing to do"])
def test_a_signal_at_another_moment_ends_the_app_too(
    empty_home: Path, server: Scripted, moment: str
) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        if moment == "with nothing to do":
            # This request comes when every import is done.
            screen.until(lambda: server.seen)
        before = screen.modes()
        code, took = leave(screen, screen.process.terminate)
        screen.until_left()
        assert (code, is_restored(screen)) == (143, True)
        assert took < PATIENCE
        assert screen.modes() != before


def test_ctrl_q_leaves_while_the_sdk_is_imported(empty_home: Path, server: Scripted) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        code, took = leave(screen, lambda: screen.press("\x11"))
        assert (code, server.seen) == (0, [])
        assert took < PATIENCE


def test_without_its_terminal_it_ends_and_keeps_what_has_arrived(
    empty_home: Path, server: Scripted
) -> None:
    with streaming(empty_home, server) as screen:
        code, took = leave(screen, screen.hang_up)
        assert code != 0
        assert took < PATIENCE + 1
    ((state, kept),) = replies(empty_home)
    assert state == "interrupted"
    assert kept.startswith("w0000 w0001")


def test_a_terminal_that_takes_no_output_does_not_keep_it_from_ending(
    empty_home: Path, server: Scripted
) -> None:
    with streaming(empty_home, server) as screen:
        screen.is_read.clear()
        # Until the pty is full and the program waits for it.
        time.sleep(3)
        code, took = leave(screen, screen.process.terminate)
        assert code == 143
        assert took < PATIENCE
    # Another start finds what the journal has.
    with terminal("--demo", home=empty_home, size=SIZE) as screen:
        screen.until_seen("✗ Go")
    ((state, kept),) = replies(empty_home)
    assert state == "interrupted"
    assert kept.startswith("w0000 w0001")


@pytest.mark.parametrize("signum", [signal.SIGSTOP, signal.SIGTSTP])
def test_after_a_suspension_the_stream_continues_to_its_end(
    empty_home: Path, server: Scripted, signum: signal.Signals
) -> None:
    config = empty_home / "config.toml"
    config.write_text("silence_limit = 5\nwaiting_limit = 10\n", encoding="utf-8")
    server.will(stream(0.005))
    environ = {
        "ANTHROPIC_API_KEY": "sk-test",
        "ANTHROPIC_BASE_URL": server.url,
        "STREAMCHAT_CONFIG": str(config),
    }
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("Ask anything")
        screen.press("Go\r")
        screen.until_seen("w0009")
        modes = screen.modes()
        os.kill(screen.process.pid, signum)
        # Longer than the silence limit.
        time.sleep(6)
        os.kill(screen.process.pid, signal.SIGCONT)
        screen.until_seen("s to first text")
        screen.until_seen("w0399")
        screen.press("\x11")
        assert screen.until_left() == 0
        assert is_restored(screen)
        assert screen.modes() != modes
    assert replies(empty_home) == [("complete", "".join(WORDS))]


def test_a_storm_of_sizes_loses_nothing(empty_home: Path, server: Scripted) -> None:
    chance = random.Random(5)
    with streaming(empty_home, server, pace=0.01) as screen:
        for _ in range(50):
            screen.resize(chance.randint(20, 200), chance.randint(5, 60))
            time.sleep(0.05)
        screen.resize(*SIZE)
        screen.until_seen("s to first text")
        screen.press("typed after the storm")
        screen.until_seen("typed after the storm")
        screen.press("\x11")
        assert screen.until_left() == 0
    assert replies(empty_home) == [("complete", "".join(WORDS))]
