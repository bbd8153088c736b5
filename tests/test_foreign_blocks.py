"""Blocks that are not text: each is a line between the texts around it."""

from __future__ import annotations

import pytest

from tests.scripted import Reply, Scripted, block, delta, end, start, text, thinking
from tests.test_cli import Program, online, program
from tests.turns import converse, kept, on_disk
from tui.chat.markdown_export import markdown_of
from tui.claude import Claude
from tui.domain.conversation import Block, Conversation
from tui.domain.parameters import Parameters
from tui.domain.wire import Json
from tui.store import Store
from tui.text import formatting

__all__ = ["online", "program"]

SEARCH: Json = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "web_search",
    "input": {},
}
QUERY = delta(1, "input_json_delta", partial_json='{"query": "kyoto weather"}')
FOUND: Json = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {"type": "web_search_result", "url": f"https://example.com/{n}", "title": f"Page {n}"}
        for n in range(5)
    ],
}
SEARCHED = Reply(
    [
        start(),
        *text(0, "Let me look ", "that up."),
        *block(1, SEARCH, QUERY),
        *block(2, FOUND),
        *text(3, "It is ", "mild"),
        *text(4, " in spring."),
        *end(),
    ]
)
"""A reply of the API; a citation splits its last sentence into two blocks."""

CALLED = Reply(
    [
        start(),
        *text(0, "The time is"),
        *block(1, {"type": "tool_use", "id": "t", "name": "clock", "input": {}}),
        *end("tool_use"),
    ]
)
READ = (
    "Let me look that up.",
    '▸ web_search "kyoto weather"',
    "▸ 5 results",
    "It is mild in spring.",
)


def a(kind: str, **fields: object) -> Block:
    return Block({"type": kind, **fields})


@pytest.mark.parametrize(
    ("block", "line"),
    [
        (
            a("server_tool_use", name="web_search", input={"query": "x\ny"}),
            '▸ web_search "x y"',
        ),
        (a("tool_use", name="clock", input={}), "▸ clock"),
        (a("tool_use", name="add", input={"a": 1, "b": [2]}), '▸ add {"a": 1, "b": [2]}'),
        (a("tool_use"), "▸ tool_use"),
        (a("tool_use", name=["x"], input="raw"), '▸ tool_use "raw"'),
        (a("web_search_tool_result", content=[{}]), "▸ 1 result"),
        (a("web_search_tool_result", content=[]), "▸ 0 results"),
        (
            a("web_search_tool_result", content={"error_code": "max_uses_exceeded"}),
            "▸ web_search failed: max_uses_exceeded",
        ),
        (
            a("web_fetch_tool_result", content={"type": "f", "url": "https://a.org"}),
            '▸ web_fetch result "https://a.org"',
        ),
        (a("tool_result", content="22 °C"), '▸ tool result "22 °C"'),
        (a("tool_result", content=[{"type": "text", "text": "yes"}]), '▸ tool result "yes"'),
        (a("tool_result", content="no", is_error=True), '▸ tool failed "no"'),
        (a("redacted_thinking", data="c2VjcmV0"), "▸ redacted_thinking"),
        (a("document", title="Report.pdf"), '▸ document "Report.pdf"'),
        (a("new_kind", secret="s"), "▸ new_kind"),
        (a("\x1b[31m\u202e"), "▸ ␛[31m\ufffd"),
        (Block({}), "▸ ?"),
    ],
)
def test_a_block_that_is_not_text_is_one_clean_line(block: Block, line: str) -> None:
    assert formatting.aside(block) == line


def test_a_long_block_is_still_a_short_line() -> None:
    said = formatting.aside(a("tool_use", name="n" * 5000, input={"x": "y" * 5000}))
    assert len(said) < 100
    assert said.endswith("…")


async def test_words_around_a_tool_are_kept_apart(
    store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(SEARCHED)
    reply = await kept(store, await converse(store, claude))
    assert reply.text == "Let me look that up.\n\nIt is mild in spring."
    # The blocks are sent back unchanged.
    assert [each.type for each in reply.blocks] == [
        "text", "server_tool_use", "web_search_tool_result", "text", "text",
    ]  # fmt: skip
    found = Conversation("c", Parameters("m"), 0, 0, title="T")
    exported = markdown_of(found, [reply], None)
    assert exported.split("\n\n")[2:] == [*READ[:-1], f"{READ[-1]}\n"]


async def test_thinking_around_a_tool_is_kept_apart(
    store: Store, claude: Claude, server: Scripted
) -> None:
    steps = [
        *thinking(0, "One."),
        *text(1, "First."),
        *thinking(2, "Two."),
        *text(3, "Second."),
    ]
    server.will(Reply([start(), *steps, *end()]))
    reply = await converse(store, claude)
    assert (reply.thinking, reply.text) == ("One.\n\nTwo.", "First.\n\nSecond.")
    (row,) = on_disk(store.path, "SELECT thinking, text FROM transcript WHERE role='assistant'")
    assert (row["thinking"], row["text"]) == (reply.thinking, reply.text)


@pytest.mark.parametrize("how", [[], ["--no-stream"]])
def test_ask_keeps_words_around_a_tool_apart_and_log_shows_it(
    online: Program, server: Scripted, how: list[str]
) -> None:
    server.will(SEARCHED)
    done = online.run("ask", "How is it there?", *how)
    assert done.out == "Let me look that up.\n\nIt is mild in spring.\n"
    rows = "SELECT text FROM transcript WHERE role = 'assistant'"
    assert online.rows(rows) == [("Let me look that up.\n\nIt is mild in spring.",)]
    ((conversation_id,),) = online.rows("SELECT DISTINCT conversation_id FROM transcript")
    if not how:
        assert "\n\n".join(READ) + "\n" in online.run("log", conversation_id).out
    assert "No results." in online.run("log", "--search", '"up it"').err
    assert "No results." in online.run("log", "--search", "upit").err


def test_log_says_that_a_reply_waits_for_a_tool(online: Program, server: Scripted) -> None:
    server.will(CALLED)
    assert online.run("ask", "What time is it?").code == 1
    ((conversation_id,),) = online.rows("SELECT DISTINCT conversation_id FROM transcript")
    shown = online.run("log", conversation_id).out
    assert "The time is\n\n▸ clock\n" in shown
    assert "(tool use: the model waits for a tool, and this program runs none)" in shown


async def test_a_blank_text_between_two_texts_keeps_them_apart_and_is_not_sent_back(
    store: Store, claude: Claude, server: Scripted
) -> None:
    texts = ["\n", "Claim one.", "\n\n", "Claim two.", " "]
    steps = [step for at, words in enumerate(texts) for step in text(at, words)]
    server.will(Reply([start(), *steps, *end()]))
    reply = await kept(store, await converse(store, claude))
    assert reply.text == "Claim one.\n\nClaim two."
    await converse(store, claude, after=reply)
    sent = server.asked[1].json["messages"][1]["content"]
    assert [each["text"] for each in sent] == ["Claim one.", "Claim two."]
