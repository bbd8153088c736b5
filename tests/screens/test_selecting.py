"""What a selection copies: the source of whole blocks, the words inside one block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Offset
from textual.selection import Selection

from tests.markdown.documents import words_in
from tests.markdown.test_document import documents, many
from tests.screens.test_transcript import current, draft, message, rows
from tui.domain.conversation import Role
from tui.text.sanitise import clean
from tui.ui.widgets.entry import Entry
from tui.ui.widgets.message_content import MessageContent
from tui.ui.widgets.selecting import line_id, message_ids, selected
from tui.ui.widgets.transcript import Transcript

MANY = """\
# A heading

Some **bold** words,
  wrapped.

- one
- two

  still two
  1. `three`


```python
def f():
\treturn 1
```
> a quote
>
> its end

| a | b |
|---|---|
| 1 | 2 |

---
The *end*."""

WIDTH = 60


def entry(number: int, text: str, role: Role = "assistant") -> Entry:
    return Entry(MessageContent(message(number, text, role)), now_ms=0, is_collapsed=True)


Position = tuple[int, int, int, int]
"""Message, leaf of the text, line, character."""


def between(first: Position, last: Position) -> Selection:
    # The heading comes before the first leaf.
    ends = [Offset(x, line_id(number, at + 1, line)) for number, at, line, x in (first, last)]
    return Selection(*ends)


def all_of(number: int) -> Selection:
    before, after = message_ids(number)
    return Selection(Offset(0, before), Offset(0, after))


async def test_three_clicks_copy_a_message_as_it_was_written() -> None:
    async with current(message(0, "question", "user"), message(1, MANY)) as (app, pilot):
        await pilot.resize_terminal(80, 50)
        await pilot.pause()
        at = next(y for y, row in enumerate(rows(app)) if "bold" in row)
        await pilot.triple_click(Transcript, offset=(9, at))
        assert app.screen.get_selected_text() == MANY


def test_thinking_that_is_shown_is_copied_as_it_was_written_too() -> None:
    said = message(0, "- so\n- it is", thinking="Is *it*?\n\n1. yes")
    open_entry = Entry(MessageContent(said), now_ms=0, is_collapsed=False)
    assert selected([open_entry], all_of(0), WIDTH) == "Is *it*?\n\n1. yes\n\n- so\n- it is"
    collapsed_entry = Entry(MessageContent(said), now_ms=0, is_collapsed=True)
    assert selected([collapsed_entry], all_of(0), WIDTH) == "- so\n- it is"


async def test_a_drag_over_blocks_copies_the_source_between_them_too() -> None:
    async with current(message(0, MANY)) as (app, pilot):
        await pilot.resize_terminal(80, 50)
        await pilot.pause()
        seen = rows(app)
        first = next(y for y, row in enumerate(seen) if "two" in row)
        last = next(y for y, row in enumerate(seen) if "return" in row)
        await pilot.mouse_down(Transcript, offset=(2, first))
        await pilot.hover(Transcript, offset=(70, last))
        await pilot.mouse_up(Transcript, offset=(70, last))
        await pilot.pause()
        found = app.screen.get_selected_text()
    begin, end = MANY.index("- two"), MANY.index("> a quote") - 1
    assert found == MANY[begin:end]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ((0, 1, 0, 5), (0, 1, 0, 9), "bold"),
        ((0, 1, 0, 0), (0, 1, 0, 21), "Some bold words,"),
        ((0, 6, 0, 0), (0, 6, 1, 10), "def f():\n\treturn 1"),
    ],
)
def test_inside_one_block_the_words_are_copied(
    first: Position, last: Position, found: str
) -> None:
    assert selected([entry(0, MANY)], between(first, last), WIDTH).startswith(found)


def test_a_partly_selected_block_is_copied_as_words() -> None:
    found = selected([entry(0, MANY)], between((0, 1, 0, 5), (0, 3, 0, 2)), WIDTH)
    assert found.startswith("bold words,")
    assert found.endswith("\n\n- one\ntw")


def test_over_messages_each_is_as_it_was_written() -> None:
    entries = [entry(0, "What\tis it?\n\n- this", "user"), entry(1, MANY), entry(2, "*next*")]
    found = selected(entries, between((0, 0, 0, 0), (2, 0, 0, 2)), WIDTH)
    assert found == f"What\tis it?\n\n- this\n\n{MANY}\n\nne"


def test_a_running_reply_is_copied_as_far_as_it_has_arrived() -> None:
    reply = draft("- a\n- b\n\n```py\nx")
    running = Entry(MessageContent(reply), now_ms=0, is_collapsed=True)
    running.catch_up(reply, 0, WIDTH)
    assert selected([running], all_of(0), WIDTH) == "- a\n- b\n\n```py\nx"


@many
@given(text=documents)
def test_all_of_any_document_is_its_source(text: str) -> None:
    whole = entry(0, text)
    if any(shown.leaves for shown in whole.shown(WIDTH)):
        assert selected([whole], all_of(0), WIDTH) == clean(text).strip("\n")


@many
@given(text=documents, data=st.data())
def test_whole_blocks_of_any_document_are_copied_from_its_source(
    text: str, data: st.DataObject
) -> None:
    one = entry(0, text)
    (shown,) = one.shown(WIDTH)
    count = len(shown.leaves)
    if count < 2:
        return
    first = data.draw(st.integers(0, count - 2))
    last = data.draw(st.integers(first + 1, count - 1))
    lines = shown.leaves[last].lines()
    end = last, max(0, len(lines) - 1), len(lines[-1]) if lines else 0
    found = selected([one], between((0, first, 0, 0), (0, *end)), WIDTH)
    assert found.strip("\n") in clean(text)
    words = [word for leaf in shown.leaves[first : last + 1] for word in leaf.lines()]
    assert all(word in found for word in words_in(" ".join(words)))
