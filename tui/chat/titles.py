"""A title that a small model writes, which is better than a question's first words.

The program requests it after a reply. The request log has its cost. If the request
fails, nothing is shown and the first words stay the title.
"""

from __future__ import annotations

from contextlib import aclosing

from tui.chat.pricing import Pricing, loaded_meanwhile
from tui.chat.request_log import RequestLog, failed_state
from tui.claude import Claude
from tui.domain.conversation import Message
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply, ended_state
from tui.domain.reply_events import Finished
from tui.domain.wire import Json
from tui.store import Store
from tui.text.sanitise import clean_line

SHOWN = 2
"""How many messages are sent to the model."""

EXCERPT = 2_000
"""How many characters of each of these messages are sent."""

MOST_TOKENS = 1_000
"""Most tokens of the answer, with the small model's thinking."""

LONGEST = 80
"""Most characters of a title."""

_MARKS = (
    *(('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("„", "“"), ("«", "»")),
    *(("「", "」"), ("『", "』")),
    *(("**", "**"), ("*", "*"), ("__", "__"), ("_", "_"), ("`", "`")),
)
"""Pairs of marks that a model may put around a title."""

_ASKED = (
    "Below is the beginning of a conversation. Write a title for it: two to six words,"
    " in the conversation's language, without quotes or a full stop. Answer with the"
    " title alone."
)


async def improve(
    store: Store,
    claude: Claude,
    conversation_id: str,
    model: str,
    *,
    pricing: Pricing | None = None,
) -> bool:
    """Request a better title for a conversation; return whether the title changed.

    Replaces only a title that still is the first words of the question. Raises
    `HistoryError`, but nothing if the endpoint fails.
    """
    conversation = await store.conversation(conversation_id)
    if conversation is None or conversation.title_by != "question":
        return False
    path = await store.read_path(conversation.tip_id)
    if len(path) < 2 or not (
        title := await _requested_title(store, claude, path, model, pricing)
    ):
        return False
    return await store.labels.rename(conversation_id, title, by="model", made_of=_ids(path))


async def _requested_title(
    store: Store, claude: Claude, path: list[Message], model: str, pricing: Pricing | None
) -> str:
    """Request a title; return "" if none came. The request log gets a row in any case."""
    reply = StreamingReply(store.new_id(), path[0].conversation_id, model)
    request_log = RequestLog(
        store, claude.endpoint.identity, reply, purpose="title", pricing=pricing
    )
    failure: Failure | None = None
    state = reply.stops_as
    try:
        events = claude.create([_question(path)], Parameters(model, max_tokens=MOST_TOKENS))
        async with loaded_meanwhile(pricing, claude.endpoint), aclosing(events):
            async for event in events:
                request_log.note(event)
                reply.take(event)
        if isinstance(reply.finished, Finished):
            state = ended_state(reply.finished)
    except ReplyFailed as error:
        state, failure = failed_state(error), error.failure
    finally:
        request_log.close(state, failure)
        await store.labels.add_request(request_log.request, made_of=_ids(path))
    return tidy(reply.words("text")) if state == "complete" else ""


def _ids(path: list[Message]) -> list[str]:
    return [message.id for message in path[:SHOWN]]


def _question(path: list[Message]) -> Json:
    excerpts = "\n\n".join(
        f"<{message.role}>\n{message.text[:EXCERPT]}\n</{message.role}>"
        for message in path[:SHOWN]
    )
    return {"role": "user", "content": f"{_ASKED}\n\n{excerpts}"}


def tidy(answer: str) -> str:
    """Return a model's answer as a title; "" if it cannot be one."""
    lines = (" ".join(clean_line(line).split()) for line in answer.splitlines())
    title = next(filter(None, map(_bare, lines)), "")
    return title if len(title) <= LONGEST else ""


def _bare(title: str) -> str:
    """Return a title without the marks that models put around it; "" if nothing is left."""
    before = None
    while title != before:
        before = title
        title = title.lstrip("#").rstrip(".。").strip()
        for begin, end in _MARKS:
            inner = title.removeprefix(begin).removesuffix(end)
            # Quotation marks inside a title belong to it, even if some are at both ends.
            if title == f"{begin}{inner}{end}" and begin not in inner and end not in inner:
                title = inner
    return title if any(letter.isalnum() for letter in title) else ""
