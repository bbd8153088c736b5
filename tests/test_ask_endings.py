"""How `ask` reports a reply that cannot be continued."""

from __future__ import annotations

import json

from tests.scripted import Reply, Scripted, block, end, says, start
from tests.test_cli import Done, Program, online, program

__all__ = ["online", "program"]


def test_a_reply_that_fills_the_context_or_waits_for_a_tool_fails_in_one_line(
    online: Program, server: Scripted
) -> None:
    tool = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
    server.will(
        says("Hi", stop_reason="model_context_window_exceeded"),
        Reply([start(), *block(0, tool), *end("tool_use")]),
        Reply([start(), *block(0, tool), *end()]),
    )
    full, called, silent = (online.run("ask", "x") for _ in range(3))
    assert (full.code, full.out) == (1, "Hi\n")
    assert "context full: " in full.err
    assert "fork it" in full.err
    assert (called.code, called.out) == (1, "")
    assert "tool use: the model waits for a tool" in called.err
    assert silent == Done(0, "", "streamchat-tui: The reply has no text: tool_use.\n")
    assert all(len(done.err.splitlines()) == 1 for done in (full, called, silent))
    states = "SELECT state FROM replies ORDER BY state"
    assert online.rows(states) == [("complete",), ("context_full",), ("tool_use",)]
    found = online.run("log", "--search", "state:context_full", "--json")
    assert [hit["state"] for hit in json.loads(found.out)] == ["context_full"]
