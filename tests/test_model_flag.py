"""`--model` answers next, whatever model the conversation had; the heading says so."""

from __future__ import annotations

from pathlib import Path

from tests.scripted import Scripted, says
from tests.terminal import Terminal, terminal
from tests.test_cli import Program, online, program

__all__ = ["online", "program"]

SIZE = (110, 34)
ENTER, CTRL_Q, CTRL_PGDN = "\r", "\x11", "\x1b[6;5~"


def heading(screen: Terminal) -> str:
    return screen.text.splitlines()[0].rstrip()


def test_the_flag_wins_for_the_next_question_and_the_heading_says_so(
    online: Program, server: Scripted, empty_home: Path
) -> None:
    server.will(says("First."), says("Second."), says("Third."), says("Fourth."))
    assert online.run("ask", "--model", "model-of-old", "One?").code == 0
    environ = {
        name: online.environ[name]
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "STREAMCHAT_DB")
    }

    def ask(flags: list[str], question: str, reply: str, model: str) -> None:
        with terminal(*flags, home=empty_home, environ=environ, size=SIZE) as screen:
            screen.until_seen("First.")
            screen.until(lambda: f"{model} ·" in heading(screen))
            screen.press(question + ENTER)
            screen.until_seen(reply)
            screen.until(lambda: f"{model} ·" in heading(screen))
            screen.press(CTRL_Q)
            assert screen.until_left() == 0

    # After it was open once, the next start opens it.
    with terminal(home=empty_home, environ=environ, size=SIZE) as screen:
        screen.until_seen("One?")
        screen.press(CTRL_PGDN)
        screen.until_seen("First.")
        screen.until(lambda: "model-of-old ·" in heading(screen))
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
    ask(["--model", "model-of-flag"], "Two?", "Second.", "model-of-flag")
    ask([], "Three?", "Third.", "model-of-flag")
    ask(["--model", "model-of-old"], "Four?", "Fourth.", "model-of-old")
    models = [asked.json["model"] for asked in server.asked]
    assert models == ["model-of-old", "model-of-flag", "model-of-flag", "model-of-old"]
