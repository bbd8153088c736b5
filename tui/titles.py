"""A better title for a conversation than its first words, made by a small model.

It is asked for by itself, after a reply and never instead of one; what it costs is in
the ledger. If it cannot be had, nothing is said: the first words stay.
"""

from __future__ import annotations

from contextlib import aclosing

from tui.claude import Claude
from tui.conversation import Failure, Finished, Json, Message, ReplyFailed
from tui.draft import Draft, ended_state
from tui.ledger import Ledger, failed_state
from tui.sanitise import clean_line
from tui.store import Store

SHOWN = 2
"""How many messages the model is shown."""

LOOKED_AT = 2_000
"""How many characters of the question and of the reply the model is shown."""

MOST_TOKENS = 1_000
"""How long the answer may be, the small model's thinking included."""

LONGEST = 80
"""How many characters a title may have."""

_AROUND = (
    *(('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("„", "“"), ("«", "»")),
    *(("「", "」"), ("『", "』")),
    *(("**", "**"), ("*", "*"), ("__", "__"), ("_", "_"), ("`", "`")),
)
"""What a model may put around a title, its beginning and its end."""

_ASKED = (
    "Below is the beginning of a conversation. Write a title for it: two to six words,"
    " in the conversation's language, without quotes or a full stop. Answer with the"
    " title alone."
)


async def improve(store: Store, claude: Claude, conversation_id: str, model: str) -> bool:
    """Have a conversation's title made anew; tell whether it took it.

    Only a title that is the first question's words still is changed. Raises
    `HistoryError`; an endpoint that fails is no error.
    """
    conversation = await store.conversation(conversation_id)
    if conversation is None or conversation.title_by != "question":
        return False
    line = await store.line(conversation.tip_id)
    if len(line) < 2 or not (title := await _made(store, claude, line, model)):
        return False
    return await store.labels.rename(conversation_id, title, by="model", made_of=_ids(line))


async def _made(store: Store, claude: Claude, line: list[Message], model: str) -> str:
    """Ask for a title; empty if none came. What it took is kept in the ledger."""
    draft = Draft(store.new_id(), line[0].conversation_id, model)
    ledger = Ledger(store, claude.endpoint.identity, draft, purpose="title")
    failure: Failure | None = None
    state = draft.stops_as
    try:
        events = claude.create([_question(line)], model=model, max_tokens=MOST_TOKENS)
        async with aclosing(events):
            async for event in events:
                ledger.note(event)
                draft.take(event)
        if isinstance(draft.finished, Finished):
            state = ended_state(draft.finished)
    except ReplyFailed as error:
        state, failure = failed_state(error), error.failure
    finally:
        ledger.close(state, failure)
        await store.labels.keep_request(ledger.request, made_of=_ids(line))
    return tidy(draft.words("text")) if state == "complete" else ""


def _ids(line: list[Message]) -> list[str]:
    return [message.id for message in line[:SHOWN]]


def _question(line: list[Message]) -> Json:
    said = "\n\n".join(
        f"<{message.role}>\n{message.text[:LOOKED_AT]}\n</{message.role}>"
        for message in line[:SHOWN]
    )
    return {"role": "user", "content": f"{_ASKED}\n\n{said}"}


def tidy(answer: str) -> str:
    """Return what a model answered as a title; empty if it is none."""
    lines = (" ".join(clean_line(line).split()) for line in answer.splitlines())
    title = next(filter(None, map(_bare, lines)), "")
    return title if len(title) <= LONGEST else ""


def _bare(title: str) -> str:
    """Return a title without what models put around it; empty if nothing else is there."""
    before = None
    while title != before:
        before = title
        title = title.lstrip("#").rstrip(".。").strip()
        for begin, end in _AROUND:
            inner = title.removeprefix(begin).removesuffix(end)
            # What is quoted inside a title, be it at both ends, is part of it.
            if title == f"{begin}{inner}{end}" and begin not in inner and end not in inner:
                title = inner
    return title if any(letter.isalnum() for letter in title) else ""
